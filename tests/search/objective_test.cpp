#include "host/search/objective.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include <gmock/gmock.h>

namespace spacemoe {
namespace {

using std::numbers::pi;

constexpr double ms = 1e6;

double value(std::string const& name, CaseTotals const& totals) {
  return value_ns(objective_named(name).value(), totals);
}

double density(double z) {
  return std::exp(-z * z / 2) / std::sqrt(2 * pi);
}

/// 100 ms +- 3 ms.
CaseTotals one_case() {
  return {{100 * ms}, {9 * ms * ms}, {1}};
}

/// Three cases, of which one loses much and one everything.
CaseTotals some_cases() {
  return {{100 * ms, 130 * ms, 5 * ms}, {9 * ms * ms, 400 * ms * ms, 0}, {1, 0.25, 0}};
}

TEST(Objective, OfOneCaseIsThatOfANormalDistribution) {
  EXPECT_DOUBLE_EQ(value("mean", one_case()), 100 * ms);
  EXPECT_DOUBLE_EQ(value("mean+2sd", one_case()), 106 * ms);
  EXPECT_DOUBLE_EQ(value("mean+0.5sd", one_case()), 101.5 * ms);
  // z of the standard normal distribution, as tabulated.
  EXPECT_NEAR(value("p50", one_case()), 100 * ms, 0.5);
  EXPECT_NEAR(value("p90", one_case()), (100 + 3 * 1.2815515655446004) * ms, 0.5);
  EXPECT_NEAR(value("p99", one_case()), (100 + 3 * 2.3263478740408408) * ms, 0.5);
  EXPECT_NEAR(value("p99.9", one_case()), (100 + 3 * 3.0902323061678132) * ms, 0.5);
  EXPECT_NEAR(value("cvar90", one_case()), (100 + 3 * density(1.2815515655446004) / 0.1) * ms, 0.5);
  EXPECT_NEAR(value("cvar99", one_case()), (100 + 3 * density(2.3263478740408408) / 0.01) * ms, 0.5);
}

TEST(Objective, OfCasesWithoutSpreadIsThatOfAList) {
  CaseTotals const list{{10 * ms, 40 * ms, 20 * ms, 30 * ms}, {0, 0, 0, 0}, {1, 1, 1, 1}};
  EXPECT_DOUBLE_EQ(value("mean", list), 25 * ms);
  EXPECT_DOUBLE_EQ(value("mean+1sd", list), (25 + std::sqrt(125.0)) * ms);
  EXPECT_NEAR(value("p60", list), 30 * ms, 0.5);
  EXPECT_NEAR(value("p90", list), 40 * ms, 0.5);
  EXPECT_NEAR(value("cvar50", list), 35 * ms, 0.5);
  EXPECT_NEAR(value("cvar90", list), 40 * ms, 0.5);
}

/// Integrates the delivered mixture of some_cases() on a grid: P(X > x) and the integral of x over the tail.
struct Tail {
  double chance = 0;
  double sum = 0;
};

Tail tail_beyond(double x_ns) {
  CaseTotals const totals = some_cases();
  Tail tail;
  constexpr int steps = 400'000;
  for (std::size_t c = 0; c < 2; ++c) {
    double const sd = std::sqrt(totals.variance_ns2[c]);
    double const share = totals.delivered[c] / 1.25;
    double const low = std::max(x_ns, totals.mean_ns[c] - 12 * sd);
    double const step = (totals.mean_ns[c] + 12 * sd - low) / steps;
    for (int i = 0; i < steps; ++i) {
      double const at = low + (i + 0.5) * step;
      double const mass = share * density((at - totals.mean_ns[c]) / sd) / sd * step;
      tail.chance += mass;
      tail.sum += mass * at;
    }
  }
  return tail;
}

TEST(Objective, OfAMixtureIsThatOfItsIntegral) {
  CaseTotals const totals = some_cases();
  EXPECT_DOUBLE_EQ(value("mean", totals), (100 + 0.25 * 130) / 1.25 * ms);
  double const squares = (9 + 1e4 + 0.25 * (400 + 130.0 * 130)) / 1.25;
  EXPECT_NEAR(value("mean+1sd", totals), (106 + std::sqrt(squares - 106.0 * 106)) * ms, 1);
  for (std::string const level : {"50", "80", "90", "99", "99.9"}) {
    double const quantile_ns = value("p" + level, totals);
    double const beyond = 1 - std::stod(level) / 100;
    Tail const tail = tail_beyond(quantile_ns);
    EXPECT_NEAR(tail.chance, beyond, 1e-7) << level;
    EXPECT_NEAR(value("cvar" + level, totals), tail.sum / beyond, 2e-5 * tail.sum / beyond) << level;
  }
}

TEST(Objective, OfTheWorstCaseIsTheGreatestOfAll) {
  for (std::string const name : {"mean", "p90", "cvar99", "mean+2sd"}) {
    Objective objective = objective_named(name).value();
    objective.worst_case = true;
    // The case that loses everything has no latency.
    CaseTotals const second{{130 * ms}, {400 * ms * ms}, {0.25}};
    EXPECT_DOUBLE_EQ(value_ns(objective, some_cases()), value(name, second)) << name;
  }
}

TEST(Objective, AddsWhatLossesCost) {
  EXPECT_DOUBLE_EQ(lost_share(some_cases()), 1 - 1.25 / 3);
  EXPECT_DOUBLE_EQ(lost_share(one_case()), 0);
  Objective objective;
  objective.lost_penalty_ms = 600;
  EXPECT_DOUBLE_EQ(value_ns(objective, some_cases()), (106 + 600 * (1 - 1.25 / 3)) * ms);
  EXPECT_DOUBLE_EQ(value_ns(objective, one_case()), 100 * ms);
}

TEST(Objective, IsInfiniteWhereNothingArrives) {
  CaseTotals const nothing{{0, 0}, {0, 0}, {0, 0}};
  for (std::string const name : {"mean", "p90", "cvar99", "mean+2sd"}) {
    EXPECT_EQ(value(name, nothing), std::numeric_limits<double>::infinity()) << name;
  }
}

TEST(Objective, HasANameThatIsReadBack) {
  for (std::string const text : {"mean", "p50", "p99", "p99.9", "cvar50", "cvar97.5", "cvar99.9", "mean+2sd",
                                 "mean+0.5sd", "mean+100sd"}) {
    auto const objective = objective_named(text);
    ASSERT_TRUE(objective) << text;
    EXPECT_EQ(name(*objective), text);
  }
}

TEST(Objective, IsNoOtherWord) {
  for (std::string const text :
       {"",          "Mean",   "mean ",   "mean+",   "mean+sd", "mean+0sd", "mean+-1sd", "mean+101sd",
        "mean+2sdx", "p",      "p49.9",   "p99.95",  "p100",    "p-99",     "p1e1x",     "pnan",
        "cvar",      "cvar49", "cvar100", "cvarinf", "median",  "q99"}) {
    EXPECT_FALSE(objective_named(text)) << text;
  }
}

}  // namespace
}  // namespace spacemoe
