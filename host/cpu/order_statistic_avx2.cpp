#include "host/cpu/order_statistic_bytes.hpp"

#if defined(SPACEMOE_SIMD_X86)

namespace spacemoe {
namespace {

/// Tokens that are looked up together, half a group.
constexpr std::uint32_t half = 32;

/// table[index] in every byte: 16 entries are permuted at a time, and halves of the table chosen by the bits
/// of the index above. Bytes whose bit 7 is set give 0 where it is no part of the index.
template <std::uint32_t columns>
SPACEMOE_AVX2 SPACEMOE_BODY __m256i look_up(std::uint8_t const* table, __m256i index) {
  if constexpr (columns == 16) {
    auto const* const entries = reinterpret_cast<__m128i const*>(table);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(entries)), index);
  } else if constexpr (columns == 256) {
    __m256i const low = _mm256_and_si256(index, _mm256_set1_epi8(0x7f));
    return _mm256_blendv_epi8(look_up<128>(table, low), look_up<128>(table + 128, low), index);
  } else {
    constexpr int up_to_sign = columns == 128 ? 1 : columns == 64 ? 2 : 3;
    return _mm256_blendv_epi8(look_up<columns / 2>(table, index),
                              look_up<columns / 2>(table + columns / 2, index),
                              _mm256_slli_epi16(index, up_to_sign));
  }
}

/// 0xff in the bytes of valid tokens.
SPACEMOE_AVX2 SPACEMOE_BODY __m256i spread(std::uint32_t valid) {
  __m256i const byte_of_token =
      _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  __m256i const bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
  __m256i const bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(valid)), byte_of_token);
  return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
}

/// Where tokens keep their column: `keep` with those that tie decided.
SPACEMOE_AVX2 __m256i with_ties(LayerTablesView const& tables, LayerBlock const& block, std::uint32_t token,
                                std::uint32_t layer, __m256i column, __m256i keep, std::uint32_t undecided) {
  alignas(32) std::uint8_t low_byte[half];
  _mm256_store_si256(reinterpret_cast<__m256i*>(low_byte), column);
  auto const kept = static_cast<std::uint32_t>(kept_in_tie(tables, block, token, layer, low_byte, undecided));
  return _mm256_or_si256(keep, spread(kept));
}

/// The bytes of the latencies that 32 tokens draw in a layer, 0 for invalid ones.
struct LatencyBytes {
  __m256i byte[4];
};

template <std::uint32_t columns, std::uint32_t outcomes>
SPACEMOE_AVX2 SPACEMOE_BODY LatencyBytes draw_layer(LayerTablesView const& tables, LayerBlock const& block,
                                                    std::uint32_t token, std::uint32_t layer,
                                                    ByteTables<columns> const& bytes, __m256i column,
                                                    __m256i high, __m256i valid) {
  __m256i const index = columns == 256 ? column : _mm256_and_si256(column, _mm256_set1_epi8(columns - 1));
  __m256i const threshold = look_up<columns>(bytes.threshold, index);
  __m256i const alias = look_up<columns>(bytes.alias, index);
  __m256i const tie = _mm256_cmpeq_epi8(high, threshold);
  // high >= threshold where the greater of both is high.
  __m256i const not_below = _mm256_cmpeq_epi8(_mm256_max_epu8(high, threshold), high);
  __m256i keep = _mm256_xor_si256(not_below, _mm256_set1_epi8(-1));
  auto undecided = static_cast<std::uint32_t>(_mm256_movemask_epi8(tie));
  if constexpr (columns <= decided) undecided &= ~static_cast<std::uint32_t>(_mm256_movemask_epi8(alias));
  if (undecided != 0) [[unlikely]] {
    keep = with_ties(tables, block, token, layer, column, keep, undecided);
  }
  __m256i outcome = _mm256_blendv_epi8(alias, index, keep);
  LatencyBytes found;
  if constexpr (columns <= decided) {
    __m256i const invalid = _mm256_xor_si256(valid, _mm256_set1_epi8(-1));
    outcome = _mm256_or_si256(_mm256_and_si256(outcome, _mm256_set1_epi8(0x7f)), invalid);
    for (int b = 0; b < 4; ++b) found.byte[b] = look_up<outcomes>(bytes.latency[b], outcome);
  } else {
    for (int b = 0; b < 4; ++b) {
      found.byte[b] = _mm256_and_si256(look_up<outcomes>(bytes.latency[b], outcome), valid);
    }
  }
  return found;
}

