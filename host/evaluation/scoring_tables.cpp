#include "host/evaluation/scoring_tables.hpp"

#include <algorithm>
#include <map>

#include "host/evaluation/drawn_sets.hpp"

namespace spacemoe {
namespace {

/// Clipped to what a latency can hold, as costs beyond it are to kernels.
Nanoseconds clipped(std::uint64_t ns) {
  return static_cast<Nanoseconds>(std::min<std::uint64_t>(ns, unreachable));
}

/// One layer's costs in one slot, with the arrays that a CostView looks at.
struct LayerCosts {
  std::vector<Nanoseconds> layer_ns;
  std::vector<Nanoseconds> expert_ns;
  std::vector<Nanoseconds> queue_ns;
  std::vector<std::uint16_t> host;
  std::vector<std::uint8_t> shares{1};

  CostView view() const {
    return {1, static_cast<std::uint32_t>(host.size()), 0, layer_ns, expert_ns, queue_ns, host, shares};
  }
};

}  // namespace

ScoringTables::ScoringTables(RoutingLaw law, ActivationWeights const& weights, std::uint32_t top_k,
                             ComputeTimes const& compute, std::uint32_t satellites)
    : experts_(weights.experts), within_(weights.layers) {
  laws_.reserve(weights.layers);
  for (std::uint32_t layer = 0; layer < weights.layers; ++layer) {
    laws_.emplace_back(law, Span<double const>(weights.layer(layer), experts_), top_k);
    auto const& positive = laws_.back().view();
    if (positive.expert.size() > max_subset_experts) continue;
    std::vector<double> weight;
    for (ExpertIndex const e : positive.expert) weight.push_back(weights.layer(layer)[e]);
    within_[layer] = chance_within(law, weight, top_k);
  }
  // Given times depend on the expert, others on the host.
  bool const given = compute.expert_times_given();
  for (std::uint32_t layer = 0; layer < weights.layers; ++layer) {
    for (std::uint32_t e = 0; e < experts_; ++e) {
      expert_ns_.push_back(given ? compute.expert_ns(layer, e, satellite(0)) : 0);
    }
  }
  for (std::uint32_t s = 0; s < satellites; ++s) {
    satellite_ns_.push_back(given ? 0 : compute.expert_ns(0, 0, satellite(s)));
  }
}

LayerLawView ScoringTables::view(std::uint32_t layer) const {
  LayerLawView view = laws_[layer].view();
  view.within = within_[layer];
  return view;
}

bool shares_hosts(std::span<SatelliteId const> hosts) {
  std::vector<SatelliteId> sorted(hosts.begin(), hosts.end());
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) != sorted.end();
}

LayerScore queued_score(LayerLaw const& law, std::span<SatelliteId const> hosts,
                        std::span<Nanoseconds const> there, std::span<Nanoseconds const> back,
                        std::span<std::uint64_t const> compute_ns, Nanoseconds forward,
                        std::uint64_t gateway_ns) {
  LayerCosts costs;
  std::map<SatelliteId, std::uint16_t> numbers;
  for (std::size_t e = 0; e < hosts.size(); ++e) {
    bool const lost = there[e] == unreachable || back[e] == unreachable;
    costs.expert_ns.push_back(lost ? unreachable
                                   : clipped(std::uint64_t{there[e]} + compute_ns[e] + back[e]));
    costs.queue_ns.push_back(clipped(compute_ns[e]));
    costs.host.push_back(
        numbers.try_emplace(hosts[e], static_cast<std::uint16_t>(numbers.size())).first->second);
  }
  costs.layer_ns.push_back(forward == unreachable ? unreachable : clipped(gateway_ns + forward));
  LayerDistribution const layer = law.distribution(costs.view(), 0);
  if (layer.atoms.empty()) return {0, 0, 0};
  return {layer.mean_ns(), layer.variance_ns2(), 1 - layer.unreachable};
}

}  // namespace spacemoe
