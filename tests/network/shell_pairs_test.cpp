#include "host/network/shell_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/network/link_geometry.hpp"
#include "host/network/network.hpp"

namespace spacemoe {
namespace {

using Pairs = std::vector<std::pair<SatelliteId, SatelliteId>>;

/// Shells of so many satellites each, whatever their orbits.
Constellation shells_of(std::vector<std::uint32_t> const& sizes) {
  Constellation constellation;
  for (std::uint32_t const size : sizes) constellation.shells.push_back({"", 550, 53, 1, size, 0});
  return constellation;
}

std::vector<State> at_rest(std::vector<Vector3> const& positions) {
  std::vector<State> states;
  for (Vector3 const& position : positions) states.push_back({position, {}});
  return states;
}

/// The definition, over all pairs.
Pairs all_against_all(Constellation const& constellation, std::vector<State> const& states, double range_km) {
  std::vector<std::size_t> shell;
  for (std::size_t s = 0; s < constellation.shells.size(); ++s) {
    shell.insert(shell.end(), satellite_count(constellation.shells[s]), s);
  }
  std::vector<std::size_t> nearest(states.size(), states.size());
  for (std::size_t a = 0; a < states.size(); ++a) {
    double least_km = range_km;
    for (std::size_t b = 0; b < states.size(); ++b) {
      double const km = link_length_km(states[a], states[b]);
      if (shell[a] == shell[b] || km > least_km) continue;
      if (km < least_km || nearest[a] == states.size()) nearest[a] = b;
      least_km = km;
    }
  }
  Pairs pairs;
  for (std::size_t a = 0; a < states.size(); ++a) {
    std::size_t const b = nearest[a];
    if (b < states.size() && a < b && nearest[b] == a) pairs.emplace_back(satellite(a), satellite(b));
  }
  return pairs;
}

TEST(ShellPairs, LinkEachOthersNearestOnly) {
  // On a line: 0 and 1 of shell 0, 2 and 3 of shell 1. 0 -> 2 <-> 1, and 3 -> 1.
  auto const states = at_rest({{7000, 0, 0}, {7000, 50, 0}, {7000, 60, 0}, {7000, 100, 0}});
  EXPECT_THAT(shell_pairs(shells_of({2, 2}), states, 1000),
              ::testing::ElementsAre(std::pair(satellite(1), satellite(2))));
}

TEST(ShellPairs, NeverLinkWithinAShell) {
  auto const states = at_rest({{7000, 0, 0}, {7000, 1, 0}, {7000, 500, 0}});
  EXPECT_THAT(shell_pairs(shells_of({2, 1}), states, 1000),
              ::testing::ElementsAre(std::pair(satellite(1), satellite(2))));
  EXPECT_TRUE(shell_pairs(shells_of({3}), states, 1000).empty());
}

TEST(ShellPairs, ReachUpToTheRangeAndNoFarther) {
  auto const states = at_rest({{7000, 0, 0}, {7000, 0, 300}});
  EXPECT_EQ(shell_pairs(shells_of({1, 1}), states, 300).size(), 1u);
  EXPECT_TRUE(shell_pairs(shells_of({1, 1}), states, std::nextafter(300, 0)).empty());
}

TEST(ShellPairs, GoToTheLowerOfTwoAtTheSameDistance) {
  // 0 of shell 0 between 1 and 2 of shell 1; where 1 is taken away, 2 is left.
  auto const both = at_rest({{7000, 0, 0}, {7000, 10, 0}, {7000, -10, 0}});
  EXPECT_THAT(shell_pairs(shells_of({1, 2}), both, 1000),
              ::testing::ElementsAre(std::pair(satellite(0), satellite(1))));
  // 2 of shell 1 between 0 and 1 of shell 0.
  auto const other = at_rest({{7000, -10, 0}, {7000, 10, 0}, {7000, 0, 0}});
  EXPECT_THAT(shell_pairs(shells_of({2, 1}), other, 1000),
              ::testing::ElementsAre(std::pair(satellite(0), satellite(2))));
}

TEST(ShellPairs, EqualTheDefinitionInCrowdsAndInEmptySpace) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> anywhere(-7000, 7000);
  std::uniform_int_distribution<int> on_lattice(-2, 2);
  Constellation const constellation = shells_of({70, 200, 1, 130});
  for (int number = 0; number < 40; ++number) {
    std::vector<Vector3> positions;
    for (int i = 0; i < 401; ++i) {
      // Every other one on a lattice, where many distances are equal and places coincide.
      bool const lattice = i % 2 == number % 2;
      auto const at = [&] { return lattice ? 3000.0 * on_lattice(random) : anywhere(random); };
      double const x = at(), y = at(), z = at();
      positions.push_back({x, y, z});
    }
    for (double const range_km : {1e-3, 500.0, 3000.0, 1e6}) {
      EXPECT_EQ(shell_pairs(constellation, at_rest(positions), range_km),
                all_against_all(constellation, at_rest(positions), range_km));
    }
  }
}

TEST(ShellPairs, EqualTheDefinitionOnShells) {
  Constellation constellation;
  constellation.shells = {{"a", 550, 53, 36, 22, 17},
                          {"b", 540, 53.2, 36, 22, 5},
                          {"c", 1200, 87.9, 12, 20, 1, Pattern::star},
                          {"d", 340, 33, 20, 30, 7}};
  for (double const time_s : {0.0, 777.0, 3000.0}) {
    auto const where = states(constellation, time_s);
    for (double const range_km : {100.0, 400.0, 2000.0}) {
      auto const pairs = shell_pairs(constellation, where, range_km);
      EXPECT_EQ(pairs, all_against_all(constellation, where, range_km));
      EXPECT_GT(pairs.size(), 10u);
    }
  }
}

LinkRules nearest_within(double range_km) {
  LinkRules rules;
  rules.between_shells = BetweenShells::nearest;
  rules.between_shells_range_km = range_km;
  return rules;
}

Constellation two_shells() {
  Constellation constellation;
  constellation.shells = {{"a", 550, 53, 12, 22, 5}, {"b", 600, 70, 18, 20, 7}};
  return constellation;
}

TEST(CrossingLinks, AreThePairsOfTheSlot) {
  Network const network(two_shells(), nearest_within(900), Seed{1});
  std::vector<Pairs> seen;
  for (double const time_s : {0.0, 300.0}) {
    auto const where = states(two_shells(), time_s);
    Snapshot const snapshot = network.snapshot(3, time_s, Purpose::evaluation_outage);
    Pairs pairs;
    for (CrossingLink const& link : snapshot.crossing) {
      pairs.emplace_back(link.a, link.b);
      EXPECT_EQ(link.removal, Removal::none);
      EXPECT_EQ(link.length_km, link_length_km(where[index(link.a)], where[index(link.b)]));
      EXPECT_EQ(link.latency_ns, std::lround(link.length_km / light_speed_km_s * 1e9));
    }
    EXPECT_EQ(pairs, shell_pairs(two_shells(), where, 900));
    seen.push_back(pairs);
  }
  EXPECT_NE(seen[0], seen[1]);  // partners change
}

TEST(CrossingLinks, AreThereOnlyUnderTheirRule) {
  for (auto const rule : {BetweenShells::none, BetweenShells::same_shell}) {
    LinkRules rules;
    rules.between_shells = rule;
    Network const network(two_shells(), rules, Seed{1});
    EXPECT_EQ(network.wiring().degree, 4u);
    EXPECT_FALSE(network.wiring().has_crossing_port);
    EXPECT_TRUE(network.snapshot(0, 0, Purpose::evaluation_outage).crossing.empty());
  }
}

TEST(CrossingLinks, FollowTheOtherRulesAfterThePairing) {
  auto const removals_under = [](LinkRules const& rules) {
    Network const network(two_shells(), rules, Seed{1});
    std::vector<std::uint32_t> counts(removals);
    for (CrossingLink const& link : network.snapshot(0, 0, Purpose::evaluation_outage).crossing) {
      ++counts[static_cast<std::size_t>(link.removal)];
      EXPECT_EQ(link.latency_ns == unreachable, link.removal != Removal::none);
    }
    return counts;
  };
  auto const number = [](Removal removal) { return static_cast<std::size_t>(removal); };
  LinkRules const rules = nearest_within(1500);
  auto const all = removals_under(rules);
  std::uint32_t const pairs = all[number(Removal::none)];
  ASSERT_GT(pairs, 20u);

  auto const expect_some = [&](LinkRules const& limited, Removal reason) {
    auto const counts = removals_under(limited);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0u), pairs);
    EXPECT_GT(counts[number(reason)], 0u);
    EXPECT_EQ(counts[number(Removal::none)] + counts[number(reason)], pairs);
  };
  LinkRules limited = rules;
  limited.max_range_km = 400;
  expect_some(limited, Removal::range);
  limited = rules;
  limited.max_pointing_rate_rad_s = 0.005;
  expect_some(limited, Removal::pointing);
  limited = rules;
  limited.survival = 0.7;
  expect_some(limited, Removal::outage);
  limited = rules;
  limited.latitude_limit_deg = 1;  // of links between planes
  EXPECT_EQ(removals_under(limited), all);
}

