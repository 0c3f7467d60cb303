#pragma once

#include <cstdint>
#include <span>

#include "host/network/network.hpp"
#include "host/satellite_id.hpp"
#include "kernels/latency.hpp"

namespace spacemoe {

/// Path latencies of one block of at most `lanes` sources in one snapshot, for any graph: Gauss-Seidel sweeps
/// over all satellites in alternating order, all lanes at once, until nothing improves. `link_ns` is
/// [port][node]; `rows` receives [node][lane], unreachable in lanes without a source. Throws BackendError
/// when a latency saturates.
void relax_block(Wiring const& wiring, std::span<Nanoseconds const> link_ns,
                 std::span<SatelliteId const> sources, std::span<Nanoseconds> rows);

}  // namespace spacemoe
