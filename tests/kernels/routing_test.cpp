#include "kernels/routing.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/enumeration.hpp"
#include "tests/support/goodness_of_fit.hpp"

namespace spacemoe {
namespace {

using ::testing::ElementsAre;
using testing::Picks;

/// Tables of one layer, filled in by hand.
struct HandMade {
  std::vector<std::uint32_t> alias;
  std::vector<std::uint32_t> weight;
  std::vector<std::uint32_t> inclusion;
  std::vector<ExpertIndex> order;
  std::uint32_t top_k;

  RoutingView view(RoutingLaw law) const {
    RoutingView v;
    v.law = law;
    v.layers = 1;
    v.experts = static_cast<std::uint32_t>(std::max(weight.size(), order.size()));
    v.top_k = top_k;
    v.column_bits = 2;
    v.alias = alias;
    v.weight = weight;
    v.inclusion = inclusion;
    v.order = order;
    return v;
  }
};

constexpr std::uint32_t quarter = 1u << 30;  // words in one of four columns

// Weights 1/2, 1/4, 1/8, 1/8. Columns 0 and 1 are whole; the others give half of theirs to expert 0.
HandMade halves(std::uint32_t top_k) {
  std::uint32_t const half_column = quarter / 2 << 2;
  return {{0, 1, half_column, half_column}, {2 * quarter, quarter, quarter / 2, quarter / 2}, {}, {}, top_k};
}

// Expert 0 has all words but three.
HandMade nearly_all(std::uint32_t top_k) {
  return {{0, 1 << 2, 1 << 2, 1 << 2}, {0xfffffffd, 1, 1, 1}, {}, {}, top_k};
}

TEST(Routing, AliasComparesTheHighBitsWithTheColumnsThreshold) {
  auto const tables = halves(1);
  auto const view = tables.view(RoutingLaw::plackett_luce);
  auto const drawn = [&](std::uint32_t high, std::uint32_t column) {
    return draw_by_alias(view, 0, high << 2 | column);
  };
  EXPECT_EQ(drawn(0, 0), 0);
  EXPECT_EQ(drawn(quarter - 1, 0), 0);
  EXPECT_EQ(drawn(0, 1), 1);
  EXPECT_EQ(drawn(quarter - 1, 1), 1);
  EXPECT_EQ(drawn(quarter / 2 - 1, 2), 2);
  EXPECT_EQ(drawn(quarter / 2, 2), 0);
  EXPECT_EQ(drawn(quarter / 2 - 1, 3), 3);
  EXPECT_EQ(drawn(quarter / 2, 3), 0);
}

TEST(Routing, PlackettLuceFollowsEnumeration) {
  auto const tables = halves(3);
  std::map<Picks, std::uint64_t> count;
  Picks picks(3);
  for (std::uint32_t token = 0; token < 100000; ++token) {
    draw_experts(tables.view(RoutingLaw::plackett_luce), Seed{12}, 0, token, 0, picks);
    ++count[picks];
  }
  EXPECT_LT(std::abs(testing::chi_square_score(count, testing::enumerate_sequences({4, 2, 1, 1}, 3))), 4);
}

TEST(Routing, RepeatsGiveWayToTheWeightsThatRemain) {
  auto const tables = nearly_all(3);
  std::map<Picks, std::uint64_t> count;
  std::map<Picks, double> exact;
  Picks const light{1, 2, 3};
  for (ExpertIndex const a : light) {
    for (ExpertIndex const b : light) {
      if (a != b) exact[{0, a, b}] = 1.0 / 6;  // anything else has a chance near 1e-9
    }
  }
  Picks picks(3);
  for (std::uint32_t token = 0; token < 60000; ++token) {
    draw_experts(tables.view(RoutingLaw::plackett_luce), Seed{1}, 0, token, 0, picks);
    ++count[picks];
  }
  EXPECT_LT(std::abs(testing::chi_square_score(count, exact)), 4);
}

TEST(Routing, RestIsDrawnByItsOwnWeights) {
  auto const tables = halves(4);
  std::map<Picks, std::uint64_t> count;
  Picks const drawn{0, 2};
  for (std::uint32_t token = 0; token < 30000; ++token) {
    TokenWords words(Seed{4}, 0, token, 0);
    ++count[{draw_from_rest(tables.view(RoutingLaw::plackett_luce), 0, drawn, words)}];
  }
  EXPECT_LT(std::abs(testing::chi_square_score(count, {{{1}, 2.0 / 3}, {{3}, 1.0 / 3}})), 4);
}

TEST(Routing, ConditionalPoissonFollowsItsThresholds) {
  // Weights 2, 1, 1 of experts 7, 4, 5: {7, 4} and {7, 5} have 2/5 each, {4, 5} has 1/5.
  std::uint32_t const always = 0xffffffff;
  auto const share = [](double p) { return static_cast<std::uint32_t>(p * 0x1p32) - 1; };
  HandMade const tables{{}, {}, {share(0.5), share(0.8), share(0.5), always, always, always}, {7, 4, 5}, 2};
  std::map<Picks, std::uint64_t> count;
  Picks picks(2);
  for (std::uint32_t token = 0; token < 100000; ++token) {
    draw_experts(tables.view(RoutingLaw::conditional_poisson), Seed{2}, 0, token, 0, picks);
    ++count[picks];
  }
  EXPECT_LT(std::abs(testing::chi_square_score(count, {{{7, 4}, 0.4}, {{7, 5}, 0.4}, {{4, 5}, 0.2}})), 4);
}

TEST(Routing, TokenWordsArePhiloxAtTheirAddress) {
  TokenWords words(Seed{0x123456789abcdef0}, 5, 6, 7);
  auto const first = philox4x32({{6, 5, 7, 1}}, {{0x9abcdef0, 0x12345678}});
  auto const second = philox4x32({{6, 5, 7 | 1u << 16, 1}}, {{0x9abcdef0, 0x12345678}});
  std::array<std::uint32_t, 6> taken{};
  for (auto& word : taken) word = words.next();
  EXPECT_THAT(taken, ElementsAre(first.word[0], first.word[1], first.word[2], first.word[3], second.word[0],
                                 second.word[1]));
}

TEST(Routing, BoundedIsTheHighPartOfTheProduct) {
  EXPECT_EQ(bounded(0, 0, 7), 0u);
  EXPECT_EQ(bounded(0xffffffff, 0xffffffff, 7), 6u);
  EXPECT_EQ(bounded(0x80000000, 0, 10), 5u);
  EXPECT_EQ(bounded(0x7fffffff, 0xffffffff, 10), 4u);
  EXPECT_EQ(bounded(0xffffffff, 0xffffffff, std::uint64_t{1} << 32), 0xffffffffu);
  EXPECT_EQ(bounded(3, 0xffffffff, std::uint64_t{1} << 32), 3u);
}

}  // namespace
}  // namespace spacemoe
