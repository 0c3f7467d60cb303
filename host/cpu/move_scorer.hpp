#pragma once

#include <memory>
#include <span>

#include "host/cpu/path_table.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Scores changes with vectors of slots, or of quadrature nodes where layers have many experts. Keeps path
/// latencies as [source][node][slot].
std::unique_ptr<MoveScorer> make_cpu_move_scorer(std::shared_ptr<PathMemory> memory,
                                                 SnapshotBatch const& batch,
                                                 std::span<SatelliteId const> sources,
                                                 ScoringTables const& tables);

}  // namespace spacemoe
