#include "host/evaluation/sampler_choice.hpp"

#include <cmath>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/layer_tables.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

using ::testing::HasSubstr;

SamplingWork work(std::uint32_t experts, std::uint32_t top_k, double tokens) {
  SamplingWork result;
  result.layers = 32;
  result.experts = experts;
  result.top_k = top_k;
  result.tokens = tokens;
  return result;
}

TEST(SamplerChoice, FollowsTheScenario) {
  for (double const tokens : {1.0, 1e9}) {
    for (Sampler const wanted : {Sampler::order_statistic, Sampler::routing}) {
      SamplerChoice const choice = choose_sampler(wanted, work(8, 2, tokens));
      EXPECT_EQ(choice.sampler, wanted);
      EXPECT_EQ(choice.reason, "the scenario asks for it");
    }
  }
}

TEST(SamplerChoice, TablesMustBeRepaidByTheTokensOfACell) {
  auto const chosen = [](SamplingWork const& w) { return choose_sampler(Sampler::automatic, w).sampler; };
  // 8 experts: hundreds of tokens repay them; 256: thousands do.
  EXPECT_EQ(chosen(work(8, 2, 20)), Sampler::routing);
  EXPECT_EQ(chosen(work(8, 2, 625)), Sampler::order_statistic);
  EXPECT_EQ(chosen(work(256, 8, 625)), Sampler::routing);
  EXPECT_EQ(chosen(work(256, 8, 10000)), Sampler::order_statistic);
  // Beyond 256 experts draws are dear, too, and pay only where many experts are drawn.
  EXPECT_EQ(chosen(work(384, 2, 1e7)), Sampler::routing);
  EXPECT_EQ(chosen(work(384, 8, 1e7)), Sampler::order_statistic);
  // Hosts with several experts make tables far dearer.
  SamplingWork shared = work(256, 8, 10000);
  shared.shared_layers = 32;
  EXPECT_EQ(chosen(shared), Sampler::routing);
  // Conditional Poisson has cheap tables and dear routes.
  SamplingWork cheap = work(256, 8, 625);
  cheap.law = RoutingLaw::conditional_poisson;
  EXPECT_EQ(chosen(cheap), Sampler::order_statistic);
}

TEST(SamplerChoice, GivesItsEstimates) {
  // 32 layers: (400 + 30 * 8 + 9 * 16) ns of tables and 1000 * 0.6 ns of draws, or 1000 * 6.2 ns of routes.
  EXPECT_EQ(choose_sampler(Sampler::automatic, work(8, 2, 1000)).reason,
            "estimates for 1000 tokens per placement and slot: order-statistic 44 us, routing 198 us");
}

TEST(LayerTables, GiveEveryAtomItsShareOfTheWords) {
  std::vector<LayerDistribution> layers(3);
  layers[0].atoms = {{10, 0.25}, {20, 0.75}};
  layers[1].atoms = {{7, 1e-15}, {8, 0.5}};
  layers[1].unreachable = 0.5 - 1e-15;
  layers[2].unreachable = 1;
  LayerTables const tables(layers, 99);
  LayerTablesView const view = tables.view();
  EXPECT_EQ(view.layers, 3u);
  EXPECT_EQ(view.column_bits, 6u);
  EXPECT_EQ(view.fixed_ns, 99u);
  std::uint64_t const words = std::uint64_t{1} << 32;
  std::vector<std::map<Nanoseconds, std::uint64_t>> const expected{
      {{10, words / 4}, {20, words / 4 * 3}},
      {{7, 1}, {8, words / 2}, {unreachable, words / 2 - 1}},
      {{unreachable, words}}};
  for (std::uint32_t l = 0; l < 3; ++l) {
    std::map<Nanoseconds, std::uint64_t> owned;
    for (std::uint32_t c = 0; c < 64; ++c) {
      std::uint32_t const entry = view.alias[l * 64 + c];
      if (entry >> 6 > 0) owned[view.latency_ns[l * 64 + c]] += entry >> 6;
      owned[view.latency_ns[l * 64 + (entry & 63)]] += words / 64 - (entry >> 6);
    }
    EXPECT_EQ(owned, expected[l]);
  }
}

