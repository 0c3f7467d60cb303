#include "host/stress/fates.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/model/routing_tables.hpp"
#include "host/stress/stress.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

constexpr std::uint64_t slot_ns = 1000;
constexpr std::uint64_t penalty_ns = 500;

/// One layer of two experts in three slots, both drawn. Expert 1 is missing in slots 0 and 1, expert 0 in
/// slot 1; layer 10 ns, experts 20 and 30 ns.
struct ByHand {
  std::vector<Nanoseconds> layer{10};
  std::vector<std::vector<Nanoseconds>> expert{{20, unreachable}, {unreachable, unreachable}, {20, 30}};
  std::vector<Nanoseconds> queue{0, 0};
  std::vector<std::uint16_t> host{0, 1};
  std::vector<std::uint8_t> shares{0};
  std::vector<std::uint16_t> wait{0, 2, 1, 1, 0, 0};
  std::vector<std::uint8_t> detours{0, 0, 0, 0, 0, 1};
  std::vector<CostView> slots;

  ByHand() {
    for (auto const& costs : expert) slots.push_back({1, 2, 5, layer, costs, queue, host, shares});
  }
  FateView view() const { return {slots, wait, detours, slot_ns, penalty_ns}; }

  TokenFate fate(std::uint32_t slot) const {
    RoutingTables const routing(RoutingLaw::plackett_luce, uniform_weights(1, 2), 2);
    std::vector<std::uint64_t> lost{0};
    TokenFate const result = token_fate(routing.view(), view(), Seed{1}, slot, 0, lost);
    EXPECT_EQ(lost[0], result.dropped_ns == undeliverable ? 1u : 0u);
    return result;
  }
};

TEST(TokenFate, ByHand) {
  ByHand const hand;
  TokenFate const first = hand.fate(0);
  EXPECT_EQ(first.dropped_ns, undeliverable);
  EXPECT_EQ(first.penalized_ns, 5u + 10 + 20 + penalty_ns);
  EXPECT_EQ(first.waited_ns, 2 * slot_ns);
  EXPECT_EQ(first.patient_ns, 5 + 10 + 30 + 2 * slot_ns);
  TokenFate const second = hand.fate(1);
  EXPECT_EQ(second.penalized_ns, 5u + 10 + penalty_ns);
  EXPECT_EQ(second.patient_ns, 5 + 10 + 30 + slot_ns);
  TokenFate const third = hand.fate(2);
  EXPECT_EQ(third.dropped_ns, 45u);
  EXPECT_EQ(third.penalized_ns, 45u);
  EXPECT_EQ(third.patient_ns, 45u);
  EXPECT_EQ(third.waited_ns, 0u);
  EXPECT_TRUE(third.detours);
}

TEST(TokenFate, NeverReachedIsLostHoweverLongItWaits) {
  ByHand hand;
  hand.wait = {0, never_reached, 2, never_reached, 0, never_reached};
  EXPECT_EQ(hand.fate(0).patient_ns, undeliverable);
  // Each expert is reachable at times, but never both at once.
  hand.wait = {0, 1, 1, 0, 0, 1};
  EXPECT_EQ(hand.fate(0).patient_ns, undeliverable);
}

TEST(MovingToken, ExpertsAreWhereTheyAreByThen) {
  // Both of two experts are drawn; expert 1 moves a quarter of the time after the start.
  std::vector<Nanoseconds> const layer{10}, before{20, unreachable}, after{25, 30}, queue{0, 0};
  std::vector<std::uint16_t> const host{0, 1};
  std::vector<std::uint8_t> const shares{0};
  std::vector<std::uint32_t> arrival{0, 1u << 30};
  MovingView const view{
      {1, 2, 5, layer, before, queue, host, shares}, {1, 2, 5, layer, after, queue, host, shares}, arrival};
  RoutingTables const routing(RoutingLaw::plackett_luce, uniform_weights(1, 2), 2);
  auto const at = [&](std::uint32_t now) { return moving_token(routing.view(), view, now, Seed{1}, 0, 0); };
  EXPECT_EQ(at((1u << 30) - 1), undeliverable);
  EXPECT_EQ(at(1u << 30), 5u + 10 + 30);
  arrival[0] = 0xffffffff;  // still in its old place
  EXPECT_EQ(at(1u << 30), 5u + 10 + 30);

  // A hundred tokens evenly over the time: 25 come too early.
  Moments const moments = sample_moving(routing.view(), std::array{view}, Seed{1}, std::array{100u});
  EXPECT_EQ(moments.tokens, 100u);
  EXPECT_EQ(moments.delivered, 75u);
  EXPECT_EQ(moments.sum_ns, 75u * 45);
}

