#pragma once

#include <cstddef>
#include <cstdint>

#include "host/cpu/order_statistic_block.hpp"

namespace spacemoe {

/// A layer's table in bytes, where columns and outcomes fit one byte, for look-ups in registers.
template <std::uint32_t columns>
struct ByteTables {
  alignas(64) std::uint8_t threshold[columns];   ///< highest byte
  alignas(64) std::uint8_t alias[columns];       ///< with `decided`
  alignas(64) std::uint8_t latency[4][columns];  ///< lowest byte first; of `unreachable`, what it may be
  bool narrow;                                   ///< all outcomes are below 16
};

/// Set in `alias` where the highest byte of the threshold decides alone, while it leaves room for it.
inline constexpr std::uint32_t decided = 0x80;

template <std::uint32_t columns>
SPACEMOE_BODY void split_tables(LayerTablesView const& tables, std::uint32_t layer,
                                ByteTables<columns>& bytes) {
  std::uint32_t const* const alias = tables.alias.data() + std::size_t{layer} * columns;
  Nanoseconds const* const latency_ns = tables.latency_ns.data() + std::size_t{layer} * columns;
  std::uint32_t wide = 0;
  for (std::uint32_t c = 0; c < columns; ++c) {
    std::uint32_t const outcome = alias[c] & (columns - 1);
    std::uint32_t const threshold = alias[c] & ~(columns - 1);
    std::uint32_t const flag = columns <= decided && (threshold & 0xffffff) == 0 ? decided : 0;
    wide |= outcome > 15 || (c > 15 && threshold != 0);
    bytes.threshold[c] = static_cast<std::uint8_t>(threshold >> 24);
    bytes.alias[c] = static_cast<std::uint8_t>(outcome | flag);
  }
  for (std::uint32_t b = 0; b < 4; ++b) {
    for (std::uint32_t c = 0; c < columns; ++c) {
      bytes.latency[b][c] = static_cast<std::uint8_t>(latency_ns[c] >> (8 * b));
    }
  }
  bytes.narrow = wide == 0;
}

/// Decides tokens whose highest byte ties with the threshold's, the rare case, one by one. Bit i of
/// `undecided` is token `token` + i, whose lowest byte is low_byte[i]. Returns those that keep their column.
std::uint64_t kept_in_tie(LayerTablesView const& tables, LayerBlock const& block, std::uint32_t token,
                          std::uint32_t layer, std::uint8_t const* low_byte, std::uint64_t undecided);

}  // namespace spacemoe
