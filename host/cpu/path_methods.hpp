#pragma once

#include <cstdint>

#include "host/cpu/path_block.hpp"

namespace spacemoe {

/// How path latencies are found; all give the same integers.
enum class PathMethod : std::uint8_t {
  ring_sweep,  ///< only for a wiring that is all shells
  relaxation,  ///< for any graph
};

/// A method, and the number of sources side by side: 16 or 32 for the ring sweep, 16 or 64 for relaxation.
struct PathPlan {
  PathMethod method;
  std::uint32_t lanes;
};

/// The fastest plan for a number of sources.
PathPlan path_plan(Wiring const& wiring, std::size_t sources);

/// Path latencies of one block, with the instruction set in use. Throws SaturationError when a latency
/// saturates.
void find_paths(PathPlan const& plan, PathBlock const& block);

}  // namespace spacemoe
