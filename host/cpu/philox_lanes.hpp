#pragma once

#include <cstdint>

#include "host/simd.hpp"
#include "kernels/draw.hpp"

#if defined(SPACEMOE_SIMD_X86)
// GCC bug 105593: intrinsics that start from an undefined register raise false alarms.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

namespace spacemoe {

/// Philox blocks that are worked on side by side.
inline constexpr std::uint32_t philox_lanes = 16;

/// Words [word][lane] of the blocks whose first counter words are consecutive.
struct LaneWords {
  alignas(64) std::uint32_t word[4][philox_lanes];
};

/// Fills in the blocks draw(seed, purpose, a + lane, b, c).
using DrawLanes = void(Seed seed, Purpose purpose, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                       LaneWords& words);

DrawLanes draw_lanes;

#if defined(SPACEMOE_SIMD_X86)

DrawLanes draw_lanes_avx2;
DrawLanes draw_lanes_avx512;

struct LaneWordsAvx512 {
  __m512i word[4];
};

/// What the first two rounds of draw(seed, purpose, a, b, c) make of a. Even and odd lanes are kept apart,
/// one in each 64-bit half as products need them; upper halves hold rubbish until both are joined.
struct LaneStartAvx512 {
  __m512i product0[2];  ///< of the first round
  __m512i product1[2];  ///< of the second round
};

inline constexpr std::uint32_t philox_multiplier0 = 0xD2511F53;
inline constexpr std::uint32_t philox_multiplier1 = 0xCD9E8D57;
inline constexpr std::uint32_t philox_step0 = 0x9E3779B9;
inline constexpr std::uint32_t philox_step1 = 0xBB67AE85;

/// `even` and `odd` hold a of their lanes.
SPACEMOE_AVX512 SPACEMOE_BODY LaneStartAvx512 start_lanes_avx512(Seed seed, Purpose purpose, __m512i even,
                                                                 __m512i odd) {
  std::uint32_t const constant =
      static_cast<std::uint32_t>(purpose) ^ static_cast<std::uint32_t>(seed.value >> 32);
  __m512i const a[2] = {even, odd};
  LaneStartAvx512 start;
  for (int half = 0; half < 2; ++half) {
    start.product0[half] = _mm512_mul_epu32(_mm512_set1_epi64(philox_multiplier0), a[half]);
    __m512i const x2 =
        _mm512_xor_si512(_mm512_srli_epi64(start.product0[half], 32), _mm512_set1_epi64(constant));
    start.product1[half] = _mm512_mul_epu32(_mm512_set1_epi64(philox_multiplier1), x2);
  }
  return start;
}

/// For a, a + 1, ... in the lanes.
SPACEMOE_AVX512 SPACEMOE_BODY LaneStartAvx512 start_lanes_avx512(Seed seed, Purpose purpose,
                                                                 std::uint32_t a) {
  __m512i const first = _mm512_set1_epi64(a);
  return start_lanes_avx512(seed, purpose,
                            _mm512_add_epi64(first, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14)),
                            _mm512_add_epi64(first, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15)));
}

/// Words of draw(seed, purpose, a, b, c) in registers.
SPACEMOE_AVX512 SPACEMOE_BODY LaneWordsAvx512 finish_lanes_avx512(Seed seed, LaneStartAvx512 const& start,
                                                                  std::uint32_t b, std::uint32_t c) {
  auto key0 = static_cast<std::uint32_t>(seed.value);
  auto key1 = static_cast<std::uint32_t>(seed.value >> 32);
  // What the first two rounds make of b and c is the same for all lanes.
  std::uint64_t const first_product1 = std::uint64_t{philox_multiplier1} * c;
  std::uint32_t const first_x0 = static_cast<std::uint32_t>(first_product1 >> 32) ^ b ^ key0;
  std::uint64_t const second_product0 = std::uint64_t{philox_multiplier0} * first_x0;
  key0 += philox_step0;
  key1 += philox_step1;
  __m512i const into_x0 = _mm512_set1_epi64(static_cast<std::uint32_t>(first_product1) ^ key0);
  __m512i const into_x2 = _mm512_set1_epi64(static_cast<std::uint32_t>(second_product0 >> 32) ^ key1);
  __m512i x0[2], x1[2], x2[2], x3[2];
  for (int half = 0; half < 2; ++half) {
    x0[half] = _mm512_xor_si512(_mm512_srli_epi64(start.product1[half], 32), into_x0);
    x1[half] = start.product1[half];
    x2[half] = _mm512_xor_si512(start.product0[half], into_x2);
    x3[half] = _mm512_set1_epi64(static_cast<std::uint32_t>(second_product0));
  }
#pragma GCC unroll 8
  for (int round = 2; round < 10; ++round) {
    key0 += philox_step0;
    key1 += philox_step1;
    for (int half = 0; half < 2; ++half) {
      __m512i const product0 = _mm512_mul_epu32(_mm512_set1_epi64(philox_multiplier0), x0[half]);
      __m512i const product1 = _mm512_mul_epu32(_mm512_set1_epi64(philox_multiplier1), x2[half]);
      x0[half] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product1, 32), x1[half], _mm512_set1_epi64(key0),
                                           0x96);  // exclusive or of all three
      x1[half] = product1;
      x2[half] =
          _mm512_ternarylogic_epi64(_mm512_srli_epi64(product0, 32), x3[half], _mm512_set1_epi64(key1), 0x96);
      x3[half] = product0;
    }
  }
  auto const odd = static_cast<__mmask16>(0xaaaa);
  return {{_mm512_mask_blend_epi32(odd, x0[0], _mm512_slli_epi64(x0[1], 32)),
           _mm512_mask_blend_epi32(odd, x1[0], _mm512_slli_epi64(x1[1], 32)),
           _mm512_mask_blend_epi32(odd, x2[0], _mm512_slli_epi64(x2[1], 32)),
           _mm512_mask_blend_epi32(odd, x3[0], _mm512_slli_epi64(x3[1], 32))}};
}

#endif

}  // namespace spacemoe