TEST(LayerTables, TakeAsManyColumnsAsTheLongestLayerNeeds) {
  for (auto const& [atoms, bits] :
       std::map<std::uint32_t, std::uint32_t>{{64, 6}, {65, 7}, {129, 8}, {257, 9}, {385, 9}}) {
    std::vector<LayerDistribution> layers(2);
    layers[0].atoms = {{1, 1}};
    for (std::uint32_t a = 0; a + 1 < atoms; ++a) layers[1].atoms.push_back({a, 1.0 / atoms});
    layers[1].unreachable = 1.0 / atoms;
    EXPECT_EQ(LayerTables(layers, 0).view().column_bits, bits);
  }
}

/// Scores of both samplers' figures against exact ones.
struct Scores {
  std::vector<double> mean, lost;

  void add(Scenario scenario, std::uint32_t seeds) {
    auto const backend = make_cpu_backend();
    EvaluateOptions options;
    options.exact = true;
    for (Sampler const sampler : {Sampler::order_statistic, Sampler::routing}) {
      scenario.sampler = sampler;
      for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        scenario.seed = {seed};
        for (auto const& result : evaluate(scenario, *backend, options).strategies) {
          EXPECT_EQ(result.sampler.sampler, sampler);
          if (result.standard_error_ms == 0) continue;
          mean.push_back((result.mean_ms - result.exact->mean_ms) / result.standard_error_ms);
          double const p = result.exact->undeliverable;
          double const error = std::sqrt(p * (1 - p) / static_cast<double>(result.tokens));
          if (p * static_cast<double>(result.tokens) > 20) lost.push_back((result.undeliverable - p) / error);
        }
      }
    }
  }
};

void expect_standard_normal(std::vector<double> const& scores) {
  auto const n = static_cast<double>(scores.size());
  double sum = 0, squares = 0;
  for (double const z : scores) {
    EXPECT_LT(std::abs(z), 4.5);
    sum += z;
    squares += z * z;
  }
  EXPECT_LT(std::abs(sum / std::sqrt(n)), 3.5);
  EXPECT_NEAR(squares / n, 1, 4 * std::sqrt(2 / n));
}

TEST(Samplers, BothFollowTheExactFigures) {
  Scores scores;
  for (auto const law : {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson}) {
    Scenario scenario = small_scenario();
    scenario.law = law;
    scores.add(scenario, 8);
    scenario.capacity = 3;
    scenario.strategies = {Strategy::colocated, Strategy::rand_place};
    scores.add(scenario, 8);
  }
  expect_standard_normal(scores.mean);
}

TEST(Samplers, BothLoseTheTokensThatMeetUnreachableExperts) {
  Scenario scenario = small_scenario();
  scenario.links.survival = 0.6;
  Scores scores;
  scores.add(scenario, 8);
  ASSERT_GT(scores.lost.size(), 30u);
  expect_standard_normal(scores.mean);
  for (double const z : scores.lost) EXPECT_LT(std::abs(z), 4.5);
}

TEST(Samplers, DrawTheSameTokensInAnyBatches) {
  auto const backend = make_cpu_backend();
  Scenario scenario = small_scenario();
  scenario.tokens = 23;  // fewer than cells
  scenario.links.survival = 0.7;
  for (Sampler const sampler : {Sampler::order_statistic, Sampler::routing}) {
    scenario.sampler = sampler;
    EvaluateOptions options;
    auto const whole = evaluate(scenario, *backend, options);
    options.batch_bytes = 1;
    auto const parts = evaluate(scenario, *backend, options);
    for (std::size_t s = 0; s < whole.strategies.size(); ++s) {
      EXPECT_EQ(whole.strategies[s].tally, parts.strategies[s].tally);
    }
  }
}

}  // namespace
}  // namespace spacemoe::testing
