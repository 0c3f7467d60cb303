#include "host/cpu/move_scorer.hpp"

#include <algorithm>
#include <vector>

#include <tbb/parallel_for.h>

#include "host/cpu/layer_scoring.hpp"

namespace spacemoe {
namespace {

/// Slots whose paths are found at once.
constexpr std::uint32_t slots_at_once = 16;

SnapshotBatch part_of(SnapshotBatch const& batch, std::uint32_t first, std::uint32_t count) {
  std::size_t const links = batch.wiring->link.size();
  auto const begin = batch.latency_ns.begin() + static_cast<std::ptrdiff_t>(first * links);
  return {batch.wiring, count, {begin, begin + static_cast<std::ptrdiff_t>(count * links)}};
}

class CpuMoveScorer final : public MoveScorer {
 public:
  CpuMoveScorer(std::shared_ptr<PathMemory> memory, SnapshotBatch const& batch,
                std::span<SatelliteId const> sources, ScoringTables const& tables)
      : tables_(tables) {
    view_.nodes = batch.wiring->nodes;
    view_.slots = batch.snapshots;
    view_.slot_stride = (batch.snapshots + slots_at_once - 1) / slots_at_once * slots_at_once;
    view_.experts = tables.experts();
    view_.expert_ns = tables.expert_ns();
    view_.satellite_ns = tables.satellite_ns();
    path_ns_.resize(sources.size() * view_.nodes * view_.slot_stride);
    view_.path_ns = path_ns_;
    PathPlan const plan = path_plan(*batch.wiring, sources.size());
    for (std::uint32_t first = 0; first < view_.slots; first += slots_at_once) {
      std::uint32_t const count = std::min(slots_at_once, view_.slots - first);
      keep(*path_table(plan, memory, part_of(batch, first, count), sources), sources.size(), first, count);
    }
  }

  LayerScores score(std::span<LayerChange const> changes, std::span<SatelliteId const> hosts) const override {
    LayerScores scores;
    for (auto* const part : {&scores.mean_ns, &scores.variance_ns2, &scores.delivered}) {
      part->resize(changes.size() * view_.slots);
    }
    tbb::parallel_for(std::size_t{0}, changes.size(), [&](std::size_t c) {
      std::size_t const at = c * view_.slots;
      ScoreRows const rows{&scores.mean_ns[at], &scores.variance_ns2[at], &scores.delivered[at]};
      auto const changed = hosts.subspan(changes[c].first_host, view_.experts);
      if (shares_hosts(changed)) {
        score_queued(changes[c], changed, rows);
      } else {
        score_change(view_, tables_.view(changes[c].layer), changes[c], changed.data(), rows);
      }
    });
    return scores;
  }

 private:
  /// Turns rows of snapshots into rows of slots.
  void keep(PathTable const& table, std::size_t sources, std::uint32_t first, std::uint32_t count) {
    tbb::parallel_for(std::size_t{0}, sources, [&](std::size_t source) {
      for (std::uint32_t slot = 0; slot < count; ++slot) {
        auto const row = table.row(slot, static_cast<std::uint32_t>(source));
        Nanoseconds* const to = &path_ns_[source * view_.nodes * view_.slot_stride + first + slot];
        for (std::size_t node = 0; node < row.size(); ++node) to[node * view_.slot_stride] = row[node];
      }
    });
  }

  void score_queued(LayerChange const& change, std::span<SatelliteId const> hosts,
                    ScoreRows const& rows) const {
    std::vector<std::uint64_t> compute_ns;
    for (std::size_t e = 0; e < hosts.size(); ++e) {
      compute_ns.push_back(tables_.expert_ns()[change.layer * hosts.size() + e] +
                           tables_.satellite_ns()[index(hosts[e])]);
    }
    std::vector<Nanoseconds> there(hosts.size());
    std::vector<Nanoseconds> back(hosts.size());
    for (std::uint32_t slot = 0; slot < view_.slots; ++slot) {
      for (std::size_t e = 0; e < hosts.size(); ++e) {
        auto const host = static_cast<std::uint32_t>(index(hosts[e]));
        there[e] = view_.path(change.gateway, host)[slot];
        back[e] = view_.path(change.aggregation, host)[slot];
      }
      LayerScore const score =
          queued_score(tables_.law(change.layer), hosts, there, back, compute_ns,
                       view_.path(change.aggregation, change.forward)[slot], change.gateway_ns);
      rows.mean_ns[slot] = score.mean_ns;
      rows.variance_ns2[slot] = score.variance_ns2;
      rows.delivered[slot] = score.delivered;
    }
  }

  ScoringTables const& tables_;
  std::vector<Nanoseconds> path_ns_;
  ScoringView view_;
};

}  // namespace

std::unique_ptr<MoveScorer> make_cpu_move_scorer(std::shared_ptr<PathMemory> memory,
                                                 SnapshotBatch const& batch,
                                                 std::span<SatelliteId const> sources,
                                                 ScoringTables const& tables) {
  return std::make_unique<CpuMoveScorer>(std::move(memory), batch, sources, tables);
}

}  // namespace spacemoe
