#include "host/evaluation/layer_distribution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "host/evaluation/host_product.hpp"
#include "host/evaluation/inclusion.hpp"

namespace spacemoe {

namespace {

constexpr double tolerance = 1e-9;

/// A latency and the chance that all drawn experts are served by then.
struct Step {
  Nanoseconds latency_ns;
  double served;
};

/// Steps by rising latency, the last of them with every draw served.
LayerDistribution to_distribution(std::vector<Step> const& steps) {
  LayerDistribution distribution;
  distribution.atoms.reserve(steps.size());
  double before = 0;
  for (Step const& step : steps) {
    if (!(step.served >= before - tolerance && step.served <= 1 + tolerance)) {
      throw std::logic_error("the chance that a layer is served by a time does not rise from 0 to 1");
    }
    double const served = std::clamp(step.served, before, 1.0);
    double const probability = served - before;
    before = served;
    if (step.latency_ns == unreachable) {
      distribution.unreachable += probability;
    } else if (probability > 0) {
      distribution.atoms.push_back({step.latency_ns, probability});
    }
  }
  return distribution;
}

/// Divides by the geometric mean of the top_k largest: elementary symmetric polynomials of degree top_k then
/// lie between 1 and a binomial coefficient.
void balance(std::vector<double>& weight, std::uint32_t top_k) {
  std::vector<double> falling = weight;
  std::ranges::sort(falling, std::greater{});
  double log_sum = 0;
  for (std::uint32_t k = 0; k < top_k; ++k) log_sum += std::log(falling[k]);
  double const mean = std::exp(log_sum / top_k);
  for (double& w : weight) w /= mean;
}

/// Conditional Poisson: chance e_K(first m) / e_K(all) that the K drawn are among the first m of `order`, for
/// m from 1; e_K is the elementary symmetric polynomial of the weights.
std::vector<double> within_first(std::vector<double> const& weight, std::vector<std::uint32_t> const& order,
                                 std::uint32_t top_k) {
  std::vector<double> symmetric(top_k + 1, 0.0);
  symmetric[0] = 1;
  std::vector<double> within;
  within.reserve(order.size());
  for (std::uint32_t const expert : order) {
    for (std::uint32_t k = top_k; k >= 1; --k) symmetric[k] += weight[expert] * symmetric[k - 1];
    within.push_back(symmetric[top_k]);
  }
  for (double& w : within) w /= symmetric[top_k];
  return within;
}

/// The expert is served at this latency when `count` experts, itself among them, are drawn on its host.
struct Service {
  Nanoseconds latency_ns;
  std::uint32_t host;
  std::uint32_t count;
  std::uint32_t expert;
};

/// Who shares a host, and when its experts are served.
struct Schedule {
  std::vector<std::vector<std::uint32_t>> residents;  ///< [host]
  std::vector<Service> services;                      ///< by latency, then host, then count
};

/// As expert_latency() of kernels/token.hpp, layer latency included, when `others` are drawn on the host.
Nanoseconds queued_latency(CostView const& cost, std::uint32_t layer, std::size_t entry,
                           std::uint64_t others) {
  std::uint64_t const latency = cost.expert_ns[entry] + others * cost.queue_ns[entry];
  return add_latency(cost.layer_ns[layer],
                     static_cast<Nanoseconds>(std::min<std::uint64_t>(latency, unreachable)));
}

Schedule schedule(CostView const& cost, std::uint32_t layer, std::vector<ExpertIndex> const& experts,
                  std::uint32_t top_k) {
  std::size_t const first = static_cast<std::size_t>(layer) * cost.experts;
  Schedule plan;
  std::map<std::uint16_t, std::uint32_t> numbers;
  for (std::uint32_t e = 0; e < experts.size(); ++e) {
    auto const next = static_cast<std::uint32_t>(numbers.size());
    auto const host = numbers.try_emplace(cost.host[first + experts[e]], next).first->second;
    if (host == next) plan.residents.emplace_back();
    plan.residents[host].push_back(e);
  }
  for (std::uint32_t host = 0; host < plan.residents.size(); ++host) {
    auto const& residents = plan.residents[host];
    auto const most = std::min(top_k, static_cast<std::uint32_t>(residents.size()));
    for (std::uint32_t const e : residents) {
      for (std::uint32_t count = 1; count <= most; ++count) {
        plan.services.push_back({queued_latency(cost, layer, first + experts[e], count - 1), host, count, e});
      }
    }
  }
  std::ranges::sort(plan.services, {},
                    [](Service const& s) { return std::tuple(s.latency_ns, s.host, s.count); });
  return plan;
}

/// Number of services from `first` on that fall on one latency.
std::size_t step_size(std::vector<Service> const& services, std::size_t first) {
  std::size_t last = first;
  while (last < services.size() && services[last].latency_ns == services[first].latency_ns) ++last;
  return last - first;
}

std::vector<Step> empty_steps(Schedule const& plan) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < plan.services.size(); i += step_size(plan.services, i)) {
    steps.push_back({plan.services[i].latency_ns, 0});
  }
  return steps;
}

