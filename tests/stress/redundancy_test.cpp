#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/stress/stress.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

using ::testing::ElementsAre;

TEST(StressRedundancy, PlacementsOfFilesAreTakenAsTheyAreOrGetTheScenarios) {
  Scenario scenario = small_scenario();
  Placement placement{4, 5, {}, {}};
  for (std::size_t l = 0; l < 4; ++l) placement.gateway.push_back(satellite(l));
  for (std::size_t e = 4; e < 24; ++e) placement.host.push_back(satellite(e));
  scenario.file_placements = {placement};
  scenario.strategies = {Strategy::spacemoe, Strategy::file};
  auto const backend = make_cpu_backend();
  StressOptions options;
  options.families = {DamageFamily::satellites};
  options.levels = {0.1};
  options.draws = 2;
  auto const names = [&] { return stress(scenario, *backend, options).placements; };
  EXPECT_THAT(names(), ElementsAre("spacemoe", "file"));
  scenario.redundancy.spare_gateways = 1;
  EXPECT_THAT(names(), ElementsAre("spacemoe", "file", "spacemoe + redundancy", "file + redundancy"));
  scenario.file_placements[0].replica = {{0, 0, satellite(24)}};
  EXPECT_THAT(names(), ElementsAre("spacemoe", "file", "spacemoe + redundancy"));
}

}  // namespace
}  // namespace spacemoe::testing
