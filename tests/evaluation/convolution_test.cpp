#include "host/evaluation/convolution.hpp"

#include <numeric>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/instruction_sets.hpp"

namespace spacemoe {
namespace {

std::vector<double> random_numbers(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> numbers(count);
  for (double& n : numbers) n = uniform(random);
  return numbers;
}

TEST(Convolution, ByHand) {
  std::vector<double> mass{1, 2, 4};
  std::vector<double> room;
  std::vector<GridAtom> const atoms{{0, 0.5}, {2, 8}};
  convolve(mass, atoms, room);
  EXPECT_THAT(mass, ::testing::ElementsAre(0.5, 1, 2 + 8, 16, 32));
}

TEST(Convolution, FollowsItsDefinition) {
  for (std::size_t const length : {1u, 7u, 63u, 64u, 65u, 1000u}) {
    for (std::size_t const count : {1u, 3u, 50u}) {
      auto const mass = random_numbers(length, 1);
      auto const probability = random_numbers(count, 2);
      std::vector<GridAtom> atoms;
      for (std::size_t a = 0; a < count; ++a)
        atoms.push_back({3 + a * a % 97 + 100 * (a % 3), probability[a]});
      std::vector<double> expected;
      for (auto const& [point, p] : atoms) {
        expected.resize(std::max(expected.size(), point + length), 0.0);
        for (std::size_t i = 0; i < length; ++i) expected[point + i] += p * mass[i];
      }
      auto sum = mass;
      std::vector<double> room(5, 9.0);
      convolve(sum, atoms, room);
      ASSERT_EQ(sum.size(), expected.size());
      for (std::size_t i = 0; i < sum.size(); ++i) EXPECT_NEAR(sum[i], expected[i], 1e-13);
    }
  }
}

std::vector<std::vector<GridAtom>> random_distributions(std::size_t count, std::size_t atoms) {
  std::vector<std::vector<GridAtom>> numbers(count);
  for (std::size_t n = 0; n < count; ++n) {
    auto const random = random_numbers(2 * atoms, static_cast<std::uint32_t>(n));
    double const total =
        std::accumulate(random.begin(), random.begin() + static_cast<std::ptrdiff_t>(atoms), 0.0);
    for (std::size_t a = 0, point = n % 3; a < atoms; ++a) {
      numbers[n].push_back({point, random[a] / total});
      point += 1 + static_cast<std::size_t>(3 * random[atoms + a]);
    }
  }
  return numbers;
}

TEST(DistributionOfSum, BothWaysAgree) {
  for (std::size_t const count : {1u, 2u, 3u, 7u, 58u}) {
    for (std::size_t const atoms : {1u, 2u, 5u, 300u}) {
      auto const numbers = random_distributions(count, atoms);
      auto const direct = sum_directly(numbers);
      auto const transformed = sum_by_fourier(numbers);
      ASSERT_EQ(transformed.size(), direct.size());
      for (std::size_t i = 0; i < direct.size(); ++i) {
        ASSERT_NEAR(transformed[i], direct[i], 1e-15);
        ASSERT_GE(transformed[i], 0);
      }
      EXPECT_NEAR(std::accumulate(transformed.begin(), transformed.end(), 0.0), 1, 1e-12);
    }
  }
}

TEST(DistributionOfSum, TakesTransformsForManyNumbersOfManyAtoms) {
  for (auto const& numbers : {random_distributions(3, 40), random_distributions(32, 16)}) {
    EXPECT_EQ(distribution_of_sum(numbers), sum_directly(numbers));
  }
  auto const many = random_distributions(58, 500);
  EXPECT_EQ(distribution_of_sum(many), sum_by_fourier(many));
  EXPECT_NE(sum_by_fourier(many), sum_directly(many));
}

TEST(Convolution, EveryInstructionSetGivesTheSameBits) {
  auto const mass = random_numbers(777, 3);
  std::vector<GridAtom> atoms;
  for (std::size_t a = 0; a < 70; ++a) atoms.push_back({7 * a, random_numbers(70, 4)[a]});
  auto const sums = [&](InstructionSet set) {
    testing::WithInstructionSet const used(set);
    auto sum = mass;
    std::vector<double> room;
    convolve(sum, atoms, room);
    return sum;
  };
  for (InstructionSet const set : available_instruction_sets()) {
    EXPECT_EQ(sums(set), sums(InstructionSet::scalar)) << name(set);
  }
}

}  // namespace
}  // namespace spacemoe
