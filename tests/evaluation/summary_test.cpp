#include "host/evaluation/summary.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

constexpr std::uint64_t lost = ~std::uint64_t{0};

/// A result whose cells hold the given latencies [ns].
StrategyResult tallied(std::vector<std::vector<std::uint64_t>> const& cells) {
  StrategyResult result;
  result.tally.histogram.resize(bin_count);
  result.tally.layer_sum_ns.resize(1);
  for (auto const& latencies : cells) {
    Moments moments;
    for (std::uint64_t const x : latencies) {
      ++moments.tokens;
      if (x == lost) continue;
      ++moments.delivered;
      moments.sum_ns += x;
      moments.sum_squares_ns2 += Uint128{x} * x;
      ++result.tally.histogram[bin_of(x)];
      result.tally.layer_sum_ns[0] += x / 2;
    }
    result.tally.cell.push_back(moments);
  }
  return result;
}

TEST(Summary, MeanAndDeviationOfDeliveredTokens) {
  auto result = tallied({{1000000, 3000000, lost}, {5000000}});
  summarize(result, 2);
  EXPECT_EQ(result.tokens, 4u);
  EXPECT_EQ(result.delivered, 3u);
  EXPECT_DOUBLE_EQ(result.mean_ms, 3);
  EXPECT_DOUBLE_EQ(result.standard_deviation_ms, 2);
  EXPECT_DOUBLE_EQ(result.undeliverable, 0.25);
  EXPECT_DOUBLE_EQ(result.layer_mean_ms[0], 1.5);
}

TEST(Summary, StandardErrorIsStratified) {
  // Variances within the cells: 2 and 8 ms^2 with two tokens each: sqrt(2 * 2 + 2 * 8) / 4. Pooled it would
  // be larger.
  auto result = tallied({{1000000, 3000000}, {10000000, 14000000}});
  summarize(result, 2);
  EXPECT_DOUBLE_EQ(result.standard_error_ms, std::sqrt(20.0) / 4);
  EXPECT_LT(result.standard_error_ms, result.standard_deviation_ms / 2);
}

TEST(Summary, StandardErrorCountsLostTokensAsNoResidual) {
  auto result = tallied({{1000000, 3000000, lost}});
  summarize(result, 1);
  // Residuals -1, 1, 0 ms: s^2 = 1, sqrt(3 * 1) / 2 delivered.
  EXPECT_DOUBLE_EQ(result.standard_error_ms, std::sqrt(3.0) / 2);
}

TEST(Summary, CellsOfOneTokenAreMerged) {
  auto result = tallied({{1000000}, {3000000}, {5000000, 5000000}, {9000000}});
  summarize(result, 4);
  // Strata {1, 3} and {5, 5, 9} ms about their own means: sqrt(2 * 2 + 3 * 16 / 3) / 5.
  EXPECT_NEAR(result.standard_error_ms, std::sqrt(4.0 + 16.0) / 5, 1e-12);
  auto single = tallied({{1000000}});
  summarize(single, 1);
  EXPECT_TRUE(std::isnan(single.standard_error_ms));
}

TEST(Summary, SpreadIsBetweenPlacementMeans) {
  auto result = tallied({{1000000, 1000000}, {3000000}, {5000000}, {6000000, 7000000}});
  summarize(result, 2);
  // Placement means 5/3 and 6 ms.
  EXPECT_DOUBLE_EQ(*result.placement_spread_ms, (6 - 5.0 / 3) / std::sqrt(2.0));
  auto single = tallied({{1000000}, {2000000}});
  summarize(single, 2);
  EXPECT_EQ(single.placement_spread_ms, std::nullopt);
}

TEST(Summary, QuantileIsTheLeastLatencyThatEnoughTokensReach) {
  std::vector<std::uint64_t> latencies;
  for (std::uint64_t i = 1; i <= 1000; ++i) latencies.push_back(i * 1000000);
  auto result = tallied({latencies});
  summarize(result, 1);
  double const expected_ms[] = {500, 900, 990, 999};  // ceil(q n) of 1000
  for (std::size_t q = 0; q < 4; ++q) {
    EXPECT_LE(result.quantiles[q].lower_ms, expected_ms[q]);
    EXPECT_GT(result.quantiles[q].upper_ms, expected_ms[q]);
    EXPECT_LE((result.quantiles[q].upper_ms - result.quantiles[q].lower_ms) / expected_ms[q], 1.0 / 256);
    EXPECT_LT(result.quantiles[q].confidence_low_ms, expected_ms[q]);
  }
  // 95 %: 500 +- 1.96 sqrt(250) = 469 to 531 of the ranks.
  EXPECT_NEAR(result.quantiles[0].confidence_low_ms, 469, 2.5);
  EXPECT_NEAR(result.quantiles[0].confidence_high_ms, 532, 2.5);
}

TEST(Summary, RankStepsFromOneLatencyToTheNext) {
  auto result = tallied({{100, 100, 200}});
  summarize(result, 1);
  EXPECT_DOUBLE_EQ(result.quantiles[0].lower_ms, 100e-6);  // ceil(1.5) = 2
  EXPECT_DOUBLE_EQ(result.quantiles[1].lower_ms, 200e-6);  // ceil(2.7) = 3
  auto even = tallied({{100, 200}});
  summarize(even, 1);
  EXPECT_DOUBLE_EQ(even.quantiles[0].lower_ms, 100e-6);  // ceil(1) = 1
}

TEST(Summary, NothingDeliveredIsNotANumber) {
  auto result = tallied({{lost, lost}});
  summarize(result, 1);
  EXPECT_TRUE(std::isnan(result.mean_ms));
  EXPECT_TRUE(std::isnan(result.quantiles[0].lower_ms));
  EXPECT_DOUBLE_EQ(result.undeliverable, 1);
  std::vector<StrategyResult> both{result, tallied({{4000000}})};
  summarize(both[1], 1);
  compare_to_best(both);
  EXPECT_TRUE(std::isnan(both[0].ratio_to_best));
  EXPECT_DOUBLE_EQ(both[1].ratio_to_best, 1);
}

TEST(Summary, LargeCountsDoNotOverflow) {
  Moments moments;
  moments.tokens = moments.delivered = 4'000'000'000;
  // Half at 4 s, half at 6 s.
  moments.sum_ns = Uint128{2'000'000'000} * 10'000'000'000;
  moments.sum_squares_ns2 = Uint128{2'000'000'000} *
                            (Uint128{4'000'000'000} * 4'000'000'000 + Uint128{6'000'000'000} * 6'000'000'000);
  StrategyResult result;
  result.tally.cell = {moments};
  result.tally.histogram.resize(bin_count);
  result.tally.histogram[bin_of(4'000'000'000)] = result.tally.histogram[bin_of(6'000'000'000)] =
      2'000'000'000;
  summarize(result, 1);
  EXPECT_DOUBLE_EQ(result.mean_ms, 5000);
  EXPECT_NEAR(result.standard_deviation_ms, 1000, 1e-6);
  EXPECT_NEAR(result.standard_error_ms, 1000 / std::sqrt(4e9), 1e-9);
}

}  // namespace
}  // namespace spacemoe
