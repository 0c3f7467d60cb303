#include "host/evaluation/race_sweep.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/instruction_sets.hpp"

namespace spacemoe {
namespace {

/// A race of random chances, its nodes' times rising through the blocks.
struct Race {
  std::size_t experts;
  std::uint32_t top_k;
  std::vector<double> weight, absent;
  std::vector<std::uint32_t> order;

  Race(std::size_t expert_count, std::uint32_t picks, std::size_t blocks)
      : experts(expert_count), top_k(picks), order(expert_count) {
    std::mt19937 random(static_cast<std::uint32_t>(experts * 64 + top_k));
    std::uniform_real_distribution<double> uniform;
    for (std::size_t block = 0; block < blocks; ++block) {
      double const time = std::pow(8.0, static_cast<double>(block) - 1.5);
      for (std::size_t i = 0; i < race_lanes; ++i) weight.push_back(uniform(random));
      for (std::size_t i = 0; i < experts * race_lanes; ++i)
        absent.push_back(std::pow(uniform(random), time));
    }
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::shuffle(order, random);
  }

  RaceView view() const { return {experts, top_k, weight, absent}; }
};

/// The definition: for each node and m, the chance of too few arrivals by listing counts.
std::vector<double> by_definition(Race const& race) {
  std::vector<double> sums(race.experts, 0.0);
  for (std::size_t node = 0; node < race.weight.size(); ++node) {
    auto const absent = [&](std::size_t m) {
      std::size_t const block = node / race_lanes * race.experts;
      return race.absent[(block + race.order[m]) * race_lanes + node % race_lanes];
    };
    for (std::size_t m = 1; m < race.experts; ++m) {
      std::vector<double> count(m + 1, 0.0);
      count[0] = 1;
      for (std::size_t e = 0; e < m; ++e) {
        for (std::size_t k = e + 1; k > 0; --k)
          count[k] = count[k] * absent(e) + count[k - 1] * (1 - absent(e));
        count[0] *= absent(e);
      }
      double term = race.weight[node];
      for (std::size_t e = m; e < race.experts; ++e) term *= absent(e);
      double enough = 0;
      for (std::size_t k = race.top_k; k <= m; ++k) enough += count[k];
      sums[m - 1] += term * enough;
    }
  }
  return sums;
}

TEST(RaceSweep, FollowsItsDefinition) {
  for (std::uint32_t const top_k : {1u, 2u, 3u, 4u, 6u, 8u, 13u}) {
    for (std::size_t const experts : {2u, 9u, 40u}) {
      Race const race(experts, top_k, 4);
      std::vector<double> sums(experts);
      race_sweep(race.view(), race.order, sums);
      auto const expected = by_definition(race);
      for (std::size_t m = 0; m < experts; ++m) EXPECT_NEAR(sums[m], expected[m], 1e-11);
    }
  }
}

TEST(RaceSweep, EveryInstructionSetGivesTheSameBits) {
  for (std::uint32_t const top_k : {2u, 3u, 4u, 6u, 8u, 32u}) {
    for (std::size_t const experts : {8u, 100u, 384u}) {
      Race const race(experts, top_k, 6);
      auto const sums = [&](InstructionSet set) {
        testing::WithInstructionSet const used(set);
        std::vector<double> result(experts);
        race_sweep(race.view(), race.order, result);
        return result;
      };
      for (InstructionSet const set : available_instruction_sets()) {
        EXPECT_EQ(sums(set), sums(InstructionSet::scalar))
            << name(set) << ", top " << top_k << " of " << experts;
      }
    }
  }
}

}  // namespace
}  // namespace spacemoe
