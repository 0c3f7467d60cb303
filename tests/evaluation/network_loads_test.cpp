#include "host/evaluation/network_loads.hpp"

#include <limits>
#include <optional>
#include <vector>

#include <gmock/gmock.h>

#include "host/evaluation/damage_targets.hpp"
#include "tests/evaluation/loads.hpp"

namespace spacemoe::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NetworkLoads, AreOfTheDamageThatEachPlacementIsAttackedWith) {
  Scenario scenario = listed_scenario(6, true);
  set_model(scenario, 1, 1, {3, 1});
  scenario.damage[DamageFamily::hosts] = 0.5;
  std::vector<Placement> const placements{placed(1, {0}, {2, 4}), placed(1, {0}, {1, 5})};
  std::vector<std::size_t> told;
  auto const backend = make_cpu_backend();
  NetworkLoads const loads =
      expected_loads(scenario, placements, *backend, [&](std::size_t p) { told.push_back(p); });
  EXPECT_THAT(told, ElementsAre(0, 1));
  EXPECT_EQ(loads.links.size(), 6u);
  // The busier host of each is off.
  ASSERT_EQ(loads.placement.size(), 2u);
  EXPECT_EQ(loads.placement[0], load_of(scenario, placements[0], hosts({SatelliteId{2}, SatelliteId{4}})));
  EXPECT_EQ(loads.placement[1], load_of(scenario, placements[1], hosts({SatelliteId{1}, SatelliteId{5}})));
  EXPECT_EQ(loads.placement[0].experts[2].peak, 0);
  EXPECT_GT(loads.placement[1].experts[5].peak, 0);
}

TEST(NetworkLoads, AreThoseOfTheWholeNetworkWithoutDamage) {
  Scenario scenario = listed_scenario(6, true);
  set_model(scenario, 1, 1, {3, 1});
  Placement const placement = placed(1, {0}, {2, 4});
  auto const loads = expected_loads(scenario, std::span(&placement, 1), *make_cpu_backend(), [](auto) {});
  EXPECT_THAT(loads.placement, ElementsAre(load_of(scenario, placement)));
}

TEST(Busiest, AreTheGreatestPeaksAndNeverTheIdle) {
  std::vector<Load> const loads{{1, 2, 0}, {0, 0, 0}, {2, 5, 1}, {1, 2, 3}, {4, 4, 0}};
  EXPECT_THAT(busiest(loads, 3), ElementsAre(2, 4, 0));
  EXPECT_THAT(busiest(loads, 9), ElementsAre(2, 4, 0, 3));
}

TEST(Busiest, LinksAreDirectionsOfLinksAndOfTerminals) {
  std::vector<Link> const links{{SatelliteId{0}, SatelliteId{4}, LinkKind::intra_plane},
                                {SatelliteId{1}, SatelliteId{2}, LinkKind::intra_plane}};
  PlacementLoad load;
  load.link_bit = {{1, 10, 0}, {1, 40, 0}, {1, 20, 0}, {}};
  load.terminal_bit = {{1, 20, 0}, {}, {}, {3, 50, 7}};
  auto const busy = busiest_links(load, links, 1000, 4);
  std::vector<std::pair<std::optional<SatelliteId>, std::optional<SatelliteId>>> ends;
  for (BusyLink const& link : busy) ends.emplace_back(link.from, link.to);
  auto const at = [](std::uint32_t id) { return std::optional(SatelliteId{id}); };
  EXPECT_THAT(ends, ElementsAre(std::pair(std::nullopt, at(1)), std::pair(at(4), at(0)),
                                std::pair(at(1), at(2)), std::pair(at(0), std::nullopt)));
  EXPECT_EQ(busy[0].bit, (Load{3, 50, 7}));
  EXPECT_EQ(busy[0].saturating_rate_hz, 20);
  EXPECT_THAT(busiest_links({}, links, 1000, 4), IsEmpty());
}

TEST(SaturatingRate, UsesUpTheCapacityInThePeak) {
  EXPECT_EQ(saturating_rate_hz(Load{1, 4, 0}, 100), 25);
  EXPECT_EQ(saturating_rate_hz(Load{}, 100), std::numeric_limits<double>::infinity());
  std::vector<Load> const loads{{1, 4, 0}, {}, {2, 5, 1}};
  EXPECT_EQ(saturating_rate_hz(loads, 100), 20);
}

TEST(SaturatingRate, OfLinksIsThatOfTheFirstLinkOrTerminal) {
  PlacementLoad load;
  EXPECT_EQ(saturating_link_rate_hz(load, 100), std::numeric_limits<double>::infinity());
  load.terminal_bit = {{}, {2, 5, 1}};
  EXPECT_EQ(saturating_link_rate_hz(load, 100), 20);
  load.link_bit = {{1, 4, 0}, {}};
  EXPECT_EQ(saturating_link_rate_hz(load, 100), 20);
  load.link_bit = {{1, 10, 0}, {}};
  EXPECT_EQ(saturating_link_rate_hz(load, 100), 10);
}

TEST(SaturatingRate, FallsWithTheRateThatLinksLose) {
  Scenario scenario;
  scenario.links.rate_bit_s = 1000;
  EXPECT_EQ(rate_left_bit_s(scenario), 1000);
  scenario.damage[DamageFamily::link_rate] = 0.75;
  EXPECT_EQ(rate_left_bit_s(scenario), 250);
}

}  // namespace
}  // namespace spacemoe::testing
