#include "host/stress/repair.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/costs.hpp"
#include "host/evaluation/layer_distribution.hpp"
#include "host/evaluation/load.hpp"
#include "host/evaluation/planning.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

constexpr double no_limit = std::numeric_limits<double>::infinity();

/// A damaged small network in one slot without outages, and a placement on it.
struct Scene {
  Scenario scenario;
  ComputeTimes compute;
  Network network;
  std::unique_ptr<Backend> backend = make_cpu_backend();
  std::vector<LayerLaw> laws;
  std::vector<double> chance;
  Placement placement;

  explicit Scene(std::uint64_t seed, std::function<void(Scenario&)> const& change = {})
      : scenario(made(seed, change)),
        compute(scenario.model, scenario.compute),
        network(make_network(scenario)),
        laws(layer_laws(scenario.law, scenario.weights, scenario.model.top_k)),
        chance(inclusion(scenario)) {
    PlanningPaths paths(scenario, network);
    placement = PlacementPlanner(scenario, paths, compute, *backend).placements(Strategy::greedy).front();
  }

  static Scenario made(std::uint64_t seed, std::function<void(Scenario&)> const& change) {
    Scenario scenario = small_scenario();
    scenario.seed = {seed};
    scenario.links.survival = 1;
    scenario.time.slots = 1;
    scenario.weights = log_normal_weights(4, 5, 0.8, {seed});
    scenario.model.expert_bytes = 1e6;
    if (change) change(scenario);
    return scenario;
  }

  /// Loses these satellites.
  DamagedNetwork damaged(std::vector<SatelliteId> lost) const {
    Damage damage;
    damage[DamageFamily::hosts] = 1;
    DamageTargets targets;
    targets.hosts = std::move(lost);
    return DamagedNetwork(network, damage, scenario.seed, targets);
  }

  Repair repair(DamagedNetwork const& network_left, double budget_bytes = no_limit) const {
    Remains const remains(scenario, network, network_left);
    return repaired({scenario, compute, laws, chance, *backend}, remains, placement, budget_bytes);
  }

  /// Exact mean latency [ns] of delivered tokens, times infinity where some are lost.
  double mean_ns(Placement const& of, DamagedNetwork const& network_left) const {
    std::vector<SatelliteId> gateways;
    add_gateways(of, gateways);
    PathSources const sources(std::move(gateways));
    PlacementCosts const costs(scenario, compute, of, sources);
    auto const slots = damaged_snapshots(scenario, network, network_left, 0, 1, Purpose::planning_outage);
    auto const paths = backend->path_latencies(slots.batch, sources.ids());
    SlotCosts const slot = costs.in_slot(paths->gather(costs.queries()), &slots.state[0]);
    double sum_ns = static_cast<double>(costs.view(slot).fixed_ns);
    for (std::uint32_t l = 0; l < of.layers; ++l) {
      auto const layer = layer_distribution(scenario.law, Span(scenario.weights.layer(l), of.experts),
                                            scenario.model.top_k, costs.view(slot), l);
      if (layer.unreachable > 0) return std::numeric_limits<double>::infinity();
      sum_ns += layer.mean_ns();
    }
    return sum_ns;
  }
};

/// Satellites that neither host nor are gateways.
std::vector<SatelliteId> free_satellites(Placement const& placement, std::vector<SatelliteId> const& lost) {
  std::vector<SatelliteId> free;
  for (std::uint32_t i = 0; i < 30; ++i) {
    auto const among = [i](auto const& ids) { return std::ranges::find(ids, satellite(i)) != ids.end(); };
    if (!among(placement.host) && !among(placement.gateway) && !among(lost)) free.push_back(satellite(i));
  }
  return free;
}

TEST(Repair, LeavesAloneWhatServes) {
  Scene const scene(1);
  Repair const untouched = scene.repair(scene.damaged({}));
  EXPECT_EQ(untouched.placement, scene.placement);
  EXPECT_TRUE(untouched.transfers.empty());
  EXPECT_EQ(untouched.duration_s(), 0);

  SatelliteId const gateway = scene.placement.gateway[2];
  SatelliteId const host = scene.placement.host_of(0, 3);
  Repair const repair = scene.repair(scene.damaged({gateway, host}));
  Placement expected = scene.placement;
  expected.gateway[2] = repair.placement.gateway[2];
  expected.host[3] = repair.placement.host[3];
  EXPECT_EQ(repair.placement, expected);
  EXPECT_NE(repair.placement.gateway[2], gateway);
  EXPECT_NE(repair.placement.host[3], host);
  EXPECT_EQ(repair.moved_gateways, 1u);
  EXPECT_TRUE(problems(repair.placement, placement_limits(scene.scenario)).empty());
}

/// Both ways in which outputs meet.
class RepairIsBest : public ::testing::TestWithParam<Aggregation> {
 protected:
  static Scene scene(std::uint64_t seed) {
    return Scene(seed, [](Scenario& scenario) { scenario.aggregation = GetParam(); });
  }
};

