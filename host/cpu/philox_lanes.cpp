#include "host/cpu/philox_lanes.hpp"

namespace spacemoe {

void draw_lanes(Seed seed, Purpose purpose, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                LaneWords& words) {
  for (std::uint32_t lane = 0; lane < philox_lanes; ++lane) {
    Words4 const block = draw(seed, purpose, a + lane, b, c);
    for (std::uint32_t w = 0; w < 4; ++w) words.word[w][lane] = block.word[w];
  }
}

#if defined(SPACEMOE_SIMD_X86)

namespace {

/// Blocks that fit the registers, one in each 64-bit half; upper halves hold rubbish.
struct BlocksAvx2 {
  __m256i word[4];
};

SPACEMOE_AVX2 SPACEMOE_BODY void philox_round(BlocksAvx2& x, std::uint32_t key0, std::uint32_t key1) {
  __m256i const product0 = _mm256_mul_epu32(_mm256_set1_epi64x(0xD2511F53), x.word[0]);
  __m256i const product1 = _mm256_mul_epu32(_mm256_set1_epi64x(0xCD9E8D57), x.word[2]);
  __m256i const x0 = _mm256_xor_si256(_mm256_srli_epi64(product1, 32), x.word[1]);
  __m256i const x2 = _mm256_xor_si256(_mm256_srli_epi64(product0, 32), x.word[3]);
  x = {{_mm256_xor_si256(x0, _mm256_set1_epi64x(key0)), product1,
        _mm256_xor_si256(x2, _mm256_set1_epi64x(key1)), product0}};
}

}  // namespace

SPACEMOE_AVX2 void draw_lanes_avx2(Seed seed, Purpose purpose, std::uint32_t a, std::uint32_t b,
                                   std::uint32_t c, LaneWords& words) {
  for (std::uint32_t lane = 0; lane < philox_lanes; lane += 8) {
    __m256i const first = _mm256_set1_epi64x(a + lane);
    __m256i const purposes = _mm256_set1_epi64x(static_cast<std::uint32_t>(purpose));
    BlocksAvx2 even{{_mm256_add_epi64(first, _mm256_setr_epi64x(0, 2, 4, 6)), _mm256_set1_epi64x(b),
                     _mm256_set1_epi64x(c), purposes}};
    BlocksAvx2 odd{{_mm256_add_epi64(first, _mm256_setr_epi64x(1, 3, 5, 7)), _mm256_set1_epi64x(b),
                    _mm256_set1_epi64x(c), purposes}};
    auto key0 = static_cast<std::uint32_t>(seed.value);
    auto key1 = static_cast<std::uint32_t>(seed.value >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      philox_round(even, key0, key1);
      philox_round(odd, key0, key1);
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    for (int w = 0; w < 4; ++w) {
      __m256i const joined = _mm256_blend_epi32(even.word[w], _mm256_slli_epi64(odd.word[w], 32), 0xaa);
      _mm256_store_si256(reinterpret_cast<__m256i*>(&words.word[w][lane]), joined);
    }
  }
}

SPACEMOE_AVX512 void draw_lanes_avx512(Seed seed, Purpose purpose, std::uint32_t a, std::uint32_t b,
                                       std::uint32_t c, LaneWords& words) {
  LaneWordsAvx512 const drawn = finish_lanes_avx512(seed, start_lanes_avx512(seed, purpose, a), b, c);
  for (int w = 0; w < 4; ++w) _mm512_store_si512(words.word[w], drawn.word[w]);
}

#endif

}  // namespace spacemoe
