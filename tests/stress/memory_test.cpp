#include "host/stress/memory.hpp"

#include <gtest/gtest.h>

#include "kernels/bins.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

StressOptions options(std::size_t levels = 1) {
  StressOptions options;
  options.families = {DamageFamily::satellites};
  for (std::size_t i = 0; i < levels; ++i) options.levels.push_back(0.01 * static_cast<double>(i));
  return options;
}

/// 64 layers of 1024 experts in 1000 slots: costs are what takes memory.
Scenario costly_scenario() {
  Scenario scenario = small_scenario();
  scenario.model.layers = scenario.model.moe_layers = 64;
  scenario.model.experts = 1024;
  scenario.weights = uniform_weights(64, 1024);
  scenario.time.slots = 1000;
  scenario.strategies = {Strategy::greedy};
  return scenario;
}

TEST(StressMemory, CostsWithoutAndWithDamageOfAllSlots) {
  Scenario const scenario = costly_scenario();
  double const experts = 64 * 1024;
  double const costs = 1000 * (2 * 14 + 3) * experts;
  double const bytes = stress_bytes(scenario, options());
  EXPECT_GT(bytes, costs);
  EXPECT_LT(bytes, 1.05 * costs);
}

TEST(StressMemory, GrowsWithPlacementsAndSlots) {
  Scenario const one = costly_scenario();
  double const bytes = stress_bytes(one, options());
  double const placement = 1000 * 2 * 14 * 64 * 1024.0;
  Scenario more = one;
  more.strategies.push_back(Strategy::spacemoe);
  EXPECT_NEAR(stress_bytes(more, options()) - bytes, placement, 0.05 * placement);
  more = one;
  more.redundancy.spare_gateways = 1;
  EXPECT_NEAR(stress_bytes(more, options()) - bytes, placement, 0.05 * placement);
  StressOptions repairing = options();
  repairing.repair_bytes = 1e6;
  EXPECT_NEAR(stress_bytes(one, repairing) - bytes, placement, 0.05 * placement);
  more = one;
  more.time.slots = 2000;
  EXPECT_NEAR(stress_bytes(more, options()), 2 * bytes, 0.05 * bytes);
}

TEST(StressMemory, GrowsWithPointsAndDraws) {
  Scenario const scenario = small_scenario();
  double const histograms = 3 * 8.0 * bin_count;
  double const more = stress_bytes(scenario, options(11)) - stress_bytes(scenario, options(1));
  EXPECT_NEAR(more, 10 * 4 * histograms, 0.05 * more);
  StressOptions many = options();
  many.draws = 1'000'000;
  double const draws = stress_bytes(scenario, many) - stress_bytes(scenario, options());
  EXPECT_NEAR(draws, 4 * 6 * 8e6, 0.01 * draws);
}

TEST(StressMemory, AttacksTakePathsOfLoads) {
  Scenario scenario = small_scenario();
  double const drawn = stress_bytes(scenario, options());
  StressOptions attack = options();
  attack.families = {DamageFamily::hosts};
  EXPECT_GT(stress_bytes(scenario, attack), drawn);
  scenario.damage[DamageFamily::busiest_links] = 0.1;
  EXPECT_EQ(stress_bytes(scenario, options()), stress_bytes(scenario, attack));
}

}  // namespace
}  // namespace spacemoe::testing
