#pragma once

#include <array>
#include <cstdint>

#include "host/cpu/philox_lanes.hpp"
#include "kernels/order_statistic.hpp"

namespace spacemoe {

/// Tokens that share a set of Philox blocks.
inline constexpr std::uint32_t group_tokens = 4 * philox_lanes;
inline constexpr std::uint32_t groups_per_block = 64;
inline constexpr std::uint32_t block_tokens = groups_per_block * group_tokens;

/// Tokens whose layers are drawn one after another, so that a layer's table is fetched once for many tokens
/// and the tokens stay in the first cache.
struct LayerBlock {
  Seed seed;
  std::uint32_t slot = 0;
  std::uint32_t first_token = 0;  ///< a multiple of 4
  std::uint32_t groups = 0;
  std::array<std::uint64_t, groups_per_block> valid{};               ///< bit per token: to be added
  alignas(64) std::array<std::uint32_t, block_tokens> partial_ns{};  ///< sum over the layers since a flush
};

/// Layers [first, first + count) of one group of four; partial sums of one pass fit 32 bits.
struct LayerPass {
  std::uint32_t first;
  std::uint32_t count;
};

/// Draws the layers of a pass and adds the latencies of valid tokens to the block's and to the layers' sums
/// [layer].
using AddLayers = void (*)(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                           std::uint64_t* layer_sum_ns);

#if defined(SPACEMOE_SIMD_X86)
// For tables of 64, 128 or 256 columns, which are permuted in registers, byte by byte.
void add_layers_by_bytes_avx2(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                              std::uint64_t* layer_sum_ns);
void add_layers_by_bytes_avx512(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                                std::uint64_t* layer_sum_ns);
#endif

}  // namespace spacemoe
