#include <bit>

#include "host/cpu/order_statistic_bytes.hpp"

#if defined(SPACEMOE_SIMD_X86)

namespace spacemoe {
namespace {

/// Tables are permuted in chunks of this many bytes, one register each.
constexpr std::uint32_t chunk = 64;

/// The bytes that index each chunk, among the wanted ones.
template <std::uint32_t chunks>
struct ChunkMasks {
  __mmask64 of[chunks];
};

template <std::uint32_t chunks>
SPACEMOE_AVX512 SPACEMOE_BODY ChunkMasks<chunks> chunk_masks(__m512i index, __mmask64 wanted) {
  if constexpr (chunks == 1) return {{wanted}};
  __mmask64 const bit6 = _mm512_test_epi8_mask(index, _mm512_set1_epi8(0x40));
  if constexpr (chunks == 2) return {{wanted & ~bit6, wanted & bit6}};
  if constexpr (chunks == 4) {
    __mmask64 const bit7 = _mm512_movepi8_mask(index);
    return {{wanted & ~bit7 & ~bit6, wanted & ~bit7 & bit6, wanted & bit7 & ~bit6, wanted & bit7 & bit6}};
  }
}

/// table[index] in every wanted byte, 0 in the others.
template <std::uint32_t chunks>
SPACEMOE_AVX512 SPACEMOE_BODY __m512i permute(std::uint8_t const* table, __m512i index,
                                              ChunkMasks<chunks> const& masks) {
  __m512i found = _mm512_maskz_permutexvar_epi8(masks.of[0], index, _mm512_load_si512(table));
  for (std::uint32_t i = 1; i < chunks; ++i) {
    found = _mm512_mask_permutexvar_epi8(found, masks.of[i], index, _mm512_load_si512(table + i * chunk));
  }
  return found;
}

/// Bytes of latencies [ns] as 32-bit numbers: 16 tokens to a register, in the order that unpacking gives.
struct Latencies {
  __m512i quarter[4];
};

SPACEMOE_AVX512 SPACEMOE_BODY Latencies joined(__m512i const (&byte)[4]) {
  __m512i const low_front = _mm512_unpacklo_epi8(byte[0], byte[1]);
  __m512i const low_back = _mm512_unpackhi_epi8(byte[0], byte[1]);
  __m512i const high_front = _mm512_unpacklo_epi8(byte[2], byte[3]);
  __m512i const high_back = _mm512_unpackhi_epi8(byte[2], byte[3]);
  return {{_mm512_unpacklo_epi16(low_front, high_front), _mm512_unpackhi_epi16(low_front, high_front),
           _mm512_unpacklo_epi16(low_back, high_back), _mm512_unpackhi_epi16(low_back, high_back)}};
}

/// Sums of the bytes of a layer's latencies, by byte.
struct ByteSums {
  __m512i byte[4];
};

/// Tokens of a group whose highest byte ties with the threshold's in a layer. They have been taken for their
/// column's alias.
struct Ties {
  alignas(64) std::uint8_t low_byte[group_tokens];
  std::uint64_t tokens;  ///< as bits
  std::uint32_t group;
  std::uint32_t layer;
};

/// Ties of a pass over a block. They are noted without a branch, as a wrong guess would cost more than a
/// draw.
struct TieList {
  std::uint32_t count = 0;
  Ties ties[groups_per_block * 4 + 1];  ///< the last may be written, but is never counted
};

template <std::uint32_t chunks>
SPACEMOE_AVX512 SPACEMOE_BODY void draw_layer(LayerBlock const& block, std::uint32_t group,
                                              std::uint32_t layer, ByteTables<chunks * chunk> const& bytes,
                                              __m512i column, __m512i high, ByteSums& layer_sum,
                                              Latencies& sum, TieList& list) {
  auto const masks = chunk_masks<chunks>(column, ~__mmask64{0});
  __m512i const threshold = permute<chunks>(bytes.threshold, column, masks);
  __m512i const alias = permute<chunks>(bytes.alias, column, masks);
  __mmask64 const keep = _mm512_cmplt_epu8_mask(high, threshold);
  __mmask64 undecided = _mm512_mask_cmpeq_epi8_mask(block.valid[group], high, threshold);
  if constexpr (chunks * chunk <= decided) undecided &= ~_mm512_movepi8_mask(alias);
  Ties& ties = list.ties[list.count];
  _mm512_store_si512(ties.low_byte, column);
  ties.tokens = undecided;
  ties.group = group;
  ties.layer = layer;
  list.count += undecided != 0;
  __m512i const outcome = _mm512_mask_blend_epi8(keep, alias, column);
  auto const outcome_masks = chunk_masks<chunks>(outcome, block.valid[group]);
  __m512i found[4];
  for (int b = 0; b < 4; ++b) {
    found[b] = permute<chunks>(bytes.latency[b], outcome, outcome_masks);
    layer_sum.byte[b] =
        _mm512_add_epi64(layer_sum.byte[b], _mm512_sad_epu8(found[b], _mm512_setzero_si512()));
  }
  Latencies const latency = joined(found);
  for (int q = 0; q < 4; ++q) sum.quarter[q] = _mm512_add_epi32(sum.quarter[q], latency.quarter[q]);
}

/// Adds to the tokens' sums, in the order of the tokens.
SPACEMOE_AVX512 SPACEMOE_BODY void add_to(std::uint32_t* partial_ns, Latencies const& sum) {
  for (int q = 0; q < 4; ++q) {
    __m128i const part[4] = {
        _mm512_castsi512_si128(sum.quarter[q]), _mm512_extracti32x4_epi32(sum.quarter[q], 1),
        _mm512_extracti32x4_epi32(sum.quarter[q], 2), _mm512_extracti32x4_epi32(sum.quarter[q], 3)};
    for (int lane = 0; lane < 4; ++lane) {
      auto* const target = reinterpret_cast<__m128i*>(partial_ns + 16 * lane + 4 * q);
      _mm_store_si128(target, _mm_add_epi32(_mm_load_si128(target), part[lane]));
    }
  }
}

/// One token that ties in a layer.
struct Tie {
  std::uint32_t token;  ///< counted from the block's first
  std::uint32_t layer;
  std::uint32_t low_byte;
};

/// Corrects the sums of a token that was taken for its column's alias, where it keeps its column. `second` is
/// the second highest byte of its word.
void settle(LayerTablesView const& tables, LayerBlock& block, Tie const& tie, std::uint32_t second,
            std::uint64_t* layer_sum_ns) {
  std::uint32_t const column_mask = (1u << tables.column_bits) - 1;
  std::size_t const first = static_cast<std::size_t>(tie.layer) << tables.column_bits;
  std::uint32_t const column = tie.low_byte & column_mask;
  std::uint32_t const entry = tables.alias[first + column];
  std::uint32_t const threshold = entry & ~column_mask;
  bool keep = second < (threshold >> 16 & 0xff);
  if (second == (threshold >> 16 & 0xff)) [[unlikely]] {
    keep = layer_word(block.seed, block.slot, block.first_token + tie.token, tie.layer) < threshold;
  }
  auto const change = std::int64_t{tables.latency_ns[first + column]} -
                      std::int64_t{tables.latency_ns[first + (entry & column_mask)]};
  std::int64_t const applied = change & -std::int64_t{keep};  // half of them are; no branch could guess
  block.partial_ns[tie.token] += static_cast<std::uint32_t>(applied);
  layer_sum_ns[tie.layer] += static_cast<std::uint64_t>(applied);
}

/// Settles ties of one pass, up to `philox_lanes` side by side.
SPACEMOE_AVX512 void settle(LayerTablesView const& tables, LayerBlock& block, Tie const* ties,
                            std::uint32_t count, std::uint64_t* layer_sum_ns) {
  alignas(64) std::uint32_t address[philox_lanes]{};
  for (std::uint32_t i = 0; i < count; ++i) address[i] = (block.first_token + ties[i].token) / 4;
  __m512i const addresses = _mm512_load_si512(address);
  auto const start =
      start_lanes_avx512(block.seed, Purpose::token_layers, addresses, _mm512_srli_epi64(addresses, 32));
  auto const drawn = finish_lanes_avx512(block.seed, start, block.slot, ties[0].layer / 4 | 2u << 16);
  LaneWords second;
  for (int w = 0; w < 4; ++w) _mm512_store_si512(second.word[w], drawn.word[w]);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t const byte = (block.first_token + ties[i].token) % 4;
    settle(tables, block, ties[i], second.word[ties[i].layer % 4][i] >> (8 * byte) & 0xff, layer_sum_ns);
  }
}

void settle_all(LayerTablesView const& tables, LayerBlock& block, TieList const& list,
                std::uint64_t* layer_sum_ns) {
  Tie ties[philox_lanes];
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < list.count; ++i) {
    Ties const& some = list.ties[i];
    for (std::uint64_t tokens = some.tokens; tokens != 0; tokens &= tokens - 1) {
      auto const t = static_cast<std::uint32_t>(std::countr_zero(tokens));
      ties[count++] = {some.group * group_tokens + t, some.layer, some.low_byte[t]};
      if (count < philox_lanes) continue;
      settle(tables, block, ties, count, layer_sum_ns);
      count = 0;
    }
  }
  if (count > 0) settle(tables, block, ties, count, layer_sum_ns);
}

