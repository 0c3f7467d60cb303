#pragma once

#include <cstdint>

#include "kernels/function.hpp"

namespace spacemoe {

/// One draw by Walker's alias method from a table of 2^column_bits columns, each an entry
/// threshold << column_bits | alias: the low bits of the word choose the column, the high bits are compared
/// with its threshold.
SPACEMOE_FN constexpr std::uint32_t draw_by_alias(std::uint32_t const* table, std::uint32_t column_bits,
                                                  std::uint32_t word) {
  std::uint32_t const mask = (1u << column_bits) - 1;
  std::uint32_t const entry = table[static_cast<std::int32_t>(word & mask)];
  return word < (entry & ~mask) ? word & mask : entry & mask;
}

}  // namespace spacemoe