/// Adds the tokens' latencies to their sums [token].
SPACEMOE_AVX2 SPACEMOE_BODY void add_to(std::uint32_t* partial_ns, __m256i const (&quarter)[4]) {
  for (int q = 0; q < 4; ++q) {
    __m128i const part[2] = {_mm256_castsi256_si128(quarter[q]), _mm256_extracti128_si256(quarter[q], 1)};
    for (int lane = 0; lane < 2; ++lane) {
      auto* const target = reinterpret_cast<__m128i*>(partial_ns + 16 * lane + 4 * q);
      _mm_store_si128(target, _mm_add_epi32(_mm_load_si128(target), part[lane]));
    }
  }
}

/// Adds latencies to sums of 8 tokens to a register, in the order that unpacking gives.
SPACEMOE_AVX2 SPACEMOE_BODY void add_joined(LatencyBytes const& found, __m256i (&quarter)[4]) {
  __m256i const low_front = _mm256_unpacklo_epi8(found.byte[0], found.byte[1]);
  __m256i const low_back = _mm256_unpackhi_epi8(found.byte[0], found.byte[1]);
  __m256i const high_front = _mm256_unpacklo_epi8(found.byte[2], found.byte[3]);
  __m256i const high_back = _mm256_unpackhi_epi8(found.byte[2], found.byte[3]);
  quarter[0] = _mm256_add_epi32(quarter[0], _mm256_unpacklo_epi16(low_front, high_front));
  quarter[1] = _mm256_add_epi32(quarter[1], _mm256_unpackhi_epi16(low_front, high_front));
  quarter[2] = _mm256_add_epi32(quarter[2], _mm256_unpacklo_epi16(low_back, high_back));
  quarter[3] = _mm256_add_epi32(quarter[3], _mm256_unpackhi_epi16(low_back, high_back));
}

/// Sums of the bytes of the latencies, by layer and byte.
struct ByteSums {
  __m256i of[4][4];
};

template <std::uint32_t columns, std::uint32_t outcomes>
SPACEMOE_AVX2 void draw_pass(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                             ByteTables<columns> const* bytes, ByteSums& sums) {
  LaneWords low;
  LaneWords high;
  for (std::uint32_t group = 0; group < block.groups; ++group) {
    std::uint32_t const lane = block.first_token / 4 + group * philox_lanes;
    draw_lanes_avx2(block.seed, Purpose::token_layers, lane, block.slot, pass.first / 4, low);
    draw_lanes_avx2(block.seed, Purpose::token_layers, lane, block.slot, pass.first / 4 | 1u << 16, high);
    for (std::uint32_t h = 0; h < 2; ++h) {
      std::uint32_t const token = group * group_tokens + h * half;
      __m256i const valid = spread(static_cast<std::uint32_t>(block.valid[group] >> (h * half)));
      __m256i quarter[4] = {};
      for (std::uint32_t i = 0; i < pass.count; ++i) {
        std::uint32_t const word = (pass.first + i) % 4;
        auto const found = draw_layer<columns, outcomes>(
            tables, block, block.first_token + token, pass.first + i, bytes[i],
            _mm256_load_si256(reinterpret_cast<__m256i const*>(low.word[word]) + h),
            _mm256_load_si256(reinterpret_cast<__m256i const*>(high.word[word]) + h), valid);
        for (int b = 0; b < 4; ++b) {
          __m256i const sum = _mm256_sad_epu8(found.byte[b], _mm256_setzero_si256());
          sums.of[i][b] = _mm256_add_epi64(sums.of[i][b], sum);
        }
        add_joined(found, quarter);
      }
      add_to(&block.partial_ns[token], quarter);
    }
  }
}

template <std::uint32_t columns>
SPACEMOE_AVX2 void add_layers(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                              std::uint64_t* layer_sum_ns) {
  ByteTables<columns> bytes[4];
  ByteSums sums{};
  bool narrow = true;
  for (std::uint32_t i = 0; i < pass.count; ++i) {
    split_tables(tables, pass.first + i, bytes[i]);
    narrow = narrow && bytes[i].narrow;
  }
  if (narrow) {
    draw_pass<columns, 16>(tables, pass, block, bytes, sums);
  } else {
    draw_pass<columns, columns>(tables, pass, block, bytes, sums);
  }
  for (std::uint32_t i = 0; i < pass.count; ++i) {
    for (std::uint32_t b = 0; b < 4; ++b) {
      alignas(32) std::uint64_t part[4];
      _mm256_store_si256(reinterpret_cast<__m256i*>(part), sums.of[i][b]);
      layer_sum_ns[pass.first + i] += (part[0] + part[1] + part[2] + part[3]) << (8 * b);
    }
  }
}

}  // namespace

void add_layers_by_bytes_avx2(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                              std::uint64_t* layer_sum_ns) {
  if (tables.column_bits == 6) return add_layers<64>(tables, pass, block, layer_sum_ns);
  if (tables.column_bits == 7) return add_layers<128>(tables, pass, block, layer_sum_ns);
  add_layers<256>(tables, pass, block, layer_sum_ns);
}

}  // namespace spacemoe

#endif