/// Polynomials of the sets that are served in time, followed through all latencies: a set is served when
/// every host serves each of its experts at the number that it has to serve.
template <class Number>
class ServedSets {
 public:
  ServedSets(Schedule const& plan, std::span<ExpertFactor<Number> const> factor, std::uint32_t top_k)
      : plan_(plan),
        factor_(factor),
        top_k_(top_k),
        served_(factor.size() * top_k, 0),
        ready_(plan.residents.size() * top_k, 0),
        product_(nobody_drawn(), top_k) {}

  /// Lets one step's services happen and returns the coefficient of z^top_k.
  Number advance(std::span<Service const> step) {
    for (Service const& s : step) {
      served_[s.expert * top_k_ + s.count - 1] = 1;
      ++ready_[s.host * top_k_ + s.count - 1];
    }
    for (std::size_t i = 0; i < step.size(); ++i) {
      Service const& s = step[i];
      bool const last_of_host = i + 1 == step.size() || step[i + 1].host != s.host;
      bool const last_of_count = last_of_host || step[i + 1].count != s.count;
      if (last_of_count && ready_[s.host * top_k_ + s.count - 1] >= s.count) {
        product_.set(s.host, s.count, coefficient(s.host, s.count));
      }
      if (last_of_host) product_.refresh(s.host);
    }
    return product_.top();
  }

 private:
  Number coefficient(std::uint32_t host, std::uint32_t count) const {
    return host_coefficient(std::span(plan_.residents[host]), factor_, count, [&](std::uint32_t expert) {
      return count > 0 && served_[expert * top_k_ + count - 1] != 0;
    });
  }

  std::vector<Number> nobody_drawn() const {
    std::vector<Number> nobody;
    for (std::uint32_t host = 0; host < plan_.residents.size(); ++host)
      nobody.push_back(coefficient(host, 0));
    return nobody;
  }

  Schedule const& plan_;
  std::span<ExpertFactor<Number> const> factor_;
  std::uint32_t top_k_;
  std::vector<std::uint8_t> served_;  ///< [expert][count - 1]
  std::vector<std::uint32_t> ready_;  ///< [host][count - 1]: experts served at that count
  HostProduct<Number> product_;
};

/// Adds measure(coefficient of z^top_k) to every step.
template <class Number, class Measure>
void add_served(Schedule const& plan, std::span<ExpertFactor<Number> const> factor, std::uint32_t top_k,
                Measure measure, std::vector<Step>& steps) {
  ServedSets<Number> sets(plan, factor, top_k);
  std::size_t first = 0;
  for (Step& step : steps) {
    std::size_t const size = step_size(plan.services, first);
    step.served += measure(sets.advance(std::span(plan.services).subspan(first, size)));
    first += size;
  }
}

std::vector<ExpertFactor<DualLanes>> race_factors(std::vector<double> const& weight, double const* absent) {
  std::vector<ExpertFactor<DualLanes>> factor(weight.size());
  for (std::size_t e = 0; e < weight.size(); ++e) {
    for (std::size_t i = 0; i < race_lanes; ++i) {
      double const q = absent[e * race_lanes + i];
      factor[e].absent.value[i] = q;
      factor[e].drawn.value[i] = 1 - q;
      factor[e].drawn.slope[i] = weight[e] * q;  // arrives just now
    }
  }
  return factor;
}

/// Conditional Poisson's.
std::vector<ExpertFactor<double>> weight_factors(std::vector<double> const& weight) {
  std::vector<ExpertFactor<double>> factor;
  for (double const w : weight) factor.push_back({1.0, w});
  return factor;
}

/// A block's part of the integral over the time of the K-th arrival.
double integral(double const* weight, DualLanes const& coefficient) {
  double sum = 0;
  for (std::size_t i = 0; i < race_lanes; ++i) sum += weight[i] * coefficient.slope[i];
  return sum;
}

/// Time at the node s of the quadrature.
double race_time(double s) {
  return std::exp(s - std::exp(-s));
}

/// The first node before which top_k arrivals have no chance worth counting: their number is at most Poisson,
/// so that the chance is below t^top_k / top_k!.
double first_node(std::uint32_t top_k, double step) {
  double s = -2.25;
  double const limit = std::log(1e-14) + std::lgamma(top_k + 1.0);
  while (top_k * std::log(race_time(s + step)) < limit) s += step;
  return s;
}

}  // namespace

