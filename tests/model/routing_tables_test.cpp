#include "host/model/routing_tables.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spacemoe {
namespace {

using ::testing::ElementsAre;

constexpr std::uint64_t words = std::uint64_t{1} << 32;

ActivationWeights one_layer(std::vector<double> weight) {
  auto const experts = static_cast<std::uint32_t>(weight.size());
  return {1, experts, std::move(weight)};
}

/// Integer weights of a layer; a lone expert's 2^32 is stored as one less.
std::vector<std::uint64_t> integers(RoutingTables const& tables, std::uint32_t layer = 0) {
  auto const view = tables.view();
  auto const stored = view.weight.subspan(std::size_t{layer} * view.experts, view.experts);
  std::vector<std::uint64_t> weight(stored.begin(), stored.end());
  if (std::ranges::count(weight, 0u) + 1 == std::ssize(weight)) *std::ranges::max_element(weight) = words;
  return weight;
}

/// Number of words that the alias table of a layer gives to each expert, column by column.
std::vector<std::uint64_t> owned_words(RoutingView const& view, std::uint32_t layer) {
  std::vector<std::uint64_t> owned(view.experts, 0);
  std::size_t const columns = std::size_t{1} << view.column_bits;
  std::uint64_t const column_size = words >> view.column_bits;
  for (std::size_t column = 0; column < columns; ++column) {
    std::uint32_t const entry = view.alias[layer * columns + column];
    std::uint64_t const threshold = entry >> view.column_bits;
    if (threshold > 0) owned.at(column) += threshold;
    owned.at(entry & (columns - 1)) += column_size - threshold;
  }
  return owned;
}

std::vector<ActivationWeights> many_kinds_of_weights() {
  std::vector<ActivationWeights> kinds;
  for (std::uint32_t const experts : {1u, 2u, 3u, 7u, 8u, 9u, 64u, 100u, 256u, 384u}) {
    kinds.push_back(uniform_weights(2, experts));
    kinds.push_back(zipf_weights(3, experts, 1.2, Seed{7}));
    for (double const sigma : {0.2, 1.0, 4.0, 12.0}) {
      kinds.push_back(log_normal_weights(3, experts, sigma, Seed{11}));
    }
  }
  auto zeros = log_normal_weights(2, 40, 1, Seed{2});
  for (std::size_t i = 0; i < zeros.weight.size(); i += 3) zeros.weight[i] = 0;
  kinds.push_back(zeros);
  return kinds;
}

TEST(RoutingTables, WeightsSumToTwoToThe32AndKeepZeros) {
  for (auto const& weights : many_kinds_of_weights()) {
    RoutingTables const tables(RoutingLaw::plackett_luce, weights, 1);
    for (std::uint32_t l = 0; l < weights.layers; ++l) {
      auto const weight = integers(tables, l);
      EXPECT_EQ(std::accumulate(weight.begin(), weight.end(), std::uint64_t{0}), words);
      for (std::uint32_t e = 0; e < weights.experts; ++e) EXPECT_EQ(weight[e] > 0, weights.layer(l)[e] > 0);
    }
  }
}

TEST(RoutingTables, WeightsAreWithinOneOfTheirShare) {
  auto const weights = log_normal_weights(5, 100, 1, Seed{4});
  RoutingTables const tables(RoutingLaw::conditional_poisson, weights, 2);
  for (std::uint32_t l = 0; l < 5; ++l) {
    double const sum = std::accumulate(weights.layer(l), weights.layer(l) + 100, 0.0);
    auto const weight = integers(tables, l);
    for (std::uint32_t e = 0; e < 100; ++e) {
      EXPECT_LT(std::abs(static_cast<double>(weight[e]) - weights.layer(l)[e] / sum * 0x1p32), 1 + 1e-5);
    }
  }
}

TEST(RoutingTables, RoundingByHand) {
  auto const weights = [](std::vector<double> w) {
    return integers(RoutingTables(RoutingLaw::plackett_luce, one_layer(std::move(w)), 1));
  };
  EXPECT_THAT(weights({3, 1}), ElementsAre(words / 4 * 3, words / 4));
  // 2^32 = 3 * 1431655765 + 1: equal remainders, so the lowest expert gets the one that is left.
  EXPECT_THAT(weights({5, 5, 5}), ElementsAre(1431655766u, 1431655765u, 1431655765u));
  EXPECT_THAT(weights({1e-300, 0, 1e300}), ElementsAre(1u, 0u, words - 1));
  EXPECT_THAT(weights({0, 1e-300}), ElementsAre(0u, words));
}

TEST(RoutingTables, AliasColumnsGiveEveryExpertItsWeight) {
  for (auto const& weights : many_kinds_of_weights()) {
    RoutingTables const tables(RoutingLaw::plackett_luce, weights, 1);
    EXPECT_GE(1u << tables.view().column_bits, weights.experts);
    EXPECT_LT(1u << tables.view().column_bits, 2 * weights.experts);
    for (std::uint32_t l = 0; l < weights.layers; ++l) {
      EXPECT_EQ(owned_words(tables.view(), l), integers(tables, l));
    }
  }
}

TEST(RoutingTables, DrawsFollowTheColumnsToTheLastWord) {
  auto const weights = log_normal_weights(1, 100, 2, Seed{6});
  RoutingTables const tables(RoutingLaw::plackett_luce, weights, 1);
  auto const view = tables.view();
  std::uint32_t const columns = 1u << view.column_bits;
  std::uint32_t const last = static_cast<std::uint32_t>(words / columns) - 1;
  for (std::uint32_t column = 0; column < columns; ++column) {
    std::uint32_t const threshold = view.alias[column] >> view.column_bits;
    std::uint32_t const other = view.alias[column] & (columns - 1);
    auto const drawn = [&](std::uint32_t high) {
      return draw_by_alias(view, 0, high << view.column_bits | column);
    };
    EXPECT_EQ(drawn(threshold), other);
    EXPECT_EQ(drawn(last), other);
    if (threshold > 0) {
      EXPECT_EQ(drawn(0), column);
      EXPECT_EQ(drawn(threshold - 1), column);
    }
  }
}

TEST(RoutingTables, SampledWeightsAreTheIntegers) {
  RoutingTables const tables(RoutingLaw::conditional_poisson, one_layer({6, 1, 1}), 2);
  EXPECT_THAT(tables.sampled_weights().weight, ElementsAre(0.75, 0.125, 0.125));
}

TEST(RoutingTables, OrderIsByFallingWeightWithZerosLast) {
  RoutingTables const tables(RoutingLaw::conditional_poisson, one_layer({2, 0, 5, 2, 0, 7}), 3);
  auto const order = tables.view().order;
  EXPECT_THAT(std::vector<ExpertIndex>(order.begin(), order.end()), ElementsAre(5, 2, 0, 3, 1, 4));
}

TEST(RoutingTables, InclusionByHand) {
  // Weights 2, 1, 1: sets {01} and {02} have 2/5 each, {12} has 1/5.
  RoutingTables const tables(RoutingLaw::conditional_poisson, one_layer({2, 1, 1}), 2);
  auto const inclusion = tables.view().inclusion;
  auto const chance = [&](std::size_t position, std::size_t left) {
    return (inclusion[position * 2 + left - 1] + 1.0) / 0x1p32;
  };
  EXPECT_NEAR(chance(0, 2), 0.8, 1e-9);
  EXPECT_NEAR(chance(0, 1), 0.5, 1e-9);
  EXPECT_EQ(inclusion[1 * 2 + 1], 0xffffffffu);  // two left for two experts
  EXPECT_NEAR(chance(1, 1), 0.5, 1e-9);
  EXPECT_EQ(inclusion[2 * 2 + 0], 0xffffffffu);  // one left for one expert
}

/// Chance of inclusion at each position by sequential inclusion, as the tables have it.
std::vector<double> marginals(RoutingView const& view) {
  std::vector<double> left(view.top_k + 1, 0.0);  // [k]: chance that k are still to come
  left[view.top_k] = 1;
  std::vector<double> marginal;
  for (std::size_t position = 0; position < view.experts; ++position) {
    double included = 0;
    for (std::size_t k = 1; k <= view.top_k; ++k) {
      double const joins = left[k] * (view.inclusion[position * view.top_k + k - 1] + 1.0) / 0x1p32;
      included += joins;
      left[k] -= joins;
      left[k - 1] += joins;
    }
    marginal.push_back(included);
  }
  return marginal;
}

TEST(RoutingTables, InclusionStaysExactForManyExpertsAndSkewedWeights) {
  for (std::uint32_t const top_k : {8u, 16u, 32u}) {
    // Equal weights: every expert is included K times in E.
    auto const equal =
        marginals(RoutingTables(RoutingLaw::conditional_poisson, uniform_weights(1, 384), top_k).view());
    for (double const m : equal) EXPECT_NEAR(m, top_k / 384.0, 1e-8);
    // Weights over twelve decades: the inclusions still add to K and fall with the weight.
    ActivationWeights steep = uniform_weights(1, 384);
    for (std::size_t e = 0; e < 384; ++e)
      steep.weight[e] = std::pow(10, -12.0 * static_cast<double>(e) / 383);
    auto const falling = marginals(RoutingTables(RoutingLaw::conditional_poisson, steep, top_k).view());
    EXPECT_NEAR(std::accumulate(falling.begin(), falling.end(), 0.0), top_k, 1e-6);
    for (std::size_t e = 1; e < 384; ++e) EXPECT_LE(falling[e], falling[e - 1] + 1e-8);
  }
}

TEST(RoutingTables, RefusesTooFewPositiveWeights) {
  EXPECT_THROW(RoutingTables(RoutingLaw::plackett_luce, one_layer({1, 0, 0}), 2), std::logic_error);
}

}  // namespace
}  // namespace spacemoe