template <std::uint32_t chunks>
SPACEMOE_AVX512 void add_layers(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                                std::uint64_t* layer_sum_ns) {
  ByteTables<chunks * chunk> bytes[4];
  ByteSums layer_sum[4];
  TieList list;
  for (std::uint32_t i = 0; i < pass.count; ++i) {
    split_tables(tables, pass.first + i, bytes[i]);
    for (__m512i& byte : layer_sum[i].byte) byte = _mm512_setzero_si512();
  }
  for (std::uint32_t group = 0; group < block.groups; ++group) {
    auto const start =
        start_lanes_avx512(block.seed, Purpose::token_layers, block.first_token / 4 + group * philox_lanes);
    LaneWordsAvx512 const column = finish_lanes_avx512(block.seed, start, block.slot, pass.first / 4);
    LaneWordsAvx512 const high =
        finish_lanes_avx512(block.seed, start, block.slot, pass.first / 4 | 1u << 16);
    Latencies sum{
        {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}};
    for (std::uint32_t i = 0; i < pass.count; ++i) {
      std::uint32_t const word = (pass.first + i) % 4;
      draw_layer<chunks>(block, group, pass.first + i, bytes[i], column.word[word], high.word[word],
                         layer_sum[i], sum, list);
    }
    add_to(&block.partial_ns[group * group_tokens], sum);
  }
  for (std::uint32_t i = 0; i < pass.count; ++i) {
    for (std::uint32_t b = 0; b < 4; ++b) {
      auto const sum = static_cast<std::uint64_t>(_mm512_reduce_add_epi64(layer_sum[i].byte[b]));
      layer_sum_ns[pass.first + i] += sum << (8 * b);
    }
  }
  settle_all(tables, block, list, layer_sum_ns);
}

}  // namespace

void add_layers_by_bytes_avx512(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                                std::uint64_t* layer_sum_ns) {
  if (tables.column_bits == 6) return add_layers<1>(tables, pass, block, layer_sum_ns);
  if (tables.column_bits == 7) return add_layers<2>(tables, pass, block, layer_sum_ns);
  add_layers<4>(tables, pass, block, layer_sum_ns);
}

}  // namespace spacemoe

#endif
