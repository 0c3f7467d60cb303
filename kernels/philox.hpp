#pragma once

#include <cstdint>

#include "kernels/function.hpp"

namespace spacemoe {

struct Words4 {
  std::uint32_t word[4];

  SPACEMOE_FN constexpr bool operator==(Words4 const& other) const {
    return word[0] == other.word[0] && word[1] == other.word[1] && word[2] == other.word[2] &&
           word[3] == other.word[3];
  }
};

/// One of four words: chosen, not indexed, as a GPU has no indexed registers.
SPACEMOE_FN constexpr std::uint32_t chosen_word(Words4 const& words, std::uint32_t at) {
  std::uint32_t const* const word = words.word;
  return at < 2 ? (at == 0 ? word[0] : word[1]) : (at == 2 ? word[2] : word[3]);
}

struct Words2 {
  std::uint32_t word[2];
};

/// Both halves of a product: { low, high }.
SPACEMOE_FN constexpr Words2 wide_product(std::uint32_t a, std::uint32_t b) {
#if defined(__CUDA_ARCH__)
  // In 64 bits, nvcc would make products of whole 64-bit numbers of it.
  if (!__builtin_is_constant_evaluated()) return {{a * b, __umulhi(a, b)}};
#endif
  std::uint64_t const product = std::uint64_t{a} * b;
  return {{static_cast<std::uint32_t>(product), static_cast<std::uint32_t>(product >> 32)}};
}

/// Philox4x32-10: four random words for a counter under a key (Salmon et al., "Parallel random numbers: as
/// easy as 1, 2, 3", SC'11).
SPACEMOE_FN constexpr Words4 philox4x32(Words4 counter, Words2 key) {
  for (int round = 0; round < 10; ++round) {
    Words2 const product0 = wide_product(0xD2511F53u, counter.word[0]);
    Words2 const product1 = wide_product(0xCD9E8D57u, counter.word[2]);
    counter = {{product1.word[1] ^ counter.word[1] ^ key.word[0], product1.word[0],
                product0.word[1] ^ counter.word[3] ^ key.word[1], product0.word[0]}};
    key.word[0] += 0x9E3779B9u;  // the golden ratio
    key.word[1] += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return counter;
}

// Known answers of Random123's kat_vectors.
static_assert(philox4x32({{0, 0, 0, 0}}, {{0, 0}}) ==
              Words4{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
static_assert(philox4x32({{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, {{0xffffffff, 0xffffffff}}) ==
              Words4{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
static_assert(philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, {{0xa4093822, 0x299f31d0}}) ==
              Words4{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});

}  // namespace spacemoe
