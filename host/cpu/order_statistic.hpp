#pragma once

#include <cstdint>

#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Draws tokens [first, first + count) of a cell, layer latencies by order statistic, and adds them to its
/// moments, the histogram and the layer sums: what the function token_latency of kernels/order_statistic.hpp
/// gives, 64 tokens side by side.
void sample_layer_range(Seed seed, LayerCell const& cell, std::uint32_t first, std::uint32_t count,
                        Moments& moments, LatencyTally& tally);

}  // namespace spacemoe
