#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spacemoe {

/// Integers that sum to 2^32, in proportion to the weights, none of them zero where the weight is positive:
/// every share is rounded down, and what is left goes one by one to the largest remainders, ties to the
/// lowest index. At least one weight is positive.
std::vector<std::uint64_t> integer_weights(std::span<double const> given);

/// Appends Walker's alias table in integers: 2^column_bits columns of 2^(32 - column_bits) words each, so
/// that an outcome owns exactly as many words as its weight. An entry is threshold << column_bits | alias; a
/// column of one outcome has threshold 0 and names it as its alias. Weights sum to 2^32 and are at most as
/// many as columns.
void append_alias_columns(std::span<std::uint64_t const> weight, std::uint32_t column_bits,
                          std::vector<std::uint32_t>& table);

}  // namespace spacemoe
