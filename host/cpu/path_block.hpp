#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "host/network/network.hpp"
#include "host/satellite_id.hpp"
#include "kernels/latency.hpp"

namespace spacemoe {

/// One block of sources in one snapshot: what a path method reads, and where it writes.
struct PathBlock {
  SlotLinks links;
  std::span<SatelliteId const> sources;  ///< [lane], ascending; repeated where there are fewer than lanes
  Nanoseconds* rows;                     ///< [node][lane], aligned to 64 bytes; need not be initialised

  /// Latencies of the links at a port: [node - first].
  Nanoseconds const* link_ns(std::uint32_t port, std::uint32_t first) const {
    return links.latency_ns.data() + static_cast<std::size_t>(port) * links.wiring->nodes + first;
  }
};

}  // namespace spacemoe
