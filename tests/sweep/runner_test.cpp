#include "host/sweep/runner.hpp"

#include <atomic>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/errors.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

constexpr std::uint64_t all_points = 12;

std::vector<std::uint64_t> points_to_run() {
  std::vector<std::uint64_t> points(all_points);
  std::iota(points.begin(), points.end(), std::uint64_t{0});
  return points;
}

Scenario scenario_of(std::uint64_t point) {
  Scenario scenario = small_scenario();
  scenario.seed.value = point;
  scenario.tokens = 500;
  return scenario;
}

/// Runs all points and keeps the records by point.
class Runner : public ::testing::TestWithParam<unsigned> {
 protected:
  double shared_bytes_ = 0;

  std::vector<PointRecord> run(unsigned concurrent, SweepHooks hooks) {
    std::vector<PointRecord> records(all_points);
    std::mutex finishing;
    hooks.finished = [&, kept = hooks.finished](PointRecord const& record) {
      std::unique_lock const alone(finishing, std::try_to_lock);
      EXPECT_TRUE(alone.owns_lock()) << "two records at a time";
      if (kept) kept(record);
      EXPECT_TRUE(records.at(record.point).strategies.empty() && !records.at(record.point).failed())
          << "point " << record.point << " ran twice";
      records.at(record.point) = record;
    };
    if (!hooks.scenario) hooks.scenario = scenario_of;
    if (!hooks.check) hooks.check = [] {};
    auto const backend = make_cpu_backend();
    PointQueue queue(points_to_run());
    with_threads(4, [&] { run_points(queue, *backend, {concurrent, shared_bytes_}, hooks); });
    return records;
  }
};

void expect_equal(PointRecord const& a, PointRecord const& b) {
  ASSERT_EQ(a.strategies.size(), b.strategies.size());
  for (std::size_t s = 0; s < a.strategies.size(); ++s) {
    EXPECT_EQ(a.strategies[s].mean_ms, b.strategies[s].mean_ms);
    EXPECT_EQ(a.strategies[s].histogram, b.strategies[s].histogram);
    EXPECT_EQ(a.strategies[s].layer_mean_ms, b.strategies[s].layer_mean_ms);
  }
}

TEST_P(Runner, RunsEveryPointOnceWithTheSameResult) {
  auto const one_by_one = run(1, {});
  auto const side_by_side = run(GetParam(), {});
  for (std::uint64_t p = 0; p < all_points; ++p) {
    ASSERT_FALSE(side_by_side[p].strategies.empty()) << p;
    expect_equal(side_by_side[p], one_by_one[p]);
  }
}

TEST_P(Runner, SharesPathsBetweenPointsOfANetwork) {
  SweepHooks hooks;
  hooks.scenario = [](std::uint64_t point) {
    Scenario scenario = scenario_of(point / 4);  // three networks
    scenario.compute.rate_flop_s *= static_cast<double>(1 + point % 4);
    scenario.strategies.push_back(Strategy::greedy);
    return scenario;
  };
  auto const apart = run(1, hooks);
  for (double const bytes : {1e3, 1e5, 1e9}) {
    shared_bytes_ = bytes;
    auto const shared = run(GetParam(), hooks);
    for (std::uint64_t p = 0; p < all_points; ++p) expect_equal(shared[p], apart[p]);
  }
}

TEST_P(Runner, RecordsWhyAPointCannotRun) {
  SweepHooks hooks;
  hooks.scenario = [](std::uint64_t point) -> Scenario {
    if (point == 5) throw ScenarioError({"links", "all are down", ""});
    return scenario_of(point);
  };
  auto const records = run(GetParam(), hooks);
  EXPECT_EQ(records[5].failure, "links: all are down");
  for (std::uint64_t p = 0; p < all_points; ++p) EXPECT_EQ(records[p].failed(), p == 5) << p;
}

TEST_P(Runner, StopsWhereAHookThrowsAndKeepsNoHalfPoint) {
  auto const whole = run(1, {});
  std::set<std::uint64_t> kept;
  SweepHooks hooks;
  hooks.finished = [&](PointRecord const& record) {
    EXPECT_LE(kept.size(), 3u) << "called again after it failed";
    if (kept.size() == 3) {
      kept.insert(all_points);
      throw OutputError("disk full");
    }
    kept.insert(record.point);
    expect_equal(record, whole[record.point]);
  };
  EXPECT_THROW(run(GetParam(), hooks), OutputError);
  EXPECT_EQ(kept.size(), 4u);
}

TEST_P(Runner, StopsInTheMiddleOfPoints) {
  auto const whole = run(1, {});
  std::atomic<int> checks = 0;
  std::uint64_t kept = 0;
  SweepHooks hooks;
  hooks.check = [&] {
    if (++checks > 40) throw std::runtime_error("interrupted");
  };
  hooks.finished = [&](PointRecord const& record) {
    expect_equal(record, whole[record.point]);
    ++kept;
  };
  EXPECT_THROW(run(GetParam(), hooks), std::runtime_error);
  EXPECT_LT(kept, all_points);
}

INSTANTIATE_TEST_SUITE_P(Concurrent, Runner, ::testing::Values(1u, 2u, 3u, 8u));

}  // namespace
}  // namespace spacemoe::testing
