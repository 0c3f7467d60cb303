#include "host/search/relaxed_layers.hpp"

#include <algorithm>
#include <numeric>

namespace spacemoe {
namespace {

/// Error of LayerLaw's probabilities.
constexpr double law_error = 1e-9;

/// Chance that the slowest drawn expert is the m-th of falling weight, from the law's distribution under
/// costs 1, 2, ...
std::vector<double> chance_of_slowest(LayerLaw const& law, std::uint32_t experts) {
  LayerLawView const view = law.view();
  std::vector<std::size_t> by_weight(view.expert.size());
  std::iota(by_weight.begin(), by_weight.end(), std::size_t{0});
  std::ranges::stable_sort(by_weight,
                           [&](std::size_t a, std::size_t b) { return view.weight[a] > view.weight[b]; });

  std::vector<Nanoseconds> rank(experts, unreachable);
  for (std::size_t m = 0; m < by_weight.size(); ++m) {
    rank[view.expert[by_weight[m]]] = static_cast<Nanoseconds>(m + 1);
  }
  std::vector<Nanoseconds> const at_gateway{0};
  std::vector<Nanoseconds> const queue(experts, 0);
  std::vector<std::uint16_t> host(experts);
  std::iota(host.begin(), host.end(), std::uint16_t{0});
  std::vector<std::uint8_t> const shares{0};
  auto const distribution = law.distribution({1, experts, 0, at_gateway, rank, queue, host, shares}, 0);

  std::vector<double> at(by_weight.size(), 0.0);
  for (auto const& atom : distribution.atoms) at[atom.latency_ns - 1] = atom.probability;
  std::vector<double> chance;
  double exact = 0;
  double before = 0;
  for (double const probability : at) {
    exact += probability;
    double const within = exact > 0 ? std::min(1.0, exact + law_error) : 0.0;
    chance.push_back(within - before);
    before = within;
  }
  chance.back() += 1 - before;
  return chance;
}

/// The least compute of a layer's experts as far as it depends on the expert.
std::uint64_t least_expert_ns(ScoringTables const& tables, std::uint32_t layer) {
  std::uint64_t least = no_limit_ns;
  for (ExpertIndex const e : tables.law(layer).view().expert) {
    least = std::min(least, tables.expert_ns()[std::size_t{layer} * tables.experts() + e]);
  }
  return least;
}

}  // namespace

RelaxedLayers relaxed_layers(Scenario const& scenario, ComputeTimes const& compute,
                             ScoringTables const& tables) {
  RelaxedLayers layers;
  layers.satellites = static_cast<std::uint32_t>(tables.satellite_ns().size());
  layers.capacity = scenario.capacity;
  layers.own_gateway = scenario.aggregation == Aggregation::own_gateway;
  layers.gateways_host_experts = scenario.gateways_host_experts;
  layers.satellite_ns.assign(tables.satellite_ns().begin(), tables.satellite_ns().end());
  for (std::uint32_t l = 0; l < tables.layers(); ++l) {
    layers.chance.push_back(chance_of_slowest(tables.law(l), tables.experts()));
    std::uint64_t const least = least_expert_ns(tables, l);
    for (std::uint32_t s = 0; s < layers.satellites; ++s) {
      layers.fixed_ns.push_back(compute.gateway_ns(l, satellite(s)) + least);
    }
  }
  for (std::uint32_t s = 0; s < layers.satellites; ++s) {
    layers.head_ns.push_back(compute.head_ns(satellite(s)));
  }
  return layers;
}

std::size_t most_hosts(RelaxedLayers const& layers) {
  std::size_t experts = 0;
  for (auto const& chance : layers.chance) experts = std::max(experts, chance.size());
  return (experts + layers.capacity - 1) / layers.capacity;
}

HostsAround::HostsAround(RelaxedLayers const& layers, std::size_t gateway, std::span<Nanoseconds const> from)
    : layers_(&layers), from_(from) {
  for (std::uint32_t s = 0; s < layers.satellites; ++s) {
    bool const may_host = layers.gateways_host_experts || s != gateway;
    if (!may_host || from[s] == unreachable) continue;
    std::uint64_t const ways = layers.own_gateway ? 2 * std::uint64_t{from[s]} : from[s];
    there_.push_back({ways + layers.satellite_ns[s], s});
  }
  std::ranges::sort(there_);
}

void HostsAround::nearest(std::size_t next, std::span<Nanoseconds const> back, std::size_t count,
                          std::uint64_t limit_ns, std::vector<HostCost>& found) const {
  found.clear();
  if (layers_->own_gateway && from_[next] == unreachable) return;
  std::uint64_t const forward = layers_->own_gateway ? from_[next] : 0;
  HostCost worst{limit_ns, 0};  // from which on a host is not wanted
  for (HostCost const& host : there_) {
    std::uint64_t const least = host.ns + forward;
    if (least >= worst.ns) break;
    HostCost const whole{layers_->own_gateway ? least : least + back[host.satellite], host.satellite};
    if (!(whole < worst)) continue;
    bool const reached = layers_->own_gateway || back[host.satellite] != unreachable;
    bool const may_host = layers_->gateways_host_experts || host.satellite != next;
    if (!reached || !may_host) continue;
    if (found.size() == count) found.pop_back();
    found.insert(std::ranges::upper_bound(found, whole), whole);
    if (found.size() == count) worst = found.back();
  }
}

double slowest_drawn_ns(std::span<double const> chance, std::span<HostCost const> hosts,
                        std::uint32_t capacity, double beyond_ns) {
  double mean = 0;
  std::size_t m = 0;
  for (auto host = hosts.begin(); host != hosts.end() && m < chance.size(); ++host) {
    double const cost = static_cast<double>(host->ns);
    std::size_t const end = std::min<std::size_t>(m + capacity, chance.size());
    for (; m < end; ++m) mean += chance[m] * cost;
  }
  for (; m < chance.size(); ++m) mean += chance[m] * beyond_ns;
  return mean;
}

}  // namespace spacemoe
