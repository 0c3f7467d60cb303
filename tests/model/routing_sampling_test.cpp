#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "host/model/routing_tables.hpp"
#include "tests/support/enumeration.hpp"
#include "tests/support/goodness_of_fit.hpp"

namespace spacemoe {
namespace {

using testing::Picks;

struct Case {
  std::vector<double> weight;
  std::uint32_t top_k;
};

// The last ones leave less than 1e-3 to all but the heaviest, so that most draws run out of repeats and are
// made from the weights that remain.
std::vector<Case> cases() {
  return {{{1}, 1},
          {{1, 1}, 1},
          {{3, 1, 2}, 2},
          {{1, 1, 1, 1, 1, 1, 1, 1}, 2},
          {{0.1, 2, 0.7, 0, 3, 1.1, 0.4, 0.9}, 3},
          {{5, 1, 0.2, 1, 2, 0.6, 0.05, 4}, 4},
          {{1, 2, 3, 4}, 4},
          {{0, 1000, 0, 0.1, 0.2, 0.3}, 3},
          {{1e6, 1e6, 1, 2, 3, 0.5}, 4}};
}

RoutingTables tables_of(RoutingLaw law, Case const& c) {
  return {law, {1, static_cast<std::uint32_t>(c.weight.size()), c.weight}, c.top_k};
}

/// How often each outcome is drawn; `outcome` turns picks in drawing order into what is counted.
template <class Outcome>
std::map<Picks, std::uint64_t> sample(RoutingTables const& tables, std::uint64_t seed, std::uint32_t tokens,
                                      Outcome outcome) {
  std::map<Picks, std::uint64_t> count;
  Picks picks(tables.view().top_k);
  for (std::uint32_t token = 0; token < tokens; ++token) {
    draw_experts(tables.view(), Seed{seed}, 3, token, 0, picks);
    ++count[outcome(picks)];
  }
  return count;
}

Picks as_drawn(Picks picks) {
  return picks;
}

Picks as_set(Picks picks) {
  std::ranges::sort(picks);
  return picks;
}

/// Scores that should look like draws from N(0, 1).
void expect_standard_normal(std::vector<double> const& scores) {
  double const n = static_cast<double>(scores.size());
  auto const [mean, variance] = testing::mean_and_variance(scores);
  EXPECT_LT(std::abs(mean), 4 / std::sqrt(n));
  EXPECT_LT(std::abs(variance - 1), 4 * std::sqrt(2 / n));
  for (double const score : scores) EXPECT_LT(std::abs(score), 4.5);
}

TEST(RoutingSampling, PlackettLuceSequencesFollowEnumeration) {
  std::vector<double> scores;
  for (auto const& c : cases()) {
    auto const exact = testing::enumerate_sequences(c.weight, c.top_k);
    auto const tables = tables_of(RoutingLaw::plackett_luce, c);
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      auto const count = sample(tables, seed, 40000, as_drawn);
      if (exact.size() == 1) {
        EXPECT_EQ(count.size(), 1u);
        EXPECT_TRUE(count.contains(exact.begin()->first));
      } else {
        scores.push_back(testing::chi_square_score(count, exact));
      }
    }
  }
  expect_standard_normal(scores);
}

TEST(RoutingSampling, ConditionalPoissonSetsFollowEnumeration) {
  std::vector<double> scores;
  for (auto const& c : cases()) {
    auto const exact = testing::enumerate_sets(RoutingLaw::conditional_poisson, c.weight, c.top_k);
    auto const tables = tables_of(RoutingLaw::conditional_poisson, c);
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      auto const count = sample(tables, seed, 40000, as_set);
      if (exact.size() == 1) {
        EXPECT_EQ(count.size(), 1u);
        EXPECT_TRUE(count.contains(exact.begin()->first));
      } else {
        scores.push_back(testing::chi_square_score(count, exact));
      }
    }
  }
  expect_standard_normal(scores);
}

TEST(RoutingSampling, TheLawsDiffer) {
  Case const c{{5, 1, 0.2, 1, 2, 0.6, 0.05, 4}, 4};
  auto const exact = testing::enumerate_sets(RoutingLaw::conditional_poisson, c.weight, c.top_k);
  auto const count = sample(tables_of(RoutingLaw::plackett_luce, c), 1, 40000, as_set);
  EXPECT_GT(testing::chi_square_score(count, exact), 20);
}

TEST(RoutingSampling, ZeroWeightIsNeverDrawn) {
  std::uint32_t const experts = 40;
  ActivationWeights weights = log_normal_weights(3, experts, 4, Seed{9});
  for (std::size_t i = 0; i < weights.weight.size(); ++i) {
    if (i % 3 != 0) weights.weight[i] = 0;
  }
  for (auto const law : {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson}) {
    RoutingTables const tables(law, weights, 13);  // some layers have 13 positive weights, some 14
    Picks picks(13);
    for (std::uint32_t token = 0; token < 3000; ++token) {
      for (std::uint32_t layer = 0; layer < 3; ++layer) {
        draw_experts(tables.view(), Seed{1}, 0, token, layer, picks);
        Picks const sorted = as_set(picks);
        EXPECT_EQ(std::ranges::adjacent_find(sorted), sorted.end()) << "drawn twice";
        for (ExpertIndex const e : picks) EXPECT_GT(weights.layer(layer)[e], 0);
      }
    }
  }
}

TEST(RoutingSampling, WordsPerTokenAreBounded) {
  std::uint32_t const top_k = 8;
  ActivationWeights weights = uniform_weights(1, 20);
  weights.weight[4] = 1e9;  // nearly every draw repeats it
  for (auto const law : {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson}) {
    RoutingTables const tables(law, weights, top_k);
    std::uint32_t const bound = law == RoutingLaw::plackett_luce ? max_repeats + 2 * top_k : 20;
    Picks picks(top_k);
    for (std::uint32_t token = 0; token < 2000; ++token) {
      TokenWords words(Seed{1}, 0, token, 0);
      if (law == RoutingLaw::plackett_luce) {
        draw_plackett_luce(tables.view(), 0, words, picks);
      } else {
        draw_conditional_poisson(tables.view(), 0, words, picks);
      }
      // The next word must be one of the first bound + 1 of the stream.
      std::uint32_t const next = words.next();
      TokenWords again(Seed{1}, 0, token, 0);
      bool found = false;
      for (std::uint32_t used = 0; used <= bound; ++used) found = found || again.next() == next;
      EXPECT_TRUE(found);
    }
  }
}

}  // namespace
}  // namespace spacemoe
