#pragma once

#include <cstdint>

#include "host/cpu/simd.hpp"
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

/// The same in registers. Even and odd lanes are kept apart, one in each 64-bit half as products need them;
/// upper halves hold rubbish until both are joined.
SPACEMOE_AVX512 SPACEMOE_BODY LaneWordsAvx512 drawn_lanes_avx512(Seed seed, Purpose purpose, std::uint32_t a,
                                                                 std::uint32_t b, std::uint32_t c) {
  __m512i const multiplier0 = _mm512_set1_epi64(0xD2511F53);
  __m512i const multiplier1 = _mm512_set1_epi64(0xCD9E8D57);
  __m512i const first = _mm512_set1_epi64(a);
  __m512i x0[2] = {_mm512_add_epi64(first, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14)),
                   _mm512_add_epi64(first, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15))};
  __m512i x1[2] = {_mm512_set1_epi64(b), _mm512_set1_epi64(b)};
  __m512i x2[2] = {_mm512_set1_epi64(c), _mm512_set1_epi64(c)};
  __m512i x3[2] = {_mm512_set1_epi64(static_cast<std::uint32_t>(purpose)),
                   _mm512_set1_epi64(static_cast<std::uint32_t>(purpose))};
  auto key0 = static_cast<std::uint32_t>(seed.value);
  auto key1 = static_cast<std::uint32_t>(seed.value >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    for (int half = 0; half < 2; ++half) {
      __m512i const product0 = _mm512_mul_epu32(multiplier0, x0[half]);
      __m512i const product1 = _mm512_mul_epu32(multiplier1, x2[half]);
      x0[half] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product1, 32), x1[half], _mm512_set1_epi64(key0),
                                           0x96);  // exclusive or of all three
      x1[half] = product1;
      x2[half] =
          _mm512_ternarylogic_epi64(_mm512_srli_epi64(product0, 32), x3[half], _mm512_set1_epi64(key1), 0x96);
      x3[half] = product0;
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  auto const odd = static_cast<__mmask16>(0xaaaa);
  return {{_mm512_mask_blend_epi32(odd, x0[0], _mm512_slli_epi64(x0[1], 32)),
           _mm512_mask_blend_epi32(odd, x1[0], _mm512_slli_epi64(x1[1], 32)),
           _mm512_mask_blend_epi32(odd, x2[0], _mm512_slli_epi64(x2[1], 32)),
           _mm512_mask_blend_epi32(odd, x3[0], _mm512_slli_epi64(x3[1], 32))}};
}

#endif

}  // namespace spacemoe
