#pragma once

#include <memory>
#include <span>

#include "cuda/channel.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Backend::move_scorer on the current device, through channels of that device. The
/// path latencies of all snapshots stay on the device. Where experts share hosts, the paths come back and the
/// host scores.
std::unique_ptr<MoveScorer> make_cuda_move_scorer(SnapshotBatch const& batch,
                                                  std::span<SatelliteId const> sources,
                                                  ScoringTables const& tables, Channels& channels);

}  // namespace spacemoe
