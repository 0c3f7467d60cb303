#include "host/cpu/move_scorer.hpp"

#include <algorithm>
#include <vector>

#include <tbb/parallel_for.h>

#include "host/cpu/layer_scoring.hpp"

namespace spacemoe {
namespace {

/// Slots whose paths are found at once.
constexpr std::uint32_t slots_at_once = 16;

class CpuMoveScorer final : public MoveScorer {
 public:
  CpuMoveScorer(std::shared_ptr<PathMemory> memory, SnapshotBatch const& batch,
                std::span<SatelliteId const> sources, ScoringTables const& tables)
      : tables_(tables), view_(pathless_view(tables, batch, slots_at_once)) {
    path_ns_.resize(sources.size() * view_.nodes * view_.slot_stride);
    view_.path_ns = path_ns_;
    PathPlan const plan = path_plan(*batch.wiring, sources.size());
    for (std::uint32_t first = 0; first < view_.slots; first += slots_at_once) {
      std::uint32_t const count = std::min(slots_at_once, view_.slots - first);
      keep(*path_table(plan, memory, part(batch, first, count), sources), sources.size(), first, count);
    }
  }

  LayerScores score(std::span<LayerChange const> changes, std::span<SatelliteId const> hosts) const override {
    LayerScores scores;
    for (auto* const part : {&scores.mean_ns, &scores.variance_ns2, &scores.delivered}) {
      part->resize(changes.size() * view_.slots);
    }
    tbb::parallel_for(std::size_t{0}, changes.size(), [&](std::size_t c) {
      std::size_t const at = c * view_.slots;
      ScoreRows const rows{scores.mean_ns.data() + at, scores.variance_ns2.data() + at,
                           scores.delivered.data() + at};
      auto const changed = hosts.subspan(changes[c].first_host, view_.experts);
      if (shares_hosts(changed)) {
        score_queued(tables_, changes[c], changed, paths(changes[c], changed), view_.slots, rows);
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
      std::vector<std::vector<Nanoseconds>> row(count);
      for (std::uint32_t slot = 0; slot < count; ++slot) {
        row[slot] = table.row(slot, static_cast<std::uint32_t>(source));
      }
      Nanoseconds* to = path_ns_.data() + source * view_.nodes * view_.slot_stride + first;
      for (std::size_t node = 0; node < view_.nodes; ++node, to += view_.slot_stride) {
        for (std::uint32_t slot = 0; slot < count; ++slot) to[slot] = row[slot][node];
      }
    });
  }

  ChangePaths paths(LayerChange const& change, std::span<SatelliteId const> hosts) const {
    ChangePaths paths;
    for (SatelliteId const host : hosts) {
      auto const node = static_cast<std::uint32_t>(index(host));
      paths.there.push_back(view_.path(change.gateway, node));
      paths.back.push_back(view_.path(change.aggregation, node));
    }
    paths.forward = view_.path(change.aggregation, change.forward);
    return paths;
  }

  ScoringTables const& tables_;
  ScoringView view_;
  std::vector<Nanoseconds> path_ns_;
};

}  // namespace

std::unique_ptr<MoveScorer> make_cpu_move_scorer(std::shared_ptr<PathMemory> memory,
                                                 SnapshotBatch const& batch,
                                                 std::span<SatelliteId const> sources,
                                                 ScoringTables const& tables) {
  return std::make_unique<CpuMoveScorer>(std::move(memory), batch, sources, tables);
}

}  // namespace spacemoe
