#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "host/evaluation/tally.hpp"

namespace spacemoe {

/// Takes the latencies [ns] of tokens, in pieces; some may be `undeliverable`.
using TokenSink = std::function<void(std::span<std::uint64_t const> latency_ns)>;

/// Adds tokens whose latencies [ns] have been drawn to the moments and the histogram; layers are summed by
/// whoever draws them. Some may be `undeliverable`.
void add_tokens(std::span<std::uint64_t const> latency_ns, Moments& moments,
                std::span<std::uint64_t> histogram);

/// Appends the latencies [ns] of delivered tokens in some bins to those found.
void find_tokens(std::span<std::uint64_t const> latency_ns, std::span<std::uint32_t const> bins,
                 std::vector<std::uint64_t>& found_ns);

}  // namespace spacemoe
