#pragma once

#include <cstdint>
#include <span>

#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Draws tokens [first, first + count) of a cell and adds them to its moments, the histogram and the layer
/// sums.
void sample_range(RoutingView const& routing, Seed seed, TokenCell const& cell, std::uint32_t first,
                  std::uint32_t count, Moments& moments, LatencyTally& tally);

}  // namespace spacemoe