TEST(CrossingLinks, FailByTheirOwnAddresses) {
  LinkRules rules = nearest_within(1500);
  rules.survival = 0.5;
  std::vector<std::uint32_t> up;
  for (std::uint64_t const seed : {1u, 2u}) {
    Network const network(two_shells(), rules, Seed{seed});
    for (auto const purpose : {Purpose::evaluation_outage, Purpose::planning_outage}) {
      for (std::uint32_t const slot : {0u, 1u}) {
        Snapshot const snapshot = network.snapshot(slot, 0, purpose);
        std::uint32_t bits = 0;
        for (CrossingLink const& link : snapshot.crossing) {
          bits = bits * 31 + (link.removal == Removal::none ? 1 : 0);
          auto const a = static_cast<std::uint32_t>(link.a);
          auto const b = static_cast<std::uint32_t>(link.b);
          EXPECT_EQ(link.removal == Removal::none, draw(Seed{seed}, purpose, a, b, slot).word[0] < 1u << 31);
        }
        up.push_back(bits);
      }
    }
  }
  std::ranges::sort(up);
  EXPECT_TRUE(std::ranges::adjacent_find(up) == up.end());
}

TEST(CrossingLinks, StandAtTheLastPortOfBothEnds) {
  LinkRules rules = nearest_within(1500);
  rules.survival = 0.6;
  Network const network(two_shells(), rules, Seed{1});
  Wiring const& wiring = network.wiring();
  ASSERT_EQ(wiring.degree, 5u);
  std::vector<Snapshot> const taken{network.snapshot(0, 0, Purpose::evaluation_outage),
                                    network.snapshot(1, 400, Purpose::evaluation_outage)};
  SnapshotBatch const both = batch(wiring, taken);
  for (std::uint32_t snapshot = 0; snapshot < 2; ++snapshot) {
    std::vector<std::uint32_t> neighbor(wiring.nodes);
    std::iota(neighbor.begin(), neighbor.end(), 0u);
    std::vector<Nanoseconds> latency_ns(wiring.nodes, unreachable);
    for (CrossingLink const& link : taken[snapshot].crossing) {
      if (link.removal != Removal::none) continue;
      neighbor[index(link.a)] = static_cast<std::uint32_t>(link.b);
      neighbor[index(link.b)] = static_cast<std::uint32_t>(link.a);
      latency_ns[index(link.a)] = latency_ns[index(link.b)] = link.latency_ns;
    }
    SnapshotBatch const alone = part(both, snapshot, 1);
    for (SlotLinks const& links : {both.slot(snapshot), alone.slot(0)}) {
      EXPECT_THAT(std::span(links.neighbors(4), wiring.nodes), ::testing::ElementsAreArray(neighbor));
      EXPECT_THAT(links.latency_ns.subspan(4 * std::size_t{wiring.nodes}),
                  ::testing::ElementsAreArray(latency_ns));
      for (std::uint32_t port = 0; port < 4; ++port) {
        EXPECT_EQ(links.neighbors(port), wiring.neighbor.data() + port * wiring.nodes);
      }
    }
  }
  SnapshotBatch joined = part(both, 0, 1);
  append(joined, part(both, 1, 1));
  EXPECT_EQ(joined.snapshots, 2u);
  EXPECT_EQ(joined.latency_ns, both.latency_ns);
  EXPECT_EQ(joined.crossing, both.crossing);
}

TEST(CrossingLinks, AreCountedAndJoinShells) {
  LinkRules rules = nearest_within(1500);
  Network const network(two_shells(), rules, Seed{1});
  Snapshot snapshot = network.snapshot(0, 0, Purpose::evaluation_outage);
  EXPECT_EQ(connected_components(network.wiring(), snapshot), 1u);
  auto const all = link_statistics(network.wiring(), snapshot);
  auto const& crossing = all[static_cast<std::size_t>(LinkKind::inter_shell)];
  EXPECT_EQ(crossing.links, snapshot.crossing.size());
  EXPECT_LE(crossing.max_km, 1500);
  EXPECT_GE(crossing.min_km, 50);
  EXPECT_NEAR(crossing.max_ms, crossing.max_km / light_speed_km_s * 1e3, 1e-6);
  for (CrossingLink& link : snapshot.crossing) link.removal = Removal::outage;
  EXPECT_EQ(connected_components(network.wiring(), snapshot), 2u);
  EXPECT_EQ(link_statistics(network.wiring(), snapshot)[static_cast<std::size_t>(LinkKind::inter_shell)]
                .removed[static_cast<std::size_t>(Removal::outage)],
            snapshot.crossing.size());
}

}  // namespace
}  // namespace spacemoe
