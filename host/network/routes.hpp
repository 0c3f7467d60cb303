#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/network/network.hpp"

namespace spacemoe {

/// Fewest hops of a shortest path from `source` to every satellite, given the source's latencies [ns] on a
/// batch of one snapshot; no_route where there is none.
std::vector<std::uint32_t> hop_counts(SnapshotBatch const& batch, SatelliteId source,
                                      std::span<Nanoseconds const> latency);

inline constexpr std::uint32_t no_route = 0xffffffff;

/// The satellites of one shortest path with fewest hops, both ends included; among equals the predecessor of
/// lowest id. Empty when there is none.
std::vector<SatelliteId> route(SnapshotBatch const& batch, SatelliteId source, SatelliteId target,
                               std::span<Nanoseconds const> latency);

}  // namespace spacemoe
