// The experiment of arXiv 2605.00515 as data/scenarios/paper.toml states it, with fewer tokens.

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/io/scenario_file.hpp"

namespace spacemoe {
namespace {

Scenario paper() {
  ScenarioOverrides overrides;
  overrides.tokens = 50000;
  return load_scenario(SPACEMOE_DATA "/scenarios/paper.toml", overrides);
}

std::map<Strategy, double> mean_latencies_ms(Scenario const& scenario) {
  auto const backend = make_cpu_backend();
  std::map<Strategy, double> means;
  for (auto const& result : evaluate(scenario, *backend, {}).strategies)
    means[result.strategy] = result.mean_ms;
  return means;
}

TEST(Paper, LatenciesAreWithinTenPerCent) {
  auto const mean_ms = mean_latencies_ms(paper());
  struct Published {
    Strategy strategy;
    double least_ms, greatest_ms;
  };
  for (auto const& published :
       {Published{Strategy::rand_place, 5280, 5300}, Published{Strategy::rand_intra, 4130, 4160},
        Published{Strategy::rand_intra_cg, 3340, 3370}, Published{Strategy::spacemoe, 1020, 1070}}) {
    EXPECT_GE(mean_ms.at(published.strategy), 0.9 * published.greatest_ms) << name(published.strategy);
    EXPECT_LE(mean_ms.at(published.strategy), 1.1 * published.least_ms) << name(published.strategy);
  }
}

TEST(Paper, OrderingAndGainHold) {
  auto const mean_ms = mean_latencies_ms(paper());
  EXPECT_GT(mean_ms.at(Strategy::rand_place), mean_ms.at(Strategy::rand_intra));
  EXPECT_GT(mean_ms.at(Strategy::rand_intra), mean_ms.at(Strategy::rand_intra_cg));
  EXPECT_GT(mean_ms.at(Strategy::rand_intra_cg), mean_ms.at(Strategy::near_random));
  EXPECT_GT(mean_ms.at(Strategy::near_random), mean_ms.at(Strategy::spacemoe));
  EXPECT_GE(mean_ms.at(Strategy::rand_intra_cg) / mean_ms.at(Strategy::spacemoe), 2.7);
}

TEST(Paper, StaircaseIsShorterThanGreedy) {
  Scenario scenario = paper();
  scenario.strategies = {Strategy::greedy, Strategy::staircase};
  auto const mean_ms = mean_latencies_ms(scenario);
  EXPECT_LT(mean_ms.at(Strategy::staircase), 0.83 * mean_ms.at(Strategy::greedy));
}

/// Means of the paper's four strategies over a few slots while `change` varies something.
std::vector<std::map<Strategy, double>> trend(std::vector<double> const& values,
                                              std::function<void(Scenario&, double)> const& change) {
  std::vector<std::map<Strategy, double>> means;
  for (double const value : values) {
    Scenario scenario = paper();
    scenario.strategies = {Strategy::rand_place, Strategy::rand_intra, Strategy::rand_intra_cg,
                           Strategy::spacemoe};
    scenario.time.slots = 25;
    scenario.random_placements = 24;  // the trends of random strategies must not drown in their spread
    scenario.tokens = 24000;
    change(scenario, value);
    means.push_back(mean_latencies_ms(scenario));
  }
  return means;
}

void expect_rising(std::vector<std::map<Strategy, double>> const& means,
                   std::vector<Strategy> const& strategies) {
  for (Strategy const strategy : strategies) {
    for (std::size_t i = 1; i < means.size(); ++i) {
      EXPECT_GT(means[i].at(strategy), means[i - 1].at(strategy)) << name(strategy) << ", step " << i;
    }
  }
}

void expect_falling(std::vector<std::map<Strategy, double>> means, std::vector<Strategy> const& strategies) {
  std::reverse(means.begin(), means.end());
  expect_rising(means, strategies);
}

std::vector<Strategy> const baselines{Strategy::rand_place, Strategy::rand_intra, Strategy::rand_intra_cg};
std::vector<Strategy> const all_four{Strategy::rand_place, Strategy::rand_intra, Strategy::rand_intra_cg,
                                     Strategy::spacemoe};

TEST(PaperTrends, LatencyRisesWithAltitude) {
  expect_rising(
      trend({550, 1000, 1500}, [](Scenario& s, double km) { s.constellation.shells[0].altitude_km = km; }),
      all_four);
}

TEST(PaperTrends, LatencyFallsWithSurvival) {
  expect_falling(trend({0.8, 0.9, 1}, [](Scenario& s, double survival) { s.links.survival = survival; }),
                 all_four);
}

TEST(PaperTrends, MorePlanesHelpSpacemoeAndHurtTheBaselines) {
  // F / P stays 6 / 11.
  auto const means = trend({22, 33, 44}, [](Scenario& s, double planes) {
    s.constellation.shells[0].planes = static_cast<std::uint32_t>(planes);
    s.constellation.shells[0].phasing = static_cast<std::uint32_t>(planes) * 6 / 11;
  });
  expect_rising(means, baselines);
  expect_falling(means, {Strategy::spacemoe});
}

TEST(PaperTrends, MoreSatellitesPerPlaneHelpAll) {
  expect_falling(trend({32, 40, 48},
                       [](Scenario& s, double per_plane) {
                         s.constellation.shells[0].satellites_per_plane =
                             static_cast<std::uint32_t>(per_plane);
                       }),
                 all_four);
}

}  // namespace
}  // namespace spacemoe
