#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/network_paths.hpp"
#include "host/evaluation/planning.hpp"
#include "tests/support/scenarios.hpp"

// Evaluations of damaged networks: the same whatever works on them, with whatever else.

namespace spacemoe::testing {
namespace {

/// The small scenario with a second shell and copies of everything; nothing is broken yet.
Scenario linked_scenario() {
  Scenario scenario = small_scenario();
  scenario.constellation.shells.push_back({"higher", 900, 70, 5, 6, 2});
  scenario.links.seam = Seam::wrap_phased;
  scenario.links.between_shells = BetweenShells::nearest;
  scenario.links.between_shells_range_km = 3000;
  scenario.redundancy.replicas = scenario.redundancy.spare_gateways = 1;
  return scenario;
}

Damage random_damage() {
  Damage damage;
  for (auto const family :
       {DamageFamily::satellites, DamageFamily::planes, DamageFamily::links, DamageFamily::latitude,
        DamageFamily::storm, DamageFamily::eclipse, DamageFamily::link_rate, DamageFamily::compute_rate}) {
    damage[family] = 0.06;
  }
  damage.draw = 2;
  return damage;
}

Damage attacks() {
  Damage damage;
  for (auto const family : {DamageFamily::gateways, DamageFamily::hosts, DamageFamily::busiest_satellites,
                            DamageFamily::busiest_links}) {
    damage[family] = 0.1;
  }
  damage[DamageFamily::links] = 0.1;
  return damage;
}

std::vector<LatencyTally> tallies(Scenario const& scenario, EvaluateOptions const& options = {}) {
  std::vector<LatencyTally> all;
  for (auto& result : evaluate(scenario, *make_cpu_backend(), options).strategies) {
    all.push_back(std::move(result.tally));
  }
  return all;
}

Moments sum(LatencyTally const& tally) {
  Moments all;
  for (Moments const& cell : tally.cell) all += cell;
  return all;
}

TEST(DamagedEvaluation, ThreadsAndBatchesChangeNothing) {
  for (Damage const& damage : {random_damage(), attacks()}) {
    for (auto const sampler : {Sampler::routing, Sampler::order_statistic}) {
      Scenario scenario = linked_scenario();
      scenario.damage = damage;
      scenario.sampler = sampler;
      std::vector<LatencyTally> reference;
      with_threads(1, [&] { reference = tallies(scenario); });
      Moments all;
      for (LatencyTally const& tally : reference) all += sum(tally);
      EXPECT_GT(all.delivered, 0u);
      EXPECT_LT(all.delivered, all.tokens);
      for (unsigned const threads : {1u, 3u}) {
        for (std::uint64_t const batch_bytes : {std::uint64_t{1}, std::uint64_t{50'000}}) {
          EvaluateOptions options;
          options.batch_bytes = batch_bytes;
          with_threads(threads, [&] { EXPECT_EQ(tallies(scenario, options), reference); });
        }
      }
    }
  }
}

TEST(DamagedEvaluation, StrategiesMeetTheSameDamageAloneAndTogether) {
  for (Damage const& damage : {random_damage(), attacks()}) {
    Scenario scenario = linked_scenario();
    scenario.damage = damage;
    scenario.sampler = Sampler::routing;  // the choice of a sampler depends on a strategy's work
    auto const together = tallies(scenario);
    for (std::size_t s = 0; s < scenario.strategies.size(); ++s) {
      Scenario alone = scenario;
      alone.strategies = {scenario.strategies[s]};
      EXPECT_EQ(tallies(alone), std::vector{together[s]}) << name(scenario.strategies[s]);
    }
  }
}

TEST(DamagedEvaluation, OfNothingIsThatOfAWholeNetwork) {
  Scenario scenario = linked_scenario();
  auto const whole = tallies(scenario);
  scenario.damage.draw = 9;  // of nothing
  scenario.damage.storm_latitude_deg = 10;
  EXPECT_EQ(tallies(scenario), whole);
  // A storm on a spot where nobody is: damaged, but as if it were not.
  scenario.damage.storm_longitude_deg = 0;
  scenario.damage.storm_latitude_deg = 90;
  scenario.damage[DamageFamily::storm] = 1e-6;
  EXPECT_EQ(tallies(scenario), whole);
}

// Networks that differ in what is broken may share what was found of their paths, and stay themselves.
TEST(DamagedEvaluation, SharedPathsChangeNothing) {
  Scenario whole = linked_scenario();
  Scenario broken = whole;
  broken.damage = random_damage();
  Scenario attacked = whole;
  attacked.damage = attacks();
  Scenario other_draw = broken;
  other_draw.damage.draw = 3;
  std::vector const all{whole, broken, attacked, other_draw, whole};
  std::vector<std::vector<LatencyTally>> expected;
  for (Scenario const& scenario : all) expected.push_back(tallies(scenario));
  EXPECT_NE(expected[0], expected[1]);
  EXPECT_NE(expected[1], expected[3]);
  std::vector<std::shared_ptr<NetworkPaths>> known;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto found = std::ranges::find_if(known, [&](auto const& paths) { return paths->serves(all[i]); });
    if (found == known.end()) found = known.insert(found, std::make_shared<NetworkPaths>(all[i], 1e9));
    EvaluateOptions options;
    options.paths = *found;
    EXPECT_EQ(tallies(all[i], options), expected[i]) << i;
  }
  EXPECT_EQ(known.size(), 1u);
}

TEST(DamagedSlots, AreTheSameInAnyOrderOnAnyThreads) {
  Scenario scenario = linked_scenario();
  scenario.damage = random_damage();
  Network const network = make_network(scenario);
  DamagedNetwork const damaged(network, scenario.damage, scenario.seed);
  auto const taken = [&](std::uint32_t first, std::uint32_t count) {
    return damaged_snapshots(scenario, network, damaged, first, count, Purpose::evaluation_outage);
  };
  std::uint32_t const slots = scenario.time.slots;
  DamagedSlots all;
  with_threads(1, [&] { all = taken(0, slots); });
  with_threads(3, [&] {
    auto const again = taken(0, slots);
    EXPECT_EQ(again.batch.latency_ns, all.batch.latency_ns);
    EXPECT_EQ(again.batch.crossing, all.batch.crossing);
  });
  for (std::uint32_t slot = slots; slot-- > 0;) {
    auto const alone = taken(slot, 1);
    SnapshotBatch const expected = part(all.batch, slot, 1);
    EXPECT_EQ(alone.batch.latency_ns, expected.latency_ns) << slot;
    EXPECT_EQ(alone.batch.crossing, expected.crossing) << slot;
    EXPECT_EQ(alone.state[0].off, all.state[slot].off) << slot;
    EXPECT_EQ(alone.state[0].in_shadow, all.state[slot].in_shadow) << slot;
  }
}

}  // namespace
}  // namespace spacemoe::testing
