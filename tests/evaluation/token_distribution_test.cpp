#include "host/evaluation/token_distribution.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/philox.hpp"

namespace spacemoe {
namespace {

using Atoms = std::vector<LayerDistribution::Atom>;

LayerDistribution layer(Atoms atoms, double unreachable_chance = 0) {
  LayerDistribution distribution;
  distribution.atoms = std::move(atoms);
  distribution.unreachable = unreachable_chance;
  return distribution;
}

/// Every sum of the layers' atoms, with its probability.
std::map<double, double> enumerate(std::vector<LayerDistribution> const& layers, double fixed_ns) {
  std::map<double, double> sums{{fixed_ns, 1.0}};
  for (auto const& l : layers) {
    std::map<double, double> next;
    for (auto const& [sum, p] : sums) {
      for (auto const& atom : l.atoms) next[sum + atom.latency_ns] += p * atom.probability;
    }
    sums = std::move(next);
  }
  return sums;
}

double mass(std::map<double, double> const& sums) {
  double total = 0;
  for (auto const& [sum, p] : sums) total += p;
  return total;
}

double quantile(std::map<double, double> const& sums, double level) {
  double const wanted = level * mass(sums);
  double total = 0;
  for (auto const& [sum, p] : sums) {
    if ((total += p) >= wanted) return sum;
  }
  return sums.rbegin()->first;
}

double exact_mean(std::map<double, double> const& sums) {
  double weighted = 0;
  for (auto const& [sum, p] : sums) weighted += p * sum;
  return weighted / mass(sums);
}

/// Mean by the steps of the cumulative distribution on its grid, between two latencies [ns].
double grid_mean(TokenDistribution const& tokens, double step_ns, double from_ns, double to_ns) {
  double mean = 0;
  double before = 0;
  for (double i = std::floor(from_ns / step_ns); i * step_ns <= to_ns; ++i) {
    double const now = tokens.cumulative(i * step_ns);
    mean += (now - before) * i * step_ns;
    before = now;
  }
  return mean;
}

/// Layers of a few atoms at odd places; the second loses some tokens.
std::vector<LayerDistribution> three_layers() {
  return {layer({{1003, 0.25}, {1017, 0.5}, {1291, 0.25}}), layer({{777, 0.125}, {808, 0.625}}, 0.25),
          layer({{55, 0.5}, {402, 0.3}, {403, 0.1}, {1999, 0.1}})};
}

TEST(TokenDistribution, AtomsOnTheGridAreExact) {
  TokenDistribution tokens(1);
  auto const layers = three_layers();
  tokens.add(layers, 13, 1);
  double cumulative = 0;
  auto const sums = enumerate(layers, 13);
  for (auto const& [sum, p] : sums) {
    EXPECT_NEAR(tokens.cumulative(sum - 1), cumulative / 0.75, 1e-15);
    cumulative += p;
    EXPECT_NEAR(tokens.cumulative(sum), cumulative / 0.75, 1e-15);
  }
  EXPECT_EQ(tokens.quantile_ns(0), sums.begin()->first);
  EXPECT_EQ(tokens.quantile_ns(1), sums.rbegin()->first);
}

TEST(TokenDistribution, MassIsTheChanceThatEveryLayerIsReachable) {
  TokenDistribution tokens(10);
  tokens.add({layer({{5, 0.75}}, 0.25), layer({{7, 0.4}, {9, 0.4}}, 0.2)}, 0, 0.5);
  EXPECT_NEAR(tokens.mass(), 0.5 * 0.75 * 0.8, 1e-15);
  tokens.add({layer({{5, 0.75}}, 0.25), layer({}, 1)}, 0, 0.5);
  EXPECT_NEAR(tokens.mass(), 0.5 * 0.75 * 0.8, 1e-15);
}

TEST(TokenDistribution, SplittingKeepsTheMean) {
  for (double const step : {3.0, 10.0, 64.0, 1000.0}) {
    TokenDistribution tokens(step);
    auto const layers = three_layers();
    tokens.add(layers, 123.25, 1);
    double const exact = exact_mean(enumerate(layers, 123.25));
    EXPECT_NEAR(grid_mean(tokens, step, 0, 10000), exact, 1e-9) << step;
  }
}

TEST(TokenDistribution, QuantilesAreWithinLayersTimesStep) {
  for (double const step : {1.0, 7.0, 50.0, 300.0}) {
    for (double const fixed : {0.0, 0.5, 129.5}) {
      TokenDistribution tokens(step);
      auto const layers = three_layers();
      tokens.add(layers, fixed, 1);
      auto const exact = enumerate(layers, fixed);
      for (double level = 0.005; level < 1; level += 0.01) {
        EXPECT_LE(std::abs(tokens.quantile_ns(level) - quantile(exact, level)), 3 * step)
            << step << ' ' << level;
      }
    }
  }
}

TEST(TokenDistribution, CellsMixByTheirWeights) {
  std::vector<LayerDistribution> const early{layer({{100, 0.5}, {200, 0.5}})};
  std::vector<LayerDistribution> const late{layer({{5000, 0.8}}, 0.2)};
  TokenDistribution late_first(10), early_first(10), merged(10), part(10);
  late_first.add(late, 0, 0.75);
  late_first.add(early, 0, 0.25);
  early_first.add(early, 0, 0.25);
  early_first.add(late, 0, 0.75);
  part.add(late, 0, 0.75);
  merged.add(early, 0, 0.25);
  merged.add(part);
  merged.add(TokenDistribution(10));
  for (auto const* tokens : {&late_first, &early_first, &merged}) {
    EXPECT_NEAR(tokens->mass(), 0.25 + 0.75 * 0.8, 1e-15);
    EXPECT_NEAR(tokens->cumulative(99), 0, 1e-15);
    EXPECT_NEAR(tokens->cumulative(100), 0.125 / 0.85, 1e-15);
    EXPECT_NEAR(tokens->cumulative(200), 0.25 / 0.85, 1e-15);
    EXPECT_NEAR(tokens->cumulative(4999), 0.25 / 0.85, 1e-15);
    EXPECT_NEAR(tokens->cumulative(5000), 1, 1e-15);
    EXPECT_EQ(tokens->quantile_ns(0.14), 100);
    EXPECT_EQ(tokens->quantile_ns(0.15), 200);
    EXPECT_EQ(tokens->quantile_ns(0.3), 5000);
  }
}

TEST(TokenDistribution, ManyLayersApproachTheNormalDistribution) {
  std::vector<LayerDistribution> layers;
  double mean = 0;
  double variance = 0;
  for (std::uint32_t l = 0; l < 60; ++l) {
    Atoms atoms;
    for (std::uint32_t e = 0; e < 8; ++e) {
      atoms.push_back({e * 100000 + philox4x32({{l, e, 0, 0}}, {{0, 0}}).word[0] % 100000, 0.125});
    }
    layers.push_back(layer(atoms));
    mean += layers.back().mean_ns();
    variance += layers.back().variance_ns2();
  }
  TokenDistribution tokens(1000);
  tokens.add(layers, 0, 1);
  // 60 nearly flat layers: the excess kurtosis of the sum is -1.2 / 60, worth less than 0.001 of probability.
  for (double z = -3; z <= 3; z += 0.25) {
    double const normal = 0.5 * std::erfc(-z / std::sqrt(2.0));
    EXPECT_NEAR(tokens.cumulative(mean + z * std::sqrt(variance)), normal, 0.002);
  }
}

TEST(TokenDistribution, NothingDeliverableHasNoQuantile) {
  TokenDistribution tokens(1);
  tokens.add({layer({}, 1)}, 0, 1);
  EXPECT_EQ(tokens.mass(), 0);
  EXPECT_TRUE(std::isnan(tokens.quantile_ns(0.5)));
  EXPECT_TRUE(std::isnan(tokens.cumulative(10)));
}

TEST(TokenDistribution, GridsDoNotMix) {
  TokenDistribution tokens(1);
  EXPECT_THROW(tokens.add(TokenDistribution(2)), std::logic_error);
}

}  // namespace
}  // namespace spacemoe