double LayerDistribution::mean_ns() const {
  double sum = 0;
  double mass = 0;
  for (Atom const& atom : atoms) {
    sum += atom.probability * atom.latency_ns;
    mass += atom.probability;
  }
  return sum / mass;
}

double LayerDistribution::variance_ns2() const {
  double const mean = mean_ns();
  double sum = 0;
  double mass = 0;
  for (Atom const& atom : atoms) {
    sum += atom.probability * (atom.latency_ns - mean) * (atom.latency_ns - mean);
    mass += atom.probability;
  }
  return sum / mass;
}

LayerLaw::LayerLaw(RoutingLaw law, Span<double const> weights, std::uint32_t top_k)
    : top_k_(top_k), experts_(weights.size()) {
  for (std::size_t e = 0; e < weights.size(); ++e) {
    if (weights[e] > 0) {
      expert_.push_back(static_cast<ExpertIndex>(e));
      weight_.push_back(weights[e]);
    }
  }
  if (expert_.size() < top_k || top_k == 0 || top_k > max_top_k) {
    throw std::logic_error(
        "a layer needs at least as many positive weights as experts to draw, from 1 to 32");
  }
  // A single draw, or the draw of everybody, follows the same law either way.
  race_ = law == RoutingLaw::plackett_luce && top_k > 1 && top_k < expert_.size();
  if (race_) {
    tabulate_race();
    check_race_mass();
  } else {
    balance(weight_, top_k);
  }
}

/// Substitutes t = exp(s - exp(-s)) and sums at equal steps in s. With weights that sum to 1 the K-th arrival
/// is not before t ~ 1, where this is nearly log t, and an integrand in log t is as smooth as a Gamma(K)
/// density at worst; steps of 0.7 / sqrt(K) then leave about 2e-11 (found by comparison with a quarter of the
/// step for K from 2 to 32, up to 384 experts and weights over 9 decades). The integral ends where the
/// lightest expert has arrived but for exp(-37).
void LayerLaw::tabulate_race() {
  double const sum = std::accumulate(weight_.begin(), weight_.end(), 0.0);
  for (double& w : weight_) w /= sum;
  double const lightest = *std::ranges::min_element(weight_);
  double const step = std::min(0.25, 0.7 / std::sqrt(top_k_));
  double const first = first_node(top_k_, step);
  auto const nodes = static_cast<std::size_t>(std::ceil((std::log(37 / lightest) - first) / step)) + 1;
  std::size_t const blocks = (nodes + race_lanes - 1) / race_lanes;
  quadrature_.weight.assign(blocks * race_lanes, 0.0);
  quadrature_.absent.resize(blocks * race_lanes * weight_.size());
  quadrature_.odds.resize(quadrature_.absent.size());
  for (std::size_t node = 0; node < blocks * race_lanes; ++node) {
    double const s = first + step * static_cast<double>(node);
    double const time = race_time(s);
    if (node < nodes) quadrature_.weight[node] = step * time * (1 + std::exp(-s));
    quadrature_.time.push_back(time);
    std::size_t const block = node / race_lanes * weight_.size();
    for (std::size_t e = 0; e < weight_.size(); ++e) {
      std::size_t const at = (block + e) * race_lanes + node % race_lanes;
      quadrature_.absent[at] = std::exp(-weight_[e] * time);
      quadrature_.odds[at] = std::min(std::expm1(weight_[e] * time), most_race_odds);
    }
  }
}

/// The K-th arrival happens at some time: its density must integrate to 1.
void LayerLaw::check_race_mass() const {
  std::vector<std::uint32_t> everybody(weight_.size());
  std::iota(everybody.begin(), everybody.end(), 0u);
  double mass = 0;
  for (std::size_t node = 0; node < quadrature_.weight.size(); node += race_lanes) {
    auto const factor = race_factors(weight_, &quadrature_.absent[node * weight_.size()]);
    auto const drawn = host_coefficient(std::span<std::uint32_t const>(everybody),
                                        std::span<ExpertFactor<DualLanes> const>(factor), top_k_,
                                        [](std::uint32_t) { return true; });
    mass += integral(&quadrature_.weight[node], drawn);
  }
  if (!(std::abs(mass - 1) < tolerance)) {
    throw std::logic_error("the quadrature of a layer's expert race does not add to 1");
  }
}

