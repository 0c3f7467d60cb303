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

ScoringView pathless_view(ScoringTables const& tables, SnapshotBatch const& batch,
                          std::uint32_t slots_at_once) {
  ScoringView view;
  view.nodes = batch.wiring->nodes;
  view.slots = batch.snapshots;
  view.slot_stride = (batch.snapshots + slots_at_once - 1) / slots_at_once * slots_at_once;
  view.experts = tables.experts();
  view.expert_ns = tables.expert_ns();
  view.satellite_ns = tables.satellite_ns();
  return view;
}

void score_queued(ScoringTables const& tables, LayerChange const& change, std::span<SatelliteId const> hosts,
                  ChangePaths const& paths, std::uint32_t slots, ScoreRows const& rows) {
  LayerCosts costs;
  std::vector<std::uint64_t> compute_ns;
  std::map<SatelliteId, std::uint16_t> numbers;
  for (std::size_t e = 0; e < hosts.size(); ++e) {
    compute_ns.push_back(tables.expert_ns()[change.layer * hosts.size() + e] +
                         tables.satellite_ns()[index(hosts[e])]);
    costs.queue_ns.push_back(clipped(compute_ns.back()));
    costs.host.push_back(
        numbers.try_emplace(hosts[e], static_cast<std::uint16_t>(numbers.size())).first->second);
  }
  costs.expert_ns.resize(hosts.size());
  costs.layer_ns.resize(1);
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    for (std::size_t e = 0; e < hosts.size(); ++e) {
      Nanoseconds const there = paths.there[e][slot];
      Nanoseconds const back = paths.back[e][slot];
      bool const lost = there == unreachable || back == unreachable;
      costs.expert_ns[e] = lost ? unreachable : clipped(std::uint64_t{there} + compute_ns[e] + back);
    }
    Nanoseconds const forward = paths.forward[slot];
    costs.layer_ns[0] = forward == unreachable ? unreachable : clipped(change.gateway_ns + forward);
    LayerDistribution const layer = tables.law(change.layer).distribution(costs.view(), 0);
    bool const any = !layer.atoms.empty();
    rows.mean_ns[slot] = any ? layer.mean_ns() : 0;
    rows.variance_ns2[slot] = any ? layer.variance_ns2() : 0;
    rows.delivered[slot] = any ? 1 - layer.unreachable : 0;
  }
}

}  // namespace spacemoe
