#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/alias.hpp"
#include "kernels/draw.hpp"
#include "kernels/function.hpp"
#include "kernels/latency.hpp"
#include "kernels/span.hpp"
#include "kernels/token.hpp"

// The latency of a layer is an order statistic of its experts' latencies. Where layers are independent given
// the slot, it can be drawn at once from its distribution, with one word in place of the experts' words.

namespace spacemoe {

/// Distributions of the layer latencies of one placement in one slot, as integer alias tables.
struct LayerTablesView {
  std::uint32_t layers = 0;
  std::uint32_t column_bits = 0;       ///< every layer's table has 2^column_bits columns
  std::uint64_t fixed_ns = 0;          ///< dense layers and head, once per token
  Span<std::uint32_t const> alias;     ///< [layer][column]: as in draw_by_alias; the outcome is an atom
  Span<Nanoseconds const> latency_ns;  ///< [layer][atom], 2^column_bits to a layer; may be `unreachable`
};

/// Bytes of the words of 4 tokens in 4 layers: those of token t in layer l are byte t % 4 of word l % 4.
/// Plane 0 holds the lowest byte of each word, plane 1 the highest, planes 2 and 3 the second highest and
/// third highest: nearly every draw is decided by planes 0 and 1.
SPACEMOE_FN constexpr Words4 layer_byte_plane(Seed seed, std::uint32_t slot, std::uint32_t token,
                                              std::uint32_t layer, std::uint32_t plane) {
  return draw(seed, Purpose::token_layers, token / 4, slot, layer / 4 | plane << 16);
}

/// A word from its bytes in the four planes.
SPACEMOE_FN constexpr std::uint32_t word_of_planes(std::uint32_t byte0, std::uint32_t byte1,
                                                   std::uint32_t byte2, std::uint32_t byte3) {
  return byte0 | byte1 << 24 | byte2 << 16 | byte3 << 8;
}

/// One byte of the word of a token in a layer.
SPACEMOE_FN constexpr std::uint32_t layer_byte(Seed seed, std::uint32_t slot, std::uint32_t token,
                                               std::uint32_t layer, std::uint32_t plane) {
  Words4 const words = layer_byte_plane(seed, slot, token, layer, plane);
  return chosen_word(words, layer % 4) >> (8 * (token % 4)) & 0xff;
}

/// The word that draws the latency of a token in a layer.
SPACEMOE_FN constexpr std::uint32_t layer_word(Seed seed, std::uint32_t slot, std::uint32_t token,
                                               std::uint32_t layer) {
  return word_of_planes(layer_byte(seed, slot, token, layer, 0), layer_byte(seed, slot, token, layer, 1),
                    layer_byte(seed, slot, token, layer, 2), layer_byte(seed, slot, token, layer, 3));
}

/// Latency [ns] that a word draws in a layer, or `unreachable`.
SPACEMOE_FN constexpr Nanoseconds drawn_layer_latency(LayerTablesView const& tables, std::uint32_t layer,
                                                      std::uint32_t word) {
  std::size_t const first = static_cast<std::size_t>(layer) << tables.column_bits;
  return tables.latency_ns[first + draw_by_alias(tables.alias.data() + first, tables.column_bits, word)];
}

/// Latency [ns] of one token, or `undeliverable`; also writes the latency of every layer [layers].
SPACEMOE_FN constexpr std::uint64_t token_latency(LayerTablesView const& tables, Seed seed,
                                                  std::uint32_t slot, std::uint32_t token,
                                                  Span<Nanoseconds> layer_ns) {
  std::uint64_t total = tables.fixed_ns;
  bool delivered = true;
  for (std::uint32_t layer = 0; layer < tables.layers; ++layer) {
    layer_ns[layer] = drawn_layer_latency(tables, layer, layer_word(seed, slot, token, layer));
    delivered = delivered && layer_ns[layer] != unreachable;
    total += layer_ns[layer];
  }
  return delivered ? total : undeliverable;
}

}  // namespace spacemoe
