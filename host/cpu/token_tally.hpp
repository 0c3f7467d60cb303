#pragma once

#include <cstdint>
#include <span>

#include "host/evaluation/tally.hpp"

namespace spacemoe {

/// Adds tokens whose latencies [ns] have been drawn to the moments and the histogram; layers are summed by
/// whoever draws them. Some may be `undeliverable`.
void add_tokens(std::span<std::uint64_t const> latency_ns, Moments& moments,
                std::span<std::uint64_t> histogram);

}  // namespace spacemoe
