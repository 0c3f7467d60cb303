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

/// Tokens that keep their column among those that tie with its threshold.
SPACEMOE_AVX512 __mmask64 break_ties(LayerTablesView const& tables, LayerBlock const& block,
                                     std::uint32_t token, std::uint32_t layer, __m512i column,
                                     __mmask64 undecided) {
  alignas(64) std::uint8_t low_byte[group_tokens];
  _mm512_store_si512(low_byte, column);
  return kept_in_tie(tables, block, token, layer, low_byte, undecided);
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

template <std::uint32_t chunks>
SPACEMOE_AVX512 SPACEMOE_BODY void draw_layer(LayerTablesView const& tables, LayerBlock const& block,
                                              std::uint32_t group, std::uint32_t layer,
                                              ByteTables<chunks * chunk> const& bytes, __m512i column,
                                              __m512i high, ByteSums& layer_sum, Latencies& sum) {
  auto const masks = chunk_masks<chunks>(column, ~__mmask64{0});
  __m512i const threshold = permute<chunks>(bytes.threshold, column, masks);
  __m512i const alias = permute<chunks>(bytes.alias, column, masks);
  __mmask64 keep = _mm512_cmplt_epu8_mask(high, threshold);
  __mmask64 undecided = _mm512_cmpeq_epi8_mask(high, threshold);
  if constexpr (chunks < 4) undecided &= ~_mm512_movepi8_mask(alias);
  if (undecided != 0) [[unlikely]]
    keep |= break_ties(tables, block, block.first_token + group * group_tokens, layer, column, undecided);
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

template <std::uint32_t chunks>
SPACEMOE_AVX512 void add_layers(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                                std::uint64_t* layer_sum_ns) {
  ByteTables<chunks * chunk> bytes[4];
  ByteSums layer_sum[4];
  for (std::uint32_t i = 0; i < pass.count; ++i) {
    split_tables(tables, pass.first + i, bytes[i]);
    for (__m512i& byte : layer_sum[i].byte) byte = _mm512_setzero_si512();
  }
  for (std::uint32_t group = 0; group < block.groups; ++group) {
    std::uint32_t const lane = block.first_token / 4 + group * philox_lanes;
    LaneWordsAvx512 const column =
        drawn_lanes_avx512(block.seed, Purpose::token_layers, lane, block.slot, pass.first / 4);
    LaneWordsAvx512 const high =
        drawn_lanes_avx512(block.seed, Purpose::token_layers, lane, block.slot, pass.first / 4 | 1u << 16);
    Latencies sum{
        {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}};
    for (std::uint32_t i = 0; i < pass.count; ++i) {
      std::uint32_t const word = (pass.first + i) % 4;
      draw_layer<chunks>(tables, block, group, pass.first + i, bytes[i], column.word[word], high.word[word],
                         layer_sum[i], sum);
    }
    add_to(&block.partial_ns[group * group_tokens], sum);
  }
  for (std::uint32_t i = 0; i < pass.count; ++i) {
    for (std::uint32_t b = 0; b < 4; ++b) {
      auto const sum = static_cast<std::uint64_t>(_mm512_reduce_add_epi64(layer_sum[i].byte[b]));
      layer_sum_ns[pass.first + i] += sum << (8 * b);
    }
  }
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
