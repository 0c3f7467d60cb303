#include "kernels/draw.hpp"

#include <array>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

TEST(Draw, EveryPartOfTheAddressMatters) {
  std::set<std::uint32_t> words;
  for (auto const purpose : {Purpose::token_routing, Purpose::evaluation_outage}) {
    for (std::uint64_t const seed : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{1} << 32}) {
      for (std::uint32_t a = 0; a < 2; ++a) {
        for (std::uint32_t b = 0; b < 2; ++b) {
          for (std::uint32_t c = 0; c < 2; ++c) {
            Words4 const drawn = draw({seed}, purpose, a, b, c);
            words.insert(std::begin(drawn.word), std::end(drawn.word));
          }
        }
      }
    }
  }
  EXPECT_EQ(words.size(), 2u * 3 * 8 * 4);
}

TEST(Bounded, IsTheHighPartOfTheProduct) {
  EXPECT_EQ(bounded(0, 0, 7), 0u);
  EXPECT_EQ(bounded(0xffffffff, 0xffffffff, 7), 6u);
  EXPECT_EQ(bounded(0x80000000, 0, 7), 3u);
  EXPECT_EQ(bounded(0xffffffff, 0xffffffff, std::uint64_t{1} << 32), 0xffffffffu);
  // One step below and at the boundary between 2 and 3 of 5: 3/5 of 2^64 is 0x9999...99.
  EXPECT_EQ(bounded(0x99999999, 0x99999999, 5), 2u);
  EXPECT_EQ(bounded(0x99999999, 0x9999999a, 5), 3u);
}

TEST(Bounded, EqualsTheWideProduct) {
  __extension__ using Wide = unsigned __int128;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    Words4 const w = draw({3}, Purpose::gateway_placement, i, 0, 0);
    std::uint64_t const word = std::uint64_t{w.word[0]} << 32 | w.word[1];
    std::uint64_t const bound = (std::uint64_t{w.word[2]} << 32 | w.word[3]) >> (i % 64);
    EXPECT_EQ(bounded(w.word[0], w.word[1], bound), static_cast<std::uint64_t>(Wide{word} * bound >> 64));
  }
}

TEST(Bounded, IsUniform) {
  constexpr std::uint64_t bound = 6;
  constexpr int draws = 60000;
  std::array<int, bound> count{};
  for (std::uint32_t i = 0; i < draws; ++i) {
    Words4 const words = draw({11}, Purpose::gateway_placement, i, 0, 0);
    ++count[bounded(words.word[0], words.word[1], bound)];
  }
  double chi_square = 0;
  for (int const c : count) chi_square += std::pow(c - draws / 6.0, 2) / (draws / 6.0);
  EXPECT_LT(chi_square, 20.5);  // 0.1 % of five degrees of freedom
}

}  // namespace
}  // namespace spacemoe
