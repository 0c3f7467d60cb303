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

/// 64 layers of 1024 experts: costs are what takes memory.
Scenario costly_scenario(std::uint32_t slots = 1000) {
  Scenario scenario = small_scenario();
  scenario.model.layers = scenario.model.moe_layers = 64;
  scenario.model.experts = 1024;
  scenario.weights = uniform_weights(64, 1024);
  scenario.time.slots = slots;
  scenario.strategies = {Strategy::greedy};
  return scenario;
}

/// Costs of a placement in 1000 slots of costly_scenario: of every expert its latency, queue and path, and
/// the number of its host.
constexpr double costs = 1000 * (3 * 4 + 2) * 64 * 1024.0;

TEST(StressMemory, CostsOfAllSlotsWithoutAndWithDamage) {
  double const waits_and_detours = 1000 * (2 + 1) * 64 * 1024.0;
  double const more =
      stress_bytes(costly_scenario(2000), options()) - stress_bytes(costly_scenario(1000), options());
  EXPECT_NEAR(more, 2 * costs + waits_and_detours, 0.01 * more);
}

TEST(StressMemory, GrowsWithPlacements) {
  Scenario const one = costly_scenario();
  double const bytes = stress_bytes(one, options());
  Scenario more = one;
  more.strategies.push_back(Strategy::spacemoe);
  EXPECT_NEAR(stress_bytes(more, options()) - bytes, 2 * costs, 0.05 * costs);
  more = one;
  more.redundancy.spare_gateways = 1;
  EXPECT_NEAR(stress_bytes(more, options()) - bytes, 2 * costs, 0.05 * costs);
  StressOptions repairing = options();
  repairing.repair_bytes = 1e6;  // costs before and after
  EXPECT_NEAR(stress_bytes(one, repairing) - bytes, costs, 0.05 * costs);
}

TEST(StressMemory, PlacementsOfFilesTakeWhatTheyHave) {
  Scenario planned = costly_scenario();
  planned.redundancy.replicas = 1;
  planned.redundancy.spare_gateways = 1;
  double const both = stress_bytes(planned, options());  // bare and redundant
  Placement placement{64, 1024, std::vector(64, satellite(0)), std::vector(64 * 1024, satellite(1))};
  Scenario given = planned;
  given.strategies = {Strategy::file};
  given.file_placements = {placement};
  EXPECT_EQ(stress_bytes(given, options()), both);
  for (std::uint32_t e = 0; e < 64 * 1024; ++e) {
    placement.replica.push_back({e / 1024, e % 1024, satellite(2)});
    if (e % 1024 == 0) placement.spare.push_back({e / 1024, satellite(3)});
  }
  given.file_placements = {placement};
  double const one = stress_bytes(given, options());
  EXPECT_NEAR(both - one, 2 * costs, 0.05 * costs);
  given.redundancy = {};
  EXPECT_EQ(stress_bytes(given, options()), one);
}

TEST(StressMemory, GrowsWithPointsAndDraws) {
  Scenario const scenario = costly_scenario();
  double const bytes = stress_bytes(scenario, options());
  double const histograms = 3 * 8.0 * bin_count;
  double const points = stress_bytes(scenario, options(11)) - bytes;
  EXPECT_NEAR(points, 10 * histograms, 0.05 * points);
  StressOptions many = options();
  many.draws = 1'000'016;
  double const draws = stress_bytes(scenario, many) - bytes;
  EXPECT_NEAR(draws, 6 * 8e6, 1e-6 * draws);  // means and losses of three policies
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
