#pragma once

#include <cstdint>
#include <span>

#include "host/cpu/token_tally.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// As sample_range, layer latencies by order statistic: what the function token_latency of
/// kernels/order_statistic.hpp gives, 64 tokens side by side.
void sample_layer_range(Seed seed, LayerCell const& cell, std::uint32_t first, std::uint32_t count,
                        std::span<std::uint64_t> layer_sum_ns, TokenSink const& tokens_drawn);

}  // namespace spacemoe
