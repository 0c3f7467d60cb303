#include "host/evaluation/damage_targets.hpp"

#include <gmock/gmock.h>

#include "tests/evaluation/loads.hpp"

namespace spacemoe::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

DamageTargets targets_of(Scenario const& scenario, Placement const& placement) {
  return damage_targets(scenario, make_network(scenario), ComputeTimes(scenario.model, scenario.compute),
                        placement, *make_cpu_backend());
}

TEST(DamageTargets, AreGatewaysHostsAndWhatIsUsedMost) {
  Scenario scenario = listed_scenario(6, true);
  set_model(scenario, 1, 1, {3, 1, 4});
  Placement placement = placed(1, {0}, {2, 5, 0});
  placement.spare = {{0, SatelliteId{3}}};
  DamageTargets const targets = targets_of(scenario, placement);
  EXPECT_THAT(targets.gateways, ElementsAre(SatelliteId{0}, SatelliteId{3}));
  EXPECT_THAT(targets.hosts, ElementsAre(SatelliteId{0}, SatelliteId{2}, SatelliteId{5}));
  // 1 relays all that 2 gets; links by (a, b): 0-1, 0-5, 1-2.
  EXPECT_THAT(targets.busiest_satellites,
              ElementsAre(SatelliteId{1}, SatelliteId{0}, SatelliteId{2}, SatelliteId{5}));
  EXPECT_THAT(targets.busiest_links, ElementsAre(0, 2, 1));
}

TEST(DamageTargets, AreWhatServesAndBearsWithoutDamage) {
  Scenario scenario = listed_scenario(6, true);
  set_model(scenario, 1, 1, {3, 1});
  Placement placement = placed(1, {0}, {3, 5});
  placement.replica = {{0, 0, SatelliteId{1}}};  // nearer than 3
  scenario.damage[DamageFamily::satellites] = 1;
  DamageTargets const targets = targets_of(scenario, placement);
  EXPECT_THAT(targets.hosts, ElementsAre(SatelliteId{1}, SatelliteId{5}));
  EXPECT_THAT(targets.busiest_satellites, ElementsAre(SatelliteId{0}, SatelliteId{1}, SatelliteId{5}));
}

TEST(DamageTargets, AreSatellitesByTheTrafficOfTheirTerminals) {
  Scenario scenario = stacked_scenario();
  set_model(scenario, 1, 1, {3, 1});
  DamageTargets const targets = targets_of(scenario, placed(1, {0}, {2, 1}));
  EXPECT_THAT(targets.busiest_satellites, ElementsAre(SatelliteId{0}, SatelliteId{2}, SatelliteId{1}));
  EXPECT_THAT(targets.busiest_links, ElementsAre(0));  // those of the wiring
  DamageTargets const above = targets_of(scenario, placed(1, {0}, {2, 2}));
  EXPECT_THAT(above.busiest_satellites, ElementsAre(SatelliteId{0}, SatelliteId{2}));
  EXPECT_THAT(above.busiest_links, IsEmpty());
}

}  // namespace
}  // namespace spacemoe::testing