std::vector<double> LayerLaw::inclusion() const {
  std::vector<double> chance(weight_.size(), 0.0);
  if (race_) {
    for (std::size_t node = 0; node < quadrature_.weight.size(); node += race_lanes) {
      auto const factor = race_factors(weight_, &quadrature_.absent[node * weight_.size()]);
      add_inclusion<DualLanes>(
          factor, top_k_, [&](DualLanes const& drawn) { return integral(&quadrature_.weight[node], drawn); },
          chance);
    }
  } else {
    add_inclusion<double>(
        weight_factors(weight_), top_k_, [](double drawn) { return drawn; }, chance);
    // Every set counts once for each of its members.
    double const all_sets = std::accumulate(chance.begin(), chance.end(), 0.0) / top_k_;
    for (double& c : chance) c /= all_sets;
  }
  std::vector<double> by_expert(experts_, 0.0);
  for (std::size_t e = 0; e < chance.size(); ++e) by_expert[expert_[e]] = std::min(chance[e], 1.0);
  return by_expert;
}

LayerLawView LayerLaw::view() const {
  return {top_k_, expert_, {}, weight_, quadrature_.weight, quadrature_.time, quadrature_.odds};
}

LayerDistribution LayerLaw::distribution(CostView const& cost, std::uint32_t layer) const {
  return cost.shares_hosts[layer] == 0 ? one_per_host(cost, layer) : several_per_host(cost, layer);
}

/// Chance that the K first arrivals are among the first m of `order`, for m from 1.
std::vector<double> LayerLaw::race_within_first(std::vector<std::uint32_t> const& order) const {
  std::size_t const experts = order.size();
  std::vector<double> within(experts);
  race_sweep({experts, top_k_, quadrature_.weight, quadrature_.absent}, order, within);
  double rest = 0;  // weight of all but the first m
  for (std::size_t m = experts - 1; m > 0; --m) {
    rest += weight_[order[m]];
    within[m - 1] *= rest;
  }
  within.back() = 1;
  return within;
}

LayerDistribution LayerLaw::one_per_host(CostView const& cost, std::uint32_t layer) const {
  std::size_t const first = static_cast<std::size_t>(layer) * cost.experts;
  // Latency and expert in one number, so that sorting moves both.
  std::vector<std::uint64_t> by_latency(expert_.size());
  for (std::uint32_t e = 0; e < expert_.size(); ++e) {
    Nanoseconds const latency = add_latency(cost.layer_ns[layer], cost.expert_ns[first + expert_[e]]);
    by_latency[e] = std::uint64_t{latency} << 32 | e;
  }
  std::ranges::sort(by_latency);
  std::vector<std::uint32_t> order(by_latency.size());
  std::ranges::transform(by_latency, order.begin(),
                         [](std::uint64_t both) { return static_cast<std::uint32_t>(both); });
  auto const within = race_ ? race_within_first(order) : within_first(weight_, order, top_k_);
  std::vector<Step> steps;
  steps.reserve(order.size());
  for (std::size_t m = 0; m < order.size(); ++m) {
    auto const latency = static_cast<Nanoseconds>(by_latency[m] >> 32);
    bool const last_of_latency = m + 1 == order.size() || by_latency[m + 1] >> 32 != latency;
    if (last_of_latency) steps.push_back({latency, within[m]});
  }
  return to_distribution(steps);
}

LayerDistribution LayerLaw::several_per_host(CostView const& cost, std::uint32_t layer) const {
  Schedule const plan = schedule(cost, layer, expert_, top_k_);
  std::vector<Step> steps = empty_steps(plan);
  if (race_) {
    for (std::size_t node = 0; node < quadrature_.weight.size(); node += race_lanes) {
      auto const factor = race_factors(weight_, &quadrature_.absent[node * weight_.size()]);
      add_served<DualLanes>(
          plan, factor, top_k_,
          [&](DualLanes const& drawn) { return integral(&quadrature_.weight[node], drawn); }, steps);
    }
  } else {
    add_served<double>(
        plan, weight_factors(weight_), top_k_, [](double drawn) { return drawn; }, steps);
    double const all_sets = steps.back().served;
    for (Step& step : steps) step.served /= all_sets;
  }
  if (!(std::abs(steps.back().served - 1) < tolerance)) {
    throw std::logic_error("the sets of experts that a layer serves do not add to 1");
  }
  steps.back().served = 1;  // so that layers without unreachable experts lose nothing to rounding
  return to_distribution(steps);
}

std::vector<LayerLaw> layer_laws(RoutingLaw law, ActivationWeights const& sampled, std::uint32_t top_k) {
  std::vector<LayerLaw> laws;
  for (std::uint32_t l = 0; l < sampled.layers; ++l) {
    laws.emplace_back(law, Span(sampled.layer(l), sampled.experts), top_k);
  }
  return laws;
}

LayerDistribution layer_distribution(RoutingLaw law, Span<double const> weights, std::uint32_t top_k,
                                     CostView const& cost, std::uint32_t layer) {
  return LayerLaw(law, weights, top_k).distribution(cost, layer);
}

}  // namespace spacemoe
