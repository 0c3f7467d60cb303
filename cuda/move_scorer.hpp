#pragma once

#include <memory>
#include <span>

#include "cuda/channel.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Backend::move_scorer on the current device, with memory of its own and, for the paths, channels of that
/// device. The path latencies of all snapshots stay on the device. Where experts share hosts, paths come back
/// and the host scores. Throws DeviceOutOfMemory when the paths do not fit.
std::unique_ptr<MoveScorer> make_cuda_move_scorer(SnapshotBatch const& batch,
                                                  std::span<SatelliteId const> sources,
                                                  ScoringTables const& tables,
                                                  std::shared_ptr<DevicePool const> const& memory,
                                                  Channels& channels);

}  // namespace spacemoe