Stress stressed(Scenario const& scenario, std::vector<DamageFamily> families, std::vector<double> levels) {
  StressOptions options;
  options.families = std::move(families);
  options.levels = std::move(levels);
  options.draws = 6;
  return stress(scenario, *make_cpu_backend(), options);
}

TEST(Stress, LostTokensGrowWithTheLevel) {
  Stress const result =
      stressed(small_scenario(), {DamageFamily::satellites, DamageFamily::links}, {0, 0.1, 0.4});
  ASSERT_EQ(result.placements.size(), 4u);
  for (std::size_t f = 0; f < 2; ++f) {
    for (std::size_t p = 0; p < 4; ++p) {
      double const none = result.at(f, 0, p).undeliverable[0].mean;
      double const some = result.at(f, 1, p).undeliverable[0].mean;
      double const many = result.at(f, 2, p).undeliverable[0].mean;
      EXPECT_LE(none, some);
      EXPECT_LT(some, many);
      EXPECT_EQ(result.at(f, 0, p).detours, 0);
      // Waiting saves tokens, a penalty all of them.
      EXPECT_LE(result.at(f, 2, p).undeliverable[1].mean, many);
      EXPECT_EQ(result.at(f, 2, p).undeliverable[2].mean, 0);
    }
  }
}

TEST(Stress, SlowerLinksAreNoDetours) {
  Scenario scenario = small_scenario();
  scenario.links.survival = 1;
  scenario.links.rate_bit_s = 1e6;
  Stress const slower = stressed(scenario, {DamageFamily::link_rate}, {0, 0.5});
  for (std::size_t p = 0; p < slower.placements.size(); ++p) {
    EXPECT_GT(slower.at(0, 1, p).mean_ms[0].mean, slower.at(0, 0, p).mean_ms[0].mean);
    EXPECT_EQ(slower.at(0, 1, p).detours, 0);
  }
  scenario.damage[DamageFamily::link_rate] = 0.5;
  Stress const both = stressed(scenario, {DamageFamily::links}, {0, 0.1});
  for (std::size_t p = 0; p < both.placements.size(); ++p) {
    EXPECT_EQ(both.at(0, 0, p).detours, 0);
    EXPECT_GT(both.at(0, 1, p).detours, 0);
  }
}

TEST(Stress, LostGatewaysShowInTheirLayersAndInNoHost) {
  Scenario scenario = small_scenario();
  scenario.links.survival = 1;
  Stress const result = stressed(scenario, {DamageFamily::gateways}, {0.25});
  for (StressPoint const& point : result.point) {
    EXPECT_EQ(point.layer_lost[point.weakest_layer], *std::ranges::max_element(point.layer_lost));
    EXPECT_GT(point.layer_lost[point.weakest_layer], 0);
    EXPECT_EQ(point.weakest_host_lost, 0);
  }
}

TEST(Stress, AttacksOfTheScenarioStrikeAtEveryLevel) {
  Scenario scenario = small_scenario();
  scenario.damage[DamageFamily::gateways] = 0.25;
  Stress const result = stressed(scenario, {DamageFamily::links}, {0, 0.1});
  for (StressPoint const& point : result.point) EXPECT_EQ(point.undeliverable[0].mean, 1);
}

