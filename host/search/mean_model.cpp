#include "host/search/mean_model.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "host/evaluation/layer_distribution.hpp"

namespace spacemoe {
namespace {

std::vector<std::uint32_t> falling(std::span<double const> weight) {
  std::vector<std::uint32_t> order(weight.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::uint32_t e) { return weight[e]; });
  return order;
}

/// P(the slowest drawn is the m-th), where the expert `order[m]` is the m-th fastest: the law's distribution
/// of latencies that tell the ranks.
std::vector<double> shares_of_ranks(LayerLaw const& law, std::span<std::uint32_t const> order) {
  std::vector<Nanoseconds> rank(order.size());
  for (std::size_t m = 0; m < order.size(); ++m) rank[order[m]] = static_cast<Nanoseconds>(m);
  std::array<Nanoseconds, 1> const at_gateway{0};
  std::array<std::uint8_t, 1> const shares_hosts{0};
  std::vector<std::uint16_t> const host(order.size());
  CostView const cost{1,           static_cast<std::uint32_t>(order.size()), 0, at_gateway, rank, rank, host,
                      shares_hosts};
  std::vector<double> share(order.size());
  for (auto const& atom : law.distribution(cost, 0).atoms) share[atom.latency_ns] = atom.probability;
  return share;
}

}  // namespace

MeanModel::MeanModel(SearchProblem const& problem, std::span<SatelliteId const> gateways)
    : MeanModel(problem.scenario, problem.compute, problem.mean_profile(), gateways,
                MeanPaths(problem.slots, problem.backend, gateways, shun_lost)) {}

MeanModel::MeanModel(Scenario const& scenario, ComputeTimes const& compute, ActivationWeights const& weights,
                     std::span<SatelliteId const> gateways, MeanPaths paths)
    : own_gateway_(scenario.aggregation == Aggregation::own_gateway),
      meets_(weights.experts > 1 ? (scenario.model.top_k - 1.0) / (weights.experts - 1.0) : 0.0),
      paths_(std::move(paths)),
      source_(paths_.nodes(), no_source) {
  for (std::uint32_t i = 0; i < gateways.size(); ++i) source_[index(gateways[i])] = i;
  for (std::uint32_t l = 0; l < weights.layers; ++l) {
    std::span<double const> const row(weights.layer(l), weights.experts);
    order_.push_back(falling(row));
    LayerLaw const law(scenario.law, Span<double const>(row.data(), weights.experts), scenario.model.top_k);
    rank_share_.push_back(shares_of_ranks(law, order_.back()));
    for (std::uint32_t s = 0; s < satellites(); ++s) {
      gateway_ns_.push_back(static_cast<double>(compute.gateway_ns(l, satellite(s))));
    }
  }
  for (std::uint32_t s = 0; s < satellites(); ++s) {
    compute_ns_.push_back(static_cast<double>(compute.expert_ns(0, 0, satellite(s))));
    head_ns_.push_back(static_cast<double>(compute.head_ns(satellite(s))));
  }
}

SatelliteId MeanModel::aggregation(Layout const& layout, std::uint32_t layer) const {
  return own_gateway_ ? layout.gateway(layer) : layout.placement().next_gateway(layer);
}

double MeanModel::gateway_ns(Layout const& layout, std::uint32_t layer) const {
  std::size_t const gateway = index(layout.gateway(layer));
  double ns = gateway_ns_[layer * std::size_t{satellites()} + gateway];
  if (own_gateway_) ns += path_ns(layout.gateway(layer), layout.placement().next_gateway(layer));
  if (layer == 0) ns += head_ns_[gateway];
  return ns;
}

double MeanModel::expert_ns(Layout const& layout, ExpertSlot expert) const {
  std::uint32_t const layer = layout.layer(expert);
  SatelliteId const host = layout.host(expert);
  double const alone_ns = host_ns(layout.gateway(layer), aggregation(layout, layer), host);
  if (layout.limits().capacity == 1) return alone_ns;
  auto const together =
      std::ranges::count_if(layout.experts_on(host), [&](ExpertSlot e) { return layout.layer(e) == layer; });
  return alone_ns + static_cast<double>(together - 1) * queue_ns(host);
}

void MeanModel::cost_experts(Layout const& layout, std::uint32_t layer, std::span<std::uint32_t> order,
                             std::span<double> cost_ns) const {
  std::vector<double> of_expert;
  for (std::uint32_t e = 0; e < order.size(); ++e) {
    of_expert.push_back(expert_ns(layout, layout.slot(layer, e)));
  }
  sort_by_cost(of_expert, order, cost_ns);
}

void sort_by_cost(std::span<double const> of_expert, std::span<std::uint32_t> order,
                  std::span<double> sorted) {
  for (std::uint32_t m = 0; m < order.size(); ++m) {
    std::uint32_t const expert = order[m];
    double const cost = of_expert[expert];
    std::uint32_t at = m;
    for (; at > 0 && sorted[at - 1] > cost; --at) {
      sorted[at] = sorted[at - 1];
      order[at] = order[at - 1];
    }
    sorted[at] = cost;
    order[at] = expert;
  }
}

double MeanModel::layer_ns(Layout const& layout, std::uint32_t layer, std::span<double const> cost_ns) const {
  double sum_ns = gateway_ns(layout, layer);
  auto const share = rank_share(layer);
  // Four sums side by side: one would wait for itself.
  std::array<double, 4> part{};
  std::size_t m = 0;
  for (; m + 4 <= share.size(); m += 4) {
    for (std::size_t i = 0; i < 4; ++i) part[i] += cost_ns[m + i] * share[m + i];
  }
  for (; m < share.size(); ++m) sum_ns += cost_ns[m] * share[m];
  return sum_ns + ((part[0] + part[1]) + (part[2] + part[3]));
}

}  // namespace spacemoe
