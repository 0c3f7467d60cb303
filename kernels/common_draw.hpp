#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/draw.hpp"
#include "kernels/function.hpp"
#include "kernels/latency.hpp"
#include "kernels/span.hpp"

// Layer latencies on common random numbers: candidates that differ are compared on the same tokens. A word is
// taken through the inverse of the distribution function, which rises with it, so that similar distributions
// give similar latencies; alias tables would not.

namespace spacemoe {

/// Distribution of one layer's latency as the inverse of its distribution function: words up to up_to [step],
/// and beyond those of the step before, draw latency_ns [step]. The last step takes all that are left.
struct LayerStepsView {
  Span<std::uint32_t const> up_to;     ///< rising, the last 2^32 - 1
  Span<Nanoseconds const> latency_ns;  ///< rising; may end with `unreachable`
};

/// The word of a token in a layer, whatever the placement. Four layers share a block.
SPACEMOE_FN constexpr std::uint32_t common_word(Seed seed, std::uint32_t slot, std::uint32_t token,
                                                std::uint32_t layer) {
  Words4 const words = draw(seed, Purpose::common_layers, token, slot, layer / 4);
  std::uint32_t const at = layer % 4;
  std::uint32_t const* const word = words.word;  // chosen, not indexed: a GPU has no indexed registers
  return at < 2 ? (at == 0 ? word[0] : word[1]) : (at == 2 ? word[2] : word[3]);
}

/// Latency [ns] that a word draws, or `unreachable`.
SPACEMOE_FN constexpr Nanoseconds latency_at(LayerStepsView const& steps, std::uint32_t word) {
  std::size_t first = 0;
  std::size_t count = steps.up_to.size();
  while (count > 1) {
    std::size_t const half = count / 2;
    if (word > steps.up_to[first + half - 1]) {
      first += half;
      count -= half;
    } else {
      count = half;
    }
  }
  return steps.latency_ns[first];
}

}  // namespace spacemoe