TEST_P(RepairIsBest, ForALostGateway) {
  for (std::uint64_t seed = 1; seed < 40; ++seed) {
    Scene const now = scene(seed);
    std::uint32_t const layer = seed % 4;
    SatelliteId const lost = now.placement.gateway[layer];
    auto const left = now.damaged({lost});
    double best_ns = no_limit;
    for (SatelliteId const id : free_satellites(now.placement, {lost})) {
      Placement other = now.placement;
      other.gateway[layer] = id;
      best_ns = std::min(best_ns, now.mean_ns(other, left));
    }
    EXPECT_DOUBLE_EQ(now.mean_ns(now.repair(left).placement, left), best_ns) << seed;
  }
}

TEST_P(RepairIsBest, ForTwoLostExpertsOfALayer) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    Scene const now = scene(seed);
    std::size_t const first = seed % 4 * 5;
    std::vector<SatelliteId> const lost{now.placement.host[first], now.placement.host[first + 3]};
    auto const left = now.damaged(lost);
    auto const free = free_satellites(now.placement, lost);
    double best_ns = no_limit;
    for (SatelliteId const one : free) {
      for (SatelliteId const other : free) {
        if (one == other) continue;
        Placement placement = now.placement;
        placement.host[first] = one;
        placement.host[first + 3] = other;
        best_ns = std::min(best_ns, now.mean_ns(placement, left));
      }
    }
    EXPECT_DOUBLE_EQ(now.mean_ns(now.repair(left).placement, left), best_ns) << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Aggregations, RepairIsBest,
                         ::testing::Values(Aggregation::next_gateway, Aggregation::own_gateway),
                         [](auto const& instance) {
                           return instance.param == Aggregation::next_gateway ? "next_gateway"
                                                                              : "own_gateway";
                         });

TEST(Repair, SendsWhatIsDrawnMostWithinTheBudget) {
  Scene const scene(3);
  std::vector<SatelliteId> lost;
  std::vector<std::pair<double, std::uint32_t>> by_chance;
  for (std::uint32_t e : {0u, 4u, 7u, 11u, 18u}) {
    lost.push_back(scene.placement.host[e]);
    by_chance.emplace_back(-scene.chance[e], e);
  }
  std::ranges::sort(by_chance);
  auto const left = scene.damaged(lost);
  for (std::size_t budget = 0; budget <= 6; ++budget) {
    Repair const repair = scene.repair(left, static_cast<double>(budget) * 1e6 + 10);
    std::size_t const sent = std::min<std::size_t>(budget, 5);
    ASSERT_EQ(repair.transfers.size(), sent);
    EXPECT_EQ(repair.bytes, static_cast<double>(sent) * 1e6);
    for (std::size_t i = 0; i < sent; ++i) {
      Transfer const& transfer = repair.transfers[i];
      EXPECT_EQ(transfer.layer * 5 + transfer.expert, by_chance[i].second);
      EXPECT_EQ(transfer.to, repair.placement.host_of(transfer.layer, transfer.expert));
    }
  }
}

TEST(Repair, SendsOneAfterTheOtherFromTheFirstGateway) {
  Scene const scene(5, [](Scenario& scenario) { scenario.links.rate_bit_s = 1e6; });  // 8 s for 1 MB
  SatelliteId const uplink = scene.placement.gateway[0];
  auto const left = scene.damaged({scene.placement.host[0], scene.placement.host[9]});
  Repair const repair = scene.repair(left);
  auto const slots = damaged_snapshots(scene.scenario, scene.network, left, 0, 1, Purpose::planning_outage);
  auto const paths = scene.backend->path_latencies(slots.batch, std::array{uplink});
  ASSERT_EQ(repair.transfers.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    Transfer const& transfer = repair.transfers[i];
    EXPECT_EQ(transfer.from, uplink);
    double const path_s = paths->row(0, 0)[index(transfer.to)] * 1e-9;
    EXPECT_DOUBLE_EQ(transfer.arrival_s, 8.0 * static_cast<double>(i + 1) + path_s);
  }
  EXPECT_EQ(repair.duration_s(), std::max(repair.transfers[0].arrival_s, repair.transfers[1].arrival_s));
}

TEST(Repair, TakesNoLongerThanPathsDo) {
  // So many outages that sender and receiver are often cut off from each other.
  Scene const scene(5, [](Scenario& scenario) {
    scenario.links.survival = 0.6;
    scenario.time.slots = 12;
  });
  auto const left = scene.damaged({scene.placement.host[0], scene.placement.host[9]});
  Repair const repair = scene.repair(left);
  ASSERT_EQ(repair.transfers.size(), 2u);
  auto const slots = damaged_snapshots(scene.scenario, scene.network, left, 0, 12, Purpose::planning_outage);
  auto const paths = scene.backend->path_latencies(slots.batch, std::array{repair.transfers[0].from});
  Nanoseconds greatest = 0;
  bool cut_off = false;
  for (std::uint32_t slot = 0; slot < 12; ++slot) {
    for (Nanoseconds const latency : paths->row(slot, 0)) greatest = greater_finite(greatest, latency);
    for (Transfer const& transfer : repair.transfers) {
      cut_off = cut_off || paths->row(slot, 0)[index(transfer.to)] == unreachable;
    }
  }
  EXPECT_TRUE(cut_off);
  double const sent_s = 2 * 8e6 / scene.scenario.links.rate_bit_s;
  EXPECT_LE(repair.duration_s(), sent_s + greatest * 1e-9);
}

