#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/latency.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

/// Sources that share a warp, one per lane.
inline constexpr std::uint32_t lanes = 32;

/// Some snapshots as the path kernels see them, all in device memory. Sources are fastest in memory, so that
/// a warp reads and writes whole lines.
struct PathBatch {
  std::uint32_t nodes = 0;
  std::uint32_t degree = 0;
  std::uint32_t snapshots = 0;
  Span<std::uint32_t const> source;  ///< [source], ascending; the last is repeated to fill its warp
  /// [node][port]; with links between shells, whose ends change from slot to slot, [snapshot][node][port].
  Span<std::uint32_t const> neighbor;
  Span<Nanoseconds const> link_ns;  ///< [snapshot][node][port], `unreachable` where there is no link
  Span<Nanoseconds> row_ns;         ///< [snapshot][node][source]

  SPACEMOE_FN std::uint32_t source_blocks() const {
    return static_cast<std::uint32_t>(source.size()) / lanes;
  }
  /// Blocks of sources in all snapshots; device memory bounds them far below 2^31.
  SPACEMOE_FN std::uint32_t tasks() const { return snapshots * source_blocks(); }
  /// Bytes of the neighbour table and of the latencies of all links.
  std::uint64_t graph_bytes() const {
    return neighbor.size() * sizeof(std::uint32_t) + link_ns.size() * sizeof(Nanoseconds);
  }
  /// Neighbours in a snapshot [node][port].
  SPACEMOE_FN Span<std::uint32_t const> neighbors(std::uint32_t snapshot) const {
    std::size_t const ports = std::size_t{nodes} * degree;
    return neighbor.subspan(neighbor.size() > ports ? snapshot * ports : 0, ports);
  }
  /// Latencies of a snapshot's links.
  SPACEMOE_FN Span<Nanoseconds const> links(std::uint32_t snapshot) const {
    std::size_t const ports = std::size_t{nodes} * degree;
    return link_ns.subspan(snapshot * ports, ports);
  }
  /// The latency of node 0 from a source; those of the other nodes follow at a distance of source.size().
  SPACEMOE_FN Nanoseconds* row(std::uint32_t snapshot, std::uint32_t number) const {
    return row_ns.data() + std::size_t{snapshot} * nodes * source.size() + number;
  }
};

/// What the kernels note down to tell whether a latency may have saturated.
struct Greatest {
  Nanoseconds row_ns;   ///< at least the greatest finite latency of all rows
  Nanoseconds link_ns;  ///< the greatest finite latency of all links
};

}  // namespace spacemoe