TEST(Stress, RepairsSaveTokensAndLeaveWholePlacementsAlone) {
  StressOptions options;
  options.families = {DamageFamily::satellites, DamageFamily::gateways};
  options.levels = {0, 0.2};
  options.draws = 8;
  options.repair_bytes = std::numeric_limits<double>::infinity();
  Scenario scenario = small_scenario();
  scenario.model.expert_bytes = 1e6;
  auto const backend = make_cpu_backend();
  Stress const result = stress(scenario, *backend, options);
  ASSERT_EQ(result.placements.size(), 8u);
  EXPECT_EQ(result.placements[6], "spacemoe, repaired");
  for (std::size_t f = 0; f < 2; ++f) {
    for (std::size_t p = 0; p < 4; ++p) {
      EXPECT_FALSE(result.at(f, 1, p).repair.has_value());
      StressPoint const& whole = result.at(f, 0, p + 4);
      EXPECT_EQ(whole.tally.policy[0].moments, result.at(f, 0, p).tally.policy[0].moments);
      EXPECT_EQ(whole.repair->moved_experts + whole.repair->moved_gateways, 0);
      EXPECT_EQ(whole.repair->during_mean_ms.mean, whole.mean_ms[0].mean);
      EXPECT_EQ(whole.repair->during_undeliverable.mean, whole.undeliverable[0].mean);
      StressPoint const& after = result.at(f, 1, p + 4);
      EXPECT_LT(after.undeliverable[0].mean, result.at(f, 1, p).undeliverable[0].mean);
      EXPECT_GE(after.repair->during_undeliverable.mean, after.undeliverable[0].mean);
      EXPECT_EQ(after.repair->migrated_bytes, 1e6 * after.repair->moved_experts);
      EXPECT_GT(after.repair->moved_gateways, 0);
      // At 100 Gbit/s a megabyte takes 80 us, and all come from one satellite.
      if (f == 0) {
        EXPECT_GT(after.repair->migration_s, 80e-6 * after.repair->moved_experts);
      }
    }
  }
}

TEST(Stress, SameOnEveryThreadCount) {
  Scenario scenario = small_scenario();
  scenario.capacity = 2;
  scenario.redundancy.replicas = 1;
  scenario.model.expert_bytes = 1e6;
  StressOptions options;
  for (std::size_t f = 0; f < damage_families; ++f) options.families.push_back(static_cast<DamageFamily>(f));
  options.levels = {0, 0.2};
  options.draws = 6;
  options.repair_bytes = 3e6;
  auto const backend = make_cpu_backend();
  auto const on = [&](unsigned threads) {
    Stress result;
    with_threads(threads, [&] { result = stress(scenario, *backend, options); });
    return result;
  };
  Stress const one = on(1);
  for (unsigned const threads : {2u, 3u}) {
    Stress const many = on(threads);
    ASSERT_EQ(one.point.size(), many.point.size());
    for (std::size_t i = 0; i < one.point.size(); ++i) {
      FateTally const& a = one.point[i].tally;
      FateTally const& b = many.point[i].tally;
      for (std::size_t p = 0; p < loss_policies; ++p) {
        EXPECT_EQ(a.policy[p].moments, b.policy[p].moments);
        EXPECT_EQ(a.policy[p].histogram, b.policy[p].histogram);
      }
      EXPECT_EQ(a.layer_lost, b.layer_lost);
      EXPECT_EQ(a.waited_ns, b.waited_ns);
      EXPECT_EQ(a.detours, b.detours);
      EXPECT_EQ(one.point[i].weakest_host_lost, many.point[i].weakest_host_lost);
      ASSERT_EQ(one.point[i].repair.has_value(), many.point[i].repair.has_value());
      if (!one.point[i].repair) continue;
      EXPECT_EQ(one.point[i].repair->migration_s, many.point[i].repair->migration_s);
      EXPECT_EQ(one.point[i].repair->during_undeliverable.mean,
                many.point[i].repair->during_undeliverable.mean);
    }
  }
}

TEST(Stress, ReplicasSlowNothingDownWithoutDamage) {
  Scenario scenario = small_scenario();
  scenario.capacity = 2;
  scenario.redundancy.replicas = 1;
  Stress const result = stressed(scenario, {DamageFamily::satellites}, {0, 0.1});
  ASSERT_EQ(result.placements.size(), 8u);
  for (std::size_t p = 0; p < 4; ++p) {
    auto const& bare = result.at(0, 0, p).tally.policy[2].moments;
    auto const& more = result.at(0, 0, p + 4).tally.policy[2].moments;
    EXPECT_LE(more.sum_ns, bare.sum_ns);
    EXPECT_LE(result.at(0, 1, p + 4).undeliverable[0].mean, result.at(0, 1, p).undeliverable[0].mean);
  }
}

}  // namespace
}  // namespace spacemoe::testing
