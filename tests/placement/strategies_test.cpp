#include "host/placement/strategies.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/errors.hpp"
#include "tests/placement/world.hpp"

namespace spacemoe {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAreArray;
using testing::World;

std::vector<std::size_t> ids(std::vector<SatelliteId> const& satellites) {
  std::vector<std::size_t> numbers;
  for (SatelliteId const id : satellites) numbers.push_back(index(id));
  return numbers;
}

std::vector<Strategy> planned_strategies() {
  std::vector<Strategy> strategies = all_strategies();
  std::erase_if(strategies, [](Strategy s) { return !is_planned(s); });
  return strategies;
}

TEST(Names, AreUniqueAndFoundAgain) {
  for (Strategy const strategy : all_strategies()) EXPECT_EQ(strategy_named(name(strategy)), strategy);
  EXPECT_EQ(all_strategies().size(), 10u);
  EXPECT_EQ(strategy_named("spacemo"), std::nullopt);
}

TEST(Subnet, IsOneRowWhereRowsEqualLayers) {
  RingShell const ring{satellite(100), 3, 4};
  EXPECT_THAT(ids(subnet(ring, 0, 4)), ElementsAre(100, 104, 108));
  EXPECT_THAT(ids(subnet(ring, 3, 4)), ElementsAre(103, 107, 111));
  EXPECT_EQ(index(central_gateway(ring, 3, 4)), 107u);
}

TEST(Subnet, IsABlockOfRowsWhereThereAreMoreRows) {
  RingShell const ring{satellite(0), 2, 7};
  // Rows 0-1, 2-3, 4-6 of 7 for three layers: floor(l * 7 / 3) = 0, 2, 4.
  EXPECT_THAT(ids(subnet(ring, 0, 3)), ElementsAre(0, 1, 7, 8));
  EXPECT_THAT(ids(subnet(ring, 2, 3)), ElementsAre(4, 5, 6, 11, 12, 13));
  EXPECT_EQ(index(central_gateway(ring, 0, 3)), 7u);   // plane 1, row floor((2 - 1) / 2) = 0 of the block
  EXPECT_EQ(index(central_gateway(ring, 2, 3)), 12u);  // plane 1, row floor((3 - 1) / 2) = 1 of the block
}

TEST(Subnet, IsSharedWhereThereAreMoreLayers) {
  RingShell const ring{satellite(0), 2, 2};
  EXPECT_EQ(subnet(ring, 0, 5), subnet(ring, 1, 5));
  EXPECT_EQ(subnet(ring, 0, 5), subnet(ring, 2, 5));
  EXPECT_EQ(subnet(ring, 3, 5), subnet(ring, 4, 5));
  EXPECT_THAT(ids(subnet(ring, 2, 5)), ElementsAre(0, 2));
  EXPECT_THAT(ids(subnet(ring, 3, 5)), ElementsAre(1, 3));
}

TEST(Subnets, CoverTheShellExactlyOnceUnlessShared) {
  for (std::uint32_t const rows : {4u, 6u, 13u}) {
    RingShell const ring{satellite(0), 5, rows};
    std::multiset<SatelliteId> seen;
    for (std::uint32_t l = 0; l < 4; ++l) {
      auto const part = subnet(ring, l, 4);
      seen.insert(part.begin(), part.end());
    }
    EXPECT_EQ(seen.size(), 5 * rows);
    EXPECT_EQ(std::set<SatelliteId>(seen.begin(), seen.end()).size(), 5 * rows);
  }
}

TEST(EveryStrategy, RespectsTheLimits) {
  struct Size {
    std::uint32_t planes, rows, layers, experts, capacity;
    bool gateways_host;
  };
  for (Size const size : {Size{5, 8, 4, 6, 1, false}, Size{9, 4, 4, 8, 1, false}, Size{9, 3, 7, 6, 3, false},
                          Size{5, 4, 4, 5, 1, true}, Size{7, 6, 3, 20, 4, false}}) {
    World world(size.planes, size.rows, size.layers, size.experts);
    world.context.limits.capacity = size.capacity;
    world.context.limits.gateways_host_experts = size.gateways_host;
    for (Strategy const strategy : planned_strategies()) {
      for (std::uint32_t number = 0; number < 3; ++number) {
        Placement const placement = world.plan(strategy, number);
        EXPECT_THAT(problems(placement, world.context.limits), ::testing::IsEmpty()) << name(strategy);
      }
    }
  }
}

TEST(RingStrategies, StayInTheirSubnets) {
  World const world(6, 8, 4, 5);
  for (auto const strategy : {Strategy::rand_intra, Strategy::rand_intra_cg, Strategy::spacemoe,
                              Strategy::near_random, Strategy::colocated}) {
    Placement const placement = world.plan(strategy, 1);
    for (std::uint32_t l = 0; l < 4; ++l) {
      auto const inside = subnet(*world.context.ring, l, 4);
      EXPECT_THAT(inside, ::testing::Contains(placement.gateway[l]));
      for (std::uint32_t e = 0; e < 5; ++e) EXPECT_THAT(inside, ::testing::Contains(placement.host_of(l, e)));
      if (strategy == Strategy::rand_intra) continue;
      EXPECT_EQ(placement.gateway[l], central_gateway(*world.context.ring, l, 4));
    }
  }
}

TEST(Spacemoe, PutsTheHeaviestExpertOnTheNearestSatellite) {
  World world(5, 2, 2, 3);
  world.weights.weight = {1, 9, 4, 5, 5, 7};
  // Satellites plane * 2 + row. Layer 0: row 0 = {0, 2, 4, 6, 8}, gateway 4; layer 1: row 1, gateway 5. With
  // |a - b| the layer-0 cost of s is |s - 4| + |s - 5|: 3 -> not in the subnet; 2: 5, 6: 3, 8: 7, 0: 9.
  Placement const placement = world.plan(Strategy::spacemoe);
  EXPECT_THAT(ids(placement.gateway), ElementsAre(4, 5));
  EXPECT_THAT(ids(placement.host),
              ElementsAre(8, 6, 2,  // weights 1, 9, 4
                                    // layer 1: 3: 3, 7: 5, 1: 7, 9: 9; equal weights by lowest expert
                          7, 1, 3));
}

TEST(Spacemoe, TiesGoToTheLowestId) {
  World world(5, 1, 1, 3);
  // Gateway 2, next gateway 2: 1 and 3 cost the same, 0 and 4 cost the same.
  EXPECT_THAT(ids(world.plan(Strategy::spacemoe).host), ElementsAre(1, 3, 0));
}

TEST(Spacemoe, CountsTheComputeOfSlowSatellites) {
  World world(5, 1, 1, 3);
  MoeModel model;
  model.hidden_size = 1000;
  model.expert_size = 1000;
  ComputeSpec spec;
  spec.satellite_rate_flop_s = {6e12, 6e6, 6e12, 6e12, 6e12};  // satellite 1 takes a second per expert
  world.compute = ComputeTimes(model, spec);
  EXPECT_THAT(ids(world.plan(Strategy::spacemoe).host), ElementsAre(3, 0, 4));
}

TEST(Spacemoe, WithOwnGatewayMeasuresThereAndBack) {
  World world(6, 2, 2, 1);
  // Layer 0: row 0 = {0, 2, 4, 6, 8, 10}, gateway 6, next 7: by the way to 7 satellite 8 (2 + 1) beats 4 (2 +
  // 3); there and back to 6 they tie and 4 wins.
  EXPECT_EQ(index(world.plan(Strategy::spacemoe).host[0]), 8u);
  world.context.aggregation = Aggregation::own_gateway;
  EXPECT_EQ(index(world.plan(Strategy::spacemoe).host[0]), 4u);
}

TEST(Spacemoe, SpreadsExpertsBeforeItSharesSatellites) {
  World world(4, 1, 1, 5);
  world.context.limits.capacity = 2;
  std::map<SatelliteId, int> load;
  for (SatelliteId const host : world.plan(Strategy::spacemoe).host) ++load[host];
  EXPECT_EQ(load.size(), 3u);  // all but the gateway
  EXPECT_EQ(load[satellite(1)], 2);
}

TEST(NearRandom, ShufflesTheSatellitesOfSpacemoe) {
  World const world(9, 3, 3, 6);
  Placement const ordered = world.plan(Strategy::spacemoe);
  std::set<std::vector<SatelliteId>> orders;
  for (std::uint32_t number = 0; number < 8; ++number) {
    Placement const shuffled = world.plan(Strategy::near_random, number);
    for (std::uint32_t l = 0; l < 3; ++l) {
      std::vector<SatelliteId> const here(shuffled.host.begin() + l * 6, shuffled.host.begin() + (l + 1) * 6);
      std::vector<SatelliteId> const there(ordered.host.begin() + l * 6, ordered.host.begin() + (l + 1) * 6);
      EXPECT_THAT(here, UnorderedElementsAreArray(there));
    }
    orders.insert(shuffled.host);
  }
  EXPECT_EQ(orders.size(), 8u);
}

TEST(Colocated, UsesAsFewSatellitesAsCapacityAllows) {
  World world(9, 2, 2, 7);
  world.context.limits.capacity = 3;
  Placement const placement = world.plan(Strategy::colocated);
  for (std::uint32_t l = 0; l < 2; ++l) {
    std::set<SatelliteId> const hosts(placement.host.begin() + l * 7, placement.host.begin() + (l + 1) * 7);
    EXPECT_EQ(hosts.size(), 3u);
  }
  // Satellites plane * 2 + row; layer 0: gateway 8, next gateway 9, nearest in row 0: 10, then 6, then 12.
  EXPECT_THAT(ids({placement.host.begin(), placement.host.begin() + 7}),
              ElementsAre(10, 10, 10, 6, 6, 6, 12));
}

TEST(Greedy, WalksToTheNearestUnusedSatellite) {
  World world(10, 1, 2, 2);
  world.context.ring.reset();
  // Gateway 0, next the nearest unused: 1. Hosts of least |s - 0| + |s - 1|: 2, then 3. Layer 1 back to 0:
  // 4, 5.
  Placement const placement = world.plan(Strategy::greedy);
  EXPECT_THAT(ids(placement.gateway), ElementsAre(0, 1));
  EXPECT_THAT(ids(placement.host), ElementsAre(2, 3, 4, 5));
}

TEST(RandPlace, IsUniformOverTheConstellation) {
  World const world(4, 5, 2, 3);
  std::map<SatelliteId, double> gateways;
  std::map<SatelliteId, double> hosts;
  constexpr int placements = 4000;
  for (std::uint32_t number = 0; number < placements; ++number) {
    Placement const placement = world.plan(Strategy::rand_place, number);
    ++gateways[placement.gateway[1]];
    ++hosts[placement.host_of(1, 2)];
  }
  for (auto const& count : {gateways, hosts}) {
    double chi_square = 0;
    for (std::size_t s = 0; s < 20; ++s) {
      double const expected = placements / 20.0;
      double const seen = count.contains(satellite(s)) ? count.at(satellite(s)) : 0;
      chi_square += (seen - expected) * (seen - expected) / expected;
    }
    EXPECT_LT(chi_square, 43.8);  // 0.1 % of 19 degrees of freedom
  }
}

TEST(RandPlace, TakesSatellitesInProportionToTheirPlaces) {
  World world(3, 1, 1, 2);
  world.context.limits.capacity = 4;
  // One gateway, so the two experts draw from eight places on two satellites: together with chance 3 / 7.
  int together = 0;
  constexpr int placements = 7000;
  for (std::uint32_t number = 0; number < placements; ++number) {
    Placement const placement = world.plan(Strategy::rand_place, number);
    together += placement.host[0] == placement.host[1];
  }
  EXPECT_NEAR(together, 3000, 4 * std::sqrt(7000 * 12.0 / 49));
}

TEST(EveryStrategy, TakesAnUnlimitedCapacity) {
  World world(5, 8, 4, 6);
  world.context.limits.capacity = 1u << 31;
  for (Strategy const strategy : planned_strategies()) {
    EXPECT_THAT(problems(world.plan(strategy), world.context.limits), ::testing::IsEmpty()) << name(strategy);
  }
}

TEST(RandIntra, IsUniformOverTheSubnet) {
  World const world(5, 2, 2, 2);
  std::map<SatelliteId, double> hosts;
  constexpr int placements = 4000;
  for (std::uint32_t number = 0; number < placements; ++number)
    ++hosts[world.plan(Strategy::rand_intra, number).host_of(1, 0)];
  double chi_square = 0;
  for (SatelliteId const id : subnet(*world.context.ring, 1, 2)) {
    chi_square += std::pow(hosts[id] - placements / 5.0, 2) / (placements / 5.0);
  }
  EXPECT_LT(chi_square, 18.5);  // 0.1 % of four degrees of freedom
}

TEST(RandomStrategies, DependOnSeedAndNumberOnly) {
  World world(6, 4, 4, 3);
  for (auto const strategy :
       {Strategy::rand_place, Strategy::rand_intra, Strategy::rand_intra_cg, Strategy::near_random}) {
    EXPECT_TRUE(is_random(strategy));
    world.context.seed = {1};
    Placement const first = world.plan(strategy, 5);
    EXPECT_EQ(world.plan(strategy, 5), first);
    EXPECT_FALSE(world.plan(strategy, 6) == first);
    world.context.seed = {2};
    EXPECT_FALSE(world.plan(strategy, 5) == first);
  }
}

TEST(Places, ThatDoNotSufficeAreNamed) {
  World const world(3, 4, 4, 3);
  for (auto const strategy : {Strategy::rand_intra, Strategy::spacemoe, Strategy::colocated}) {
    try {
      world.plan(strategy);
      FAIL() << name(strategy);
    } catch (ScenarioError const& error) {
      ASSERT_EQ(error.complaints().size(), 1u);
      EXPECT_THAT(error.complaints()[0].where, ::testing::HasSubstr(std::string(name(strategy))));
      EXPECT_THAT(error.complaints()[0].what, ::testing::HasSubstr("subnet of layer 0"));
      EXPECT_THAT(error.complaints()[0].remedy, ::testing::HasSubstr("capacity"));
    }
  }
}

std::vector<std::string> problem_texts(Placement const& placement, PlacementLimits const& limits) {
  constexpr std::array parts{"gateway", "host", "replica", "spare"};
  std::vector<std::string> texts;
  for (PlacementProblem const& p : problems(placement, limits)) {
    texts.push_back(parts[static_cast<std::size_t>(p.part)] + (" " + std::to_string(p.number)) + ": " +
                    p.what + "; " + p.remedy);
  }
  return texts;
}

TEST(Problems, NameEverySatelliteThatIsWrong) {
  Placement placement{
      2, 2, {satellite(0), satellite(9)}, {satellite(1), satellite(1), satellite(0), satellite(7)}};
  EXPECT_THAT(
      problem_texts(placement, {5, 1, false}),
      ElementsAre("host 1: satellite 1 hosts more experts than its capacity of 1; move the expert, or "
                  "raise placement.capacity",
                  "host 3: satellite 7 does not exist; satellites are 0 to 4",
                  "gateway 0: gateway 0 also hosts experts; move one of them, or set "
                  "placement.gateways_host_experts = true",
                  "gateway 1: satellite 9 does not exist; satellites are 0 to 4"));
  EXPECT_THAT(problems(placement, {10, 2, true}), ::testing::IsEmpty());
}

TEST(Problems, KnowReplicasAndSpares) {
  Placement placement{
      2, 2, {satellite(0), satellite(9)}, {satellite(1), satellite(2), satellite(3), satellite(4)}};
  placement.replica = {{1, 1, satellite(5)}, {0, 0, satellite(6)}};  // in any order
  placement.spare = {{1, satellite(7)}, {1, satellite(8)}, {0, satellite(8)}, {1, satellite(0)}};
  PlacementLimits const limits{10, 1, false};
  EXPECT_THAT(problems(placement, limits), ::testing::IsEmpty());

  Placement wrong = placement;
  wrong.replica.push_back({0, 1, satellite(3)});   // the host of another expert
  wrong.replica.push_back({1, 1, satellite(5)});   // twice the same
  wrong.replica.push_back({0, 0, satellite(1)});   // where the expert is anyway
  wrong.replica.push_back({2, 2, satellite(10)});  // nothing of it exists
  wrong.replica.push_back({0, 0, satellite(9)});   // a gateway
  wrong.spare.push_back({0, satellite(0)});
  wrong.spare.push_back({1, satellite(7)});
  wrong.spare.push_back({2, satellite(10)});
  wrong.spare.push_back({0, satellite(6)});  // hosts a replica
  std::string const rule =
      " also hosts experts; move one of them, or set placement.gateways_host_experts = true";
  EXPECT_THAT(
      problem_texts(wrong, limits),
      ElementsAre(
          "replica 2: satellite 3 hosts more experts than its capacity of 1; move the expert, or raise "
          "placement.capacity",
          "replica 3: satellite 5 has expert 1 of layer 1 already; give another satellite",
          "replica 4: satellite 1 has expert 0 of layer 0 already; give another satellite",
          "replica 5: layer 2 does not exist; layers are 0 to 1",
          "replica 5: expert 2 does not exist; experts are 0 to 1", "gateway 1: gateway 9" + rule,
          "spare 4: satellite 0 is a gateway of layer 0 already; give another satellite",
          "spare 5: satellite 7 is a gateway of layer 1 already; give another satellite",
          "spare 6: layer 2 does not exist; layers are 0 to 1", "spare 7: gateway 6" + rule));

  wrong = placement;
  wrong.replica.push_back({0, 1, satellite(9)});
  wrong.replica.push_back({0, 1, satellite(3)});
  wrong.spare.push_back({0, satellite(6)});
  EXPECT_THAT(problems(wrong, {10, 2, true}), ::testing::IsEmpty());
}

TEST(Redundancy, OfALayerStandsTogetherAndSparesKeepTheirOrder) {
  Placement placement{2, 2, {}, {}};
  placement.replica = {
      {1, 0, satellite(1)}, {0, 1, satellite(5)}, {0, 0, satellite(3)}, {0, 1, satellite(2)}};
  placement.spare = {{1, satellite(9)}, {0, satellite(8)}, {1, satellite(7)}, {0, satellite(6)}};
  sort_redundancy(placement);
  EXPECT_THAT(placement.replica, ElementsAre(Replica{0, 0, satellite(3)}, Replica{0, 1, satellite(5)},
                                             Replica{0, 1, satellite(2)}, Replica{1, 0, satellite(1)}));
  EXPECT_THAT(placement.spare, ElementsAre(SpareGateway{0, satellite(8)}, SpareGateway{0, satellite(6)},
                                           SpareGateway{1, satellite(9)}, SpareGateway{1, satellite(7)}));
}

}  // namespace
}  // namespace spacemoe
