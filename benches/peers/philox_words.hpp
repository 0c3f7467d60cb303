#pragma once

#include <cstdint>

#include "kernels/philox.hpp"

#if defined(__AVX512F__)
// GCC bug 105593: intrinsics that start from an undefined register raise false alarms.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

// The rate at which Philox4x32-10 alone gives random words: a ceiling for samplers that take one for each
// layer.

namespace spacemoe::benches {

/// Words that a call of philox_words works out.
inline constexpr std::uint32_t philox_words_per_call = 1 << 18;

#if defined(__AVX512F__)

/// Eight blocks of four words in two registers' worth of 64-bit halves.
struct PhiloxBlocks {
  __m512i x0, x1, x2, x3;

  explicit PhiloxBlocks(std::uint32_t first)
      : x0(_mm512_add_epi64(_mm512_set1_epi64(first), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7))),
        x1(_mm512_setzero_si512()),
        x2(_mm512_setzero_si512()),
        x3(_mm512_setzero_si512()) {}

  void round(std::uint32_t key0, std::uint32_t key1) {
    constexpr int exclusive_or_of_three = 0x96;
    __m512i const product0 = _mm512_mul_epu32(_mm512_set1_epi64(0xD2511F53), x0);
    __m512i const product1 = _mm512_mul_epu32(_mm512_set1_epi64(0xCD9E8D57), x2);
    x0 = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product1, 32), x1, _mm512_set1_epi64(key0),
                                   exclusive_or_of_three);
    x1 = product1;
    x2 = _mm512_ternarylogic_epi64(_mm512_srli_epi64(product0, 32), x3, _mm512_set1_epi64(key1),
                                   exclusive_or_of_three);
    x3 = product0;
  }

  __m512i sum() const { return _mm512_xor_si512(_mm512_xor_si512(x0, x1), _mm512_xor_si512(x2, x3)); }
};

/// The exclusive or of many words, so that none can be left out.
inline std::uint32_t philox_words() {
  __m512i sum = _mm512_setzero_si512();
  for (std::uint32_t block = 0; block < philox_words_per_call / 4; block += 16) {
    PhiloxBlocks a(block), b(block + 8);  // two, to keep the multipliers busy
    std::uint32_t key0 = 1, key1 = 0;
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      a.round(key0, key1);
      b.round(key0, key1);
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    sum = _mm512_xor_si512(sum, _mm512_xor_si512(a.sum(), b.sum()));
  }
  alignas(64) std::uint32_t word[16];
  _mm512_store_si512(word, sum);
  std::uint32_t result = 0;
  for (int i = 0; i < 16; i += 2) result ^= word[i];
  return result;
}

#else

/// The exclusive or of many words, so that none can be left out.
inline std::uint32_t philox_words() {
  std::uint32_t sum = 0;
  for (std::uint32_t block = 0; block < philox_words_per_call / 4; ++block) {
    Words4 const words = philox4x32({{block, 0, 0, 0}}, {{1, 0}});
    sum ^= words.word[0] ^ words.word[1] ^ words.word[2] ^ words.word[3];
  }
  return sum;
}

#endif

}  // namespace spacemoe::benches
