#include "host/evaluation/sampler_choice.hpp"

#include <bit>
#include <cmath>

namespace spacemoe {
namespace {

// Nanoseconds on one core of a server with AVX-512, fitted for 8 to 256 experts of which 2 to 8 are drawn.

/// Distribution of a layer's latency and its integer table, one expert per host.
double table_ns(SamplingWork const& work) {
  double const experts = work.experts;
  double const per_pick = work.law == RoutingLaw::plackett_luce ? 9 : 1.5;
  return 400 + 30 * experts + per_pick * experts * work.top_k;
}

/// The same where hosts have several experts.
double shared_table_ns(SamplingWork const& work) {
  double const picks = static_cast<double>(work.experts) * work.top_k;
  bool const race = work.law == RoutingLaw::plackett_luce;
  return table_ns(work) + (race ? 160 * picks * std::bit_width(work.experts) : 50 * picks);
}

/// One draw of a layer's latency; tables of more than 256 columns do not fit vector look-ups.
double layer_draw_ns(SamplingWork const& work) {
  return work.experts <= 256 ? 0.6 : 7;
}

/// One token's experts in a layer.
double routing_ns(SamplingWork const& work) {
  return work.law == RoutingLaw::plackett_luce ? 3 + 1.6 * work.top_k : 2 + 0.6 * work.experts;
}

double shared_routing_ns(SamplingWork const& work) {
  return routing_ns(work) + 15 * work.top_k + (work.law == RoutingLaw::plackett_luce ? 0 : 2 * work.experts);
}

std::string microseconds(double ns) {
  return std::to_string(static_cast<long long>(std::llround(ns / 1000))) + " us";
}

}  // namespace

SamplerChoice choose_sampler(Sampler wanted, SamplingWork const& work) {
  if (wanted != Sampler::automatic) return {wanted, "the scenario asks for it"};
  double const single_layers = work.layers - work.shared_layers;
  double const order_statistic_ns = single_layers * table_ns(work) +
                                    work.shared_layers * shared_table_ns(work) +
                                    work.tokens * work.layers * layer_draw_ns(work);
  double const routes_ns =
      work.tokens * (single_layers * routing_ns(work) + work.shared_layers * shared_routing_ns(work));
  std::string const tokens = std::to_string(static_cast<long long>(std::llround(work.tokens)));
  return {order_statistic_ns < routes_ns ? Sampler::order_statistic : Sampler::routing,
          "estimates for " + tokens + " tokens per placement and slot: order-statistic " +
              microseconds(order_statistic_ns) + ", routing " + microseconds(routes_ns)};
}

}  // namespace spacemoe
