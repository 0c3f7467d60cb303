#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/latency.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

/// Least latency [ns] from one source to a node, given the best known one and what each neighbour offers.
/// `neighbor` and `link_ns` hold the node's ports, `unreachable` where there is no link; latencies of the
/// source's row are `stride` apart, `latency` is that of node 0.
SPACEMOE_FN constexpr Nanoseconds relax_node(Nanoseconds best, Span<std::uint32_t const> neighbor,
                                             Span<Nanoseconds const> link_ns, Nanoseconds const* latency,
                                             std::size_t stride) {
  for (std::size_t port = 0; port < neighbor.size(); ++port) {
    if (link_ns[port] == unreachable) continue;
    best = relax(best, latency[neighbor[port] * stride], link_ns[port]);
  }
  return best;
}

}  // namespace spacemoe