TEST(Repair, TakesCopiesThatAreLeftAndHelpsThoseWithoutFirst) {
  Scene scene(7);
  std::uint32_t const rare = scene.chance[0] < scene.chance[1] ? 0 : 1;
  std::uint32_t const frequent = 1 - rare;
  auto const free = free_satellites(scene.placement, {});
  SatelliteId const copy = free.front();
  scene.placement.replica = {{0, frequent, copy}};
  auto const left = scene.damaged({scene.placement.host[0], scene.placement.host[1]});
  Repair const repair = scene.repair(left);
  ASSERT_EQ(repair.transfers.size(), 2u);
  EXPECT_EQ(repair.transfers[0].expert, rare);
  EXPECT_EQ(repair.transfers[0].from, scene.placement.gateway[0]);
  EXPECT_EQ(repair.transfers[1].expert, frequent);
  EXPECT_EQ(repair.transfers[1].from, copy);
  EXPECT_NE(repair.transfers[0].to, copy);
}

TEST(Repair, PutsNoCopyBesideAnother) {
  // The nearest place is where the replica is, which has room for two more.
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    Scene scene(seed, [](Scenario& scenario) { scenario.capacity = 3; });
    auto const left = scene.damaged({scene.placement.host[0]});
    SatelliteId const nearest = scene.repair(left).placement.host[0];
    scene.placement.replica = {{0, 0, nearest}};
    Repair const repair = scene.repair(left);
    EXPECT_NE(repair.placement.host[0], nearest);
    EXPECT_TRUE(problems(repair.placement, placement_limits(scene.scenario)).empty());
  }
}

TEST(Repair, TakesCutOffSatellitesForLost) {
  // All neighbours of a host are off: it computes, but nothing reaches it.
  Scene const scene(2);
  SatelliteId const host = scene.placement.host_of(1, 2);
  std::vector<SatelliteId> around;
  for (Link const& link : scene.network.wiring().links) {
    if (link.a == host) around.push_back(link.b);
    if (link.b == host) around.push_back(link.a);
  }
  auto const left = scene.damaged(around);
  Remains const remains(scene.scenario, scene.network, left);
  EXPECT_TRUE(left.at(0).computes(host));
  EXPECT_FALSE(remains.serves(host));
  Repair const repair = scene.repair(left);
  EXPECT_TRUE(remains.serves(repair.placement.host_of(1, 2)));
  EXPECT_LT(scene.mean_ns(repair.placement, left), no_limit);
}

TEST(Repair, MovesLayersThatShareAGatewayTogether) {
  Scene scene(4);
  scene.placement.gateway[3] = scene.placement.gateway[1];
  auto const left = scene.damaged({scene.placement.gateway[1]});
  Repair const repair = scene.repair(left);
  EXPECT_EQ(repair.moved_gateways, 2u);
  EXPECT_EQ(repair.placement.gateway[1], repair.placement.gateway[3]);
  EXPECT_LT(scene.mean_ns(repair.placement, left), no_limit);
}

TEST(Repair, LetsSpareGatewaysStay) {
  Scene scene(6);
  auto const free = free_satellites(scene.placement, {});
  scene.placement.spare = {{0, free[0]}, {2, free[1]}};
  Repair const repair = scene.repair(scene.damaged({scene.placement.gateway[0]}));
  EXPECT_NE(repair.placement.gateway[0], free[1]);
  for (SpareGateway const& spare : repair.placement.spare) {
    EXPECT_NE(spare.satellite, repair.placement.gateway[0]);
  }
  EXPECT_EQ(std::ranges::count(repair.placement.spare, SpareGateway{2, free[1]}), 1);
}

TEST(Repair, FillsCapacityAndNoMore) {
  Scene const scene(1, [](Scenario& scenario) { scenario.capacity = 3; });
  std::vector<SatelliteId> lost;  // all but six: gateways need four of them
  for (std::uint32_t i = 0; i < 30; ++i) {
    if (i / 5 > 1 || i % 5 > 2) lost.push_back(satellite(i));
  }
  auto const left = scene.damaged(lost);
  Repair const repair = scene.repair(left);
  std::map<SatelliteId, int> experts;
  for (SatelliteId const id : repair.placement.host) ++experts[id];
  Remains const remains(scene.scenario, scene.network, left);
  for (auto const& [id, count] : experts) {
    if (!remains.serves(id)) continue;
    EXPECT_LE(count, 3);
    EXPECT_EQ(std::ranges::count(repair.placement.gateway, id), 0);
  }
}

}  // namespace
}  // namespace spacemoe::testing
