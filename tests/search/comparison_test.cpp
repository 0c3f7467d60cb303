#include "host/search/comparison.hpp"

#include <cmath>

#include <gmock/gmock.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/evaluate.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

TEST(StudentBound, IsAsTabulated) {
  EXPECT_NEAR(student_bound(1, 0.95), 12.7062, 5e-5);
  EXPECT_NEAR(student_bound(2, 0.95), 4.3027, 5e-5);
  EXPECT_NEAR(student_bound(3, 0.95), 3.1824, 5e-5);
  EXPECT_NEAR(student_bound(4, 0.95), 2.7764, 5e-5);
  EXPECT_NEAR(student_bound(19, 0.95), 2.0930, 5e-5);
  EXPECT_NEAR(student_bound(30, 0.95), 2.0423, 5e-5);
  EXPECT_NEAR(student_bound(120, 0.95), 1.9799, 5e-5);
  EXPECT_NEAR(student_bound(100'000, 0.95), 1.95999, 1e-5);
  EXPECT_NEAR(student_bound(1, 0.99), 63.6567, 5e-5);
  EXPECT_NEAR(student_bound(30, 0.999), 3.6460, 5e-5);
  EXPECT_NEAR(student_bound(120, 0.999), 3.3735, 5e-5);
}

TEST(Estimate, IsMeanAndStudentsInterval) {
  // Standard deviation 2 of three values: 5 +- 4.3027 * 2 / sqrt(3).
  Estimate const of_three = estimate({3, 5, 7}, 0.95);
  EXPECT_DOUBLE_EQ(of_three.mean, 5);
  EXPECT_NEAR(of_three.low, 5 - 4.9683, 1e-4);
  EXPECT_NEAR(of_three.high, 5 + 4.9683, 1e-4);
}

class ComparingPlacements : public ::testing::Test {
 protected:
  Placement planned(Scenario scenario, Strategy strategy) {
    scenario.strategies = {strategy};
    scenario.tokens = 1;
    return evaluate(scenario, *backend_, {}).strategies.front().placements.front();
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

TEST_F(ComparingPlacements, EqualOnesDoNotDiffer) {
  Scenario const scenario = small_scenario();
  Placement const placement = planned(scenario, Strategy::spacemoe);
  Comparison const same = compare(scenario, placement, placement, *backend_, {3, 2000, {}});
  EXPECT_EQ(same.a.size(), 3u);
  EXPECT_EQ(same.b.size(), 3u);
  for (ComparedLatency const& latency : same.latency) {
    EXPECT_GT(latency.a_ms, 0);
    EXPECT_EQ(latency.a_ms, latency.b_ms);
    EXPECT_EQ(latency.difference_ms.low, 0);
    EXPECT_EQ(latency.difference_ms.high, 0);
    EXPECT_EQ(latency.ratio.low, 1);
    EXPECT_EQ(latency.ratio.high, 1);
  }
  EXPECT_EQ(same.undeliverable_a, same.undeliverable_b);
  EXPECT_EQ(same.undeliverable_difference.high, 0);
}

TEST_F(ComparingPlacements, TheBetterOneIsSeenFromBothSides) {
  Scenario const scenario = small_scenario();
  Placement const good = planned(scenario, Strategy::spacemoe);
  Placement const bad = planned(scenario, Strategy::rand_place);
  Comparison const forth = compare(scenario, bad, good, *backend_, {5, 5000, {}});
  Comparison const back = compare(scenario, good, bad, *backend_, {5, 5000, {}});
  for (std::size_t i : {0u, 1u, 3u}) {  // mean, p50, p99
    EXPECT_LT(forth.latency[i].difference_ms.high, 0) << compared_names[i];
    EXPECT_LT(forth.latency[i].ratio.high, 1) << compared_names[i];
    EXPECT_GT(back.latency[i].difference_ms.low, 0) << compared_names[i];
    EXPECT_GT(back.latency[i].ratio.low, 1) << compared_names[i];
    EXPECT_EQ(forth.latency[i].a_ms, back.latency[i].b_ms);
    EXPECT_DOUBLE_EQ(forth.latency[i].difference_ms.mean, forth.latency[i].b_ms - forth.latency[i].a_ms);
  }
}

TEST_F(ComparingPlacements, ReplicationsDifferFromEachOtherAndFromTheEvaluation) {
  Scenario scenario = small_scenario();
  scenario.tokens = 6000;
  scenario.strategies = {Strategy::spacemoe};
  StrategyResult const evaluated = evaluate(scenario, *backend_, {}).strategies.front();
  Placement const& placement = evaluated.placements.front();
  Comparison const fresh = compare(scenario, placement, placement, *backend_, {3, 6000, {}});
  EXPECT_NE(fresh.a[0].latency_ms[0], fresh.a[1].latency_ms[0]);
  EXPECT_NE(fresh.a[0].latency_ms[0], fresh.a[2].latency_ms[0]);
  for (Replicate const& one : fresh.a) EXPECT_NE(one.latency_ms[0], evaluated.mean_ms);
  Comparison const again = compare(scenario, placement, placement, *backend_, {3, 6000, {}});
  EXPECT_EQ(again.a[2].latency_ms, fresh.a[2].latency_ms);
}

TEST_F(ComparingPlacements, TokensAreSharedOutAmongReplicationsDownToALimit) {
  Scenario scenario = small_scenario();
  Placement const placement = planned(scenario, Strategy::spacemoe);
  scenario.tokens = 600'000;
  EXPECT_EQ(compare(scenario, placement, placement, *backend_, {2, {}, {}}).tokens, 300'000u);
  EXPECT_EQ(compare(scenario, placement, placement, *backend_, {8, {}, {}}).tokens, 100'000u);
}

TEST_F(ComparingPlacements, LatenciesAreOfReplicationsInWhichBothDeliver) {
  Scenario scenario = small_scenario();
  scenario.time.slots = 1;
  scenario.links.survival = 0.6;
  Placement const a = planned(scenario, Strategy::rand_place);
  Placement const b = planned(scenario, Strategy::spacemoe);
  Comparison const some = compare(scenario, a, b, *backend_, {30, 300, {}});
  double sum = 0;
  std::uint32_t both = 0;
  for (std::size_t r = 0; r < 30; ++r) {
    double const difference = some.b[r].latency_ms[0] - some.a[r].latency_ms[0];
    if (std::isnan(difference)) continue;
    sum += difference;
    ++both;
  }
  ASSERT_GT(both, 1u);
  ASSERT_LT(both, 30u);
  EXPECT_EQ(some.delivering, both);
  EXPECT_NEAR(some.latency[0].difference_ms.mean, sum / both, 1e-9);
  EXPECT_LT(some.latency[0].difference_ms.low, some.latency[0].difference_ms.high);
  EXPECT_NEAR(some.latency[0].b_ms - some.latency[0].a_ms, sum / both, 1e-9);
}

TEST_F(ComparingPlacements, LatenciesAreUnknownWhereNothingArrives) {
  Scenario scenario = small_scenario();
  Placement const placement = planned(scenario, Strategy::spacemoe);
  scenario.links.survival = 0;
  Comparison const none = compare(scenario, placement, placement, *backend_, {3, 300, {}});
  EXPECT_EQ(none.delivering, 0u);
  EXPECT_TRUE(std::isnan(none.latency[0].difference_ms.mean));
  EXPECT_EQ(none.undeliverable_a, 1);
}

TEST_F(ComparingPlacements, ProgressEndsAtItsTotal) {
  Scenario const scenario = small_scenario();
  Placement const placement = planned(scenario, Strategy::spacemoe);
  std::uint64_t last = 0, whole = 0;
  bool rises = true;
  compare(scenario, placement, placement, *backend_, {2, 1000, [&](std::uint64_t done, std::uint64_t total) {
                                                        rises = rises && done >= last;
                                                        last = done;
                                                        whole = total;
                                                      }});
  EXPECT_TRUE(rises);
  EXPECT_EQ(last, whole);
  EXPECT_EQ(whole, 2u * 2 * 2 * 1000);  // replications, placements, passes
}

// Without outages the true difference at the later times can be computed.
TEST_F(ComparingPlacements, TheIntervalHoldsTheTruthInNinetyFiveOfHundredCases) {
  Scenario scenario = small_scenario();
  scenario.links.survival = 1;
  scenario.tokens = 600;
  Placement const a = planned(scenario, Strategy::spacemoe);
  Placement const b = planned(scenario, Strategy::greedy);
  Scenario later = scenario;
  later.time.start_s = span_s(scenario) / scenario.time.slots / 2;
  later.strategies = {Strategy::file};
  auto const exact_mean_ms = [&](Placement const& placement) {
    later.file_placements = {placement};
    EvaluateOptions options;
    options.exact = true;
    return evaluate(later, *backend_, options).strategies.front().exact->mean_ms;
  };
  double const truth_ms = exact_mean_ms(b) - exact_mean_ms(a);

  constexpr int cases = 1000;
  int held = 0;
  for (std::uint64_t seed = 0; seed < cases; ++seed) {
    scenario.seed = {seed};
    Estimate const difference_ms = compare(scenario, a, b, *backend_, {4, 600, {}}).latency[0].difference_ms;
    held += difference_ms.low <= truth_ms && truth_ms <= difference_ms.high;
  }
  // 950 expected, give or take four standard deviations of 6.9.
  EXPECT_GE(held, 922);
  EXPECT_LE(held, 978);
}

}  // namespace
}  // namespace spacemoe::testing
