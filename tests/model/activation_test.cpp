#include "host/model/activation.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spacemoe {
namespace {

TEST(Activation, UniformWeightsAreEqual) {
  auto const weights = uniform_weights(2, 3);
  EXPECT_EQ(weights.layers, 2u);
  EXPECT_EQ(weights.experts, 3u);
  EXPECT_THAT(weights.weight, ::testing::ElementsAre(1, 1, 1, 1, 1, 1));
}

TEST(Activation, ZipfLayersArePermutationsOfTheRanks) {
  auto const weights = zipf_weights(6, 5, 1.5, Seed{3});
  for (std::uint32_t layer = 0; layer < 6; ++layer) {
    std::vector<double> sorted(weights.layer(layer), weights.layer(layer) + 5);
    std::ranges::sort(sorted, std::greater{});
    for (int rank = 1; rank <= 5; ++rank) {
      EXPECT_DOUBLE_EQ(sorted[static_cast<std::size_t>(rank - 1)], std::pow(rank, -1.5));
    }
  }
}

TEST(Activation, ZipfPermutationsAreUniform) {
  std::uint32_t const layers = 24000;
  auto const weights = zipf_weights(layers, 4, 1, Seed{17});
  std::map<std::vector<double>, double> count;
  for (std::uint32_t l = 0; l < layers; ++l) ++count[{weights.layer(l), weights.layer(l) + 4}];
  ASSERT_EQ(count.size(), 24u);
  double chi_square = 0;
  for (auto const& [order, n] : count) chi_square += (n - 1000) * (n - 1000) / 1000;
  EXPECT_LT(chi_square, 60);  // 23 degrees of freedom: exceeded with probability 4e-5
}

TEST(Activation, LogNormalHasTheMomentsOfItsLogarithm) {
  std::uint32_t const layers = 200;
  std::uint32_t const experts = 500;
  double const n = layers * experts;
  auto const weights = log_normal_weights(layers, experts, 0.8, Seed{5});
  double sum = 0, squares = 0, cubes = 0, fourths = 0;
  for (double const w : weights.weight) {
    double const z = std::log(w) / 0.8;
    sum += z;
    squares += z * z;
    cubes += z * z * z;
    fourths += z * z * z * z;
  }
  // Moments 0, 1, 0, 3 of a standard normal; their variances are 1, 2, 15, 96 over n.
  EXPECT_LT(std::abs(sum / n), 4 * std::sqrt(1 / n));
  EXPECT_LT(std::abs(squares / n - 1), 4 * std::sqrt(2 / n));
  EXPECT_LT(std::abs(cubes / n), 4 * std::sqrt(15 / n));
  EXPECT_LT(std::abs(fourths / n - 3), 4 * std::sqrt(96 / n));
}

TEST(Activation, SigmaZeroIsUniform) {
  EXPECT_EQ(log_normal_weights(3, 4, 0, Seed{1}).weight, uniform_weights(3, 4).weight);
}

TEST(Activation, DrawsBelongToTheirAddress) {
  auto const large = log_normal_weights(4, 9, 1, Seed{8});
  auto const small = log_normal_weights(2, 5, 1, Seed{8});
  for (std::uint32_t l = 0; l < 2; ++l) {
    for (std::uint32_t e = 0; e < 5; ++e) EXPECT_EQ(small.layer(l)[e], large.layer(l)[e]);
  }
  auto const many_layers = zipf_weights(8, 16, 1, Seed{8});
  auto const few_layers = zipf_weights(3, 16, 1, Seed{8});
  EXPECT_TRUE(std::equal(few_layers.weight.begin(), few_layers.weight.end(), many_layers.weight.begin()));
}

TEST(Activation, SeedsAndLayersDrawDifferently) {
  auto const a = log_normal_weights(2, 16, 1, Seed{1});
  auto const b = log_normal_weights(2, 16, 1, Seed{std::uint64_t{1} << 32 | 1});
  EXPECT_NE(a.weight, b.weight);
  EXPECT_FALSE(std::equal(a.layer(0), a.layer(0) + 16, a.layer(1)));
  auto const zipf = zipf_weights(2, 64, 1, Seed{1});
  EXPECT_FALSE(std::equal(zipf.layer(0), zipf.layer(0) + 64, zipf.layer(1)));
}

}  // namespace
}  // namespace spacemoe
