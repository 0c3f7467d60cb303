#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/network/network.hpp"

namespace spacemoe {

inline constexpr std::uint32_t no_route = 0xffffffff;

/// Routes from one source to some targets: shortest paths, of these one with fewest hops, and among equals
/// the predecessor of lowest id. Together they are a tree.
struct RouteTree {
  struct Stop {
    SatelliteId satellite;
    std::uint32_t hops;      ///< from the source
    std::uint32_t previous;  ///< the stop before it; the source's is itself
    std::uint32_t port;      ///< of the satellite, to the one before it; the source's means nothing
  };
  /// Each after the one before it; the source comes first. Holds all shortest paths to the targets, be they
  /// routes or not. Empty where no target is reached.
  std::vector<Stop> stops;
  std::vector<std::uint32_t> target;  ///< [target]: its stop, or no_route
};

/// Routes from `source`, given its latencies [ns] on a batch of one snapshot. Works on the satellites of
/// shortest paths to the targets only.
RouteTree route_tree(SnapshotBatch const& batch, SatelliteId source, std::span<Nanoseconds const> latency,
                     std::span<SatelliteId const> targets);

/// Hops of the route from `source` to every satellite, given the source's latencies [ns] on a batch of one
/// snapshot; no_route where there is none.
std::vector<std::uint32_t> hop_counts(SnapshotBatch const& batch, SatelliteId source,
                                      std::span<Nanoseconds const> latency);

/// The satellites of the route to one target, both ends included. Empty when there is none.
std::vector<SatelliteId> route(SnapshotBatch const& batch, SatelliteId source, SatelliteId target,
                               std::span<Nanoseconds const> latency);

}  // namespace spacemoe
