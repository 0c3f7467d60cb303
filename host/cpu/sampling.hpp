#pragma once

#include <cstdint>
#include <span>

#include "host/cpu/token_tally.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Draws tokens [first, first + count) of a cell, adds their layers to the layer sums [layer] and hands over
/// their latencies.
void sample_range(RoutingView const& routing, Seed seed, TokenCell const& cell, std::uint32_t first,
                  std::uint32_t count, std::span<std::uint64_t> layer_sum_ns, TokenSink const& tokens_drawn);

}  // namespace spacemoe
