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

struct Words2 {
  std::uint32_t word[2];
};

/// Philox4x32-10: four random words for a counter under a key (Salmon et al., "Parallel random numbers: as
/// easy as 1, 2, 3", SC'11).
SPACEMOE_FN constexpr Words4 philox4x32(Words4 counter, Words2 key) {
  for (int round = 0; round < 10; ++round) {
    std::uint64_t const product0 = 0xD2511F53ull * counter.word[0];
    std::uint64_t const product1 = 0xCD9E8D57ull * counter.word[2];
    counter = {{static_cast<std::uint32_t>(product1 >> 32) ^ counter.word[1] ^ key.word[0],
                static_cast<std::uint32_t>(product1),
                static_cast<std::uint32_t>(product0 >> 32) ^ counter.word[3] ^ key.word[1],
                static_cast<std::uint32_t>(product0)}};
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
