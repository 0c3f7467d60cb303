#include "host/search/verification.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <gmock/gmock.h>

#include "host/search/refined.hpp"
#include "tests/search/searching.hpp"

namespace spacemoe::testing {
namespace {

class Verification : public ::testing::Test {
 protected:
  Verdict verdict(Scenario const& scenario, Placement const& start, Placement const& found) {
    return verify(SearchProblem(scenario, *backend_), Objective(), start, found);
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

/// A ring of 8 satellites, all links alike, with one layer of 2 experts, both always drawn.
Scenario even_ring(double survival) {
  Scenario scenario = ring_scenario(2);
  for (ListedLink& link : scenario.listed_links) link.latency_ns = 1'000'000;
  scenario.links.survival = survival;
  scenario.time.slots = 2;
  set_model(scenario, 1, 2, 2);
  scenario.compute = {};
  scenario.compute.rate_flop_s = 1e9;
  return scenario;
}

/// Experts so many links before and behind the gateway.
Placement around(std::uint32_t gateway, std::uint32_t before, std::uint32_t behind) {
  return {
      1, 2, {satellite(gateway)}, {satellite((gateway + 8 - before) % 8), satellite((gateway + behind) % 8)}};
}

TEST_F(Verification, KnowsBetterFromWorse) {
  Scenario const scenario = even_ring(0.95);
  Placement const near = around(0, 1, 1);
  Placement const far = around(4, 2, 2);
  Verdict const better = verdict(scenario, far, near);
  EXPECT_TRUE(better.better);
  EXPECT_LT(better.difference_ms.high, 0);
  Verdict const worse = verdict(scenario, near, far);
  EXPECT_FALSE(worse.better);
  EXPECT_GT(worse.difference_ms.low, 0);
}

TEST_F(Verification, IsExactWhereNoLinkFails) {
  // The slowest expert is a link nearer, there and back.
  Verdict const found = verdict(even_ring(1), around(4, 2, 2), around(0, 1, 1));
  EXPECT_TRUE(found.better);
  EXPECT_EQ(found.draws, 8u);
  EXPECT_NEAR(found.difference_ms.mean, -2, 1e-9);
  EXPECT_NEAR(found.difference_ms.low, -2, 1e-9);
}

TEST_F(Verification, NeedsNothingForTheStart) {
  Placement const start = around(0, 1, 1);
  Verdict const found = verdict(even_ring(0.9), start, start);
  EXPECT_FALSE(found.better);
  EXPECT_EQ(found.draws, 0u);
}

// Turned by half the ring a placement is as good as before, whatever the draws say.
TEST_F(Verification, SeldomPrefersItsEqual) {
  constexpr int seeds = 400;
  int preferred = 0;
  int by_losses = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    Scenario scenario = even_ring(0.8);
    scenario.seed = {static_cast<std::uint64_t>(seed)};
    Verdict const found = verdict(scenario, around(0, 1, 1), around(4, 1, 1));
    preferred += found.better ? 1 : 0;
    by_losses += found.draws < 64 && !found.better ? 1 : 0;
  }
  // 1 % at most, and three standard deviations.
  double const bound = seeds * 0.01 + 3 * std::sqrt(seeds * 0.01 * 0.99);
  EXPECT_LE(preferred, bound);
  // Called worse before all draws: by latency or by losses, each as seldom.
  EXPECT_LE(by_losses, 2 * bound);
}

TEST_F(Verification, RefusesFastPlacementsThatLoseMore) {
  // Hosts beside the gateway are slow; those three links away are fast, and cut off more often.
  Scenario scenario = even_ring(0.8);
  scenario.compute.rate_flop_s = 0;
  scenario.compute.satellite_rate_flop_s.assign(8, 1e9);
  for (std::size_t const slow : {1u, 7u}) scenario.compute.satellite_rate_flop_s[slow] = 1e5;
  SearchProblem const problem(scenario, *backend_);
  Placement const near = around(0, 1, 1);
  Placement const far = around(0, 3, 3);
  Objective objective;
  Verdict const lossy = verify(problem, objective, near, far);
  EXPECT_FALSE(lossy.better);
  EXPECT_LT(lossy.difference_ms.high, 0);
  objective.lost_penalty_ms = 0;
  EXPECT_TRUE(verify(problem, objective, near, far).better);
}

TEST_F(Verification, GivesTheStartWithItsFigures) {
  Scenario const scenario = even_ring(0.95);
  SearchProblem const problem(scenario, *backend_);
  Placement const start = around(0, 1, 1);
  SearchResult result;
  result.placement = around(4, 2, 2);
  result.start_ms = 3, result.value_ms = 2;
  result.start_mean_ms = 5, result.mean_ms = 4;
  result.start_lost = 0.2, result.lost = 0.1;
  result.sampled = SampledResult{1, 3.5, 2.5};
  SearchResult const kept = verified(problem, Objective(), start, result);
  EXPECT_EQ(kept.placement, start);
  EXPECT_EQ(kept.value_ms, 3);
  EXPECT_EQ(kept.mean_ms, 5);
  EXPECT_EQ(kept.lost, 0.2);
  EXPECT_EQ(kept.sampled->value_ms, 3.5);
  SearchResult const taken = verified(problem, Objective(), result.placement, [&] {
    SearchResult other = result;
    other.placement = start;
    return other;
  }());
  EXPECT_EQ(taken.placement, start);
  EXPECT_EQ(taken.value_ms, 2);
}

// Planned on two snapshots of a damaged network alone, searches fit these.
TEST_F(Verification, KeepsOverfittedResultsBack) {
  int worse_planned = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Scenario scenario = walker_scenario(2);
    scenario.links.survival = 0.85;
    scenario.time.slots = 2;
    scenario.seed = {seed};
    SearchProblem const problem(scenario, *backend_);
    Placement const start = best_start(problem).second;
    SearchOptions options;
    options.moves = 20'000;
    SearchResult const planned = searched(problem, start, options);
    SearchResult const kept = verified(problem, options.objective, start, planned);
    // Judged on 40 draws of which none was planned or verified on.
    ComparisonOptions judging;
    judging.replications = 40;
    judging.tokens = 4000;
    auto const judged = [&](Placement const& placement) {
      return compare(scenario, start, placement, *backend_, judging).latency.front().difference_ms;
    };
    worse_planned += judged(planned.placement).mean > 0 ? 1 : 0;
    EXPECT_LE(judged(kept.placement).mean, 0) << seed;
  }
  EXPECT_GT(worse_planned, 0) << "nothing was overfitted, so nothing was tested";
}

TEST(UsualOutages, MakeTwoHundredSlotsWhereLinksFail) {
  Scenario scenario = small_scenario();
  scenario.links.survival = 1;
  scenario.time.slots = 6;
  EXPECT_EQ(usual_outages(scenario), 1u);
  scenario.links.survival = 0.9;
  EXPECT_EQ(usual_outages(scenario), 34u);
  scenario.time.slots = 200;
  EXPECT_EQ(usual_outages(scenario), 1u);
  scenario.time.slots = 199;
  EXPECT_EQ(usual_outages(scenario), 2u);
  scenario.time.slots = 1;
  EXPECT_EQ(usual_outages(scenario), 64u);
}

}  // namespace
}  // namespace spacemoe::testing
