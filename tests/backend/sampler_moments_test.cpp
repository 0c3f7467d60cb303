#include <cmath>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/layer_tables.hpp"
#include "host/model/routing_tables.hpp"
#include "tests/support/goodness_of_fit.hpp"

// Both samplers against exact moments and frequencies, with enough tokens to see a bias of a few parts in ten
// thousand of a standard deviation. That all backends draw the same tokens is tested elsewhere.

namespace spacemoe::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint32_t share = 64;  // checks make every token that much dearer
#else
constexpr std::uint32_t share = 1;
#endif
constexpr std::uint32_t many_tokens = 3500'000 / share;

__extension__ using Int128 = __int128;

struct Shape {
  std::uint32_t layers, experts, top_k;
};

constexpr Shape shapes[] = {{32, 8, 2}, {32, 16, 4}, {48, 128, 8}, {58, 256, 8}};

/// A cell of random costs with its exact layer distributions.
struct Cell {
  std::vector<Nanoseconds> layer_ns, expert_ns, queue_ns;
  std::vector<std::uint16_t> host;
  std::vector<std::uint8_t> shares_hosts;
  RoutingTables routing;
  CostView cost;
  std::vector<LayerDistribution> layers;

  Cell(Shape const& shape, RoutingLaw law)
      : layer_ns(shape.layers, 700'000),
        shares_hosts(shape.layers, 0),
        routing(law, log_normal_weights(shape.layers, shape.experts, 0.9, {shape.experts}), shape.top_k) {
    std::mt19937 random(shape.experts);
    for (std::uint32_t i = 0; i < shape.layers * shape.experts; ++i) {
      expert_ns.push_back(static_cast<Nanoseconds>(5'000'000 + random() % 60'000'000));
      queue_ns.push_back(0);
      host.push_back(static_cast<std::uint16_t>(i % shape.experts));
    }
    cost = {shape.layers, shape.experts, 123, layer_ns, expert_ns, queue_ns, host, shares_hosts};
    auto const weights = routing.sampled_weights();
    for (std::uint32_t l = 0; l < shape.layers; ++l) {
      layers.push_back(layer_distribution(law, Span(weights.layer(l), shape.experts), shape.top_k, cost, l));
    }
  }

  LatencyTally by_layers(std::uint64_t seed, std::uint32_t tokens) const {
    LayerTables const tables(layers, cost.fixed_ns);
    return make_cpu_backend()->sample_layers({seed}, std::vector<LayerCell>{{4, 0, tokens, tables.view()}});
  }
  LatencyTally by_routing(std::uint64_t seed, std::uint32_t tokens) const {
    return make_cpu_backend()->sample_tokens(routing.view(), {seed},
                                             std::vector<TokenCell>{{4, 0, tokens, cost}});
  }
};

/// Central moments of a token's latency: cumulants of independent layers add.
struct ExactMoments {
  double mean = 0, variance = 0, fourth = 0;
};

ExactMoments exact_moments(Cell const& cell) {
  ExactMoments token;
  token.mean = static_cast<double>(cell.cost.fixed_ns);
  double excess = 0;
  for (auto const& layer : cell.layers) {
    double const mean = layer.mean_ns();
    double const variance = layer.variance_ns2();
    double fourth = 0;
    for (auto const& atom : layer.atoms) fourth += atom.probability * std::pow(atom.latency_ns - mean, 4);
    token.mean += mean;
    token.variance += variance;
    excess += fourth - 3 * variance * variance;
  }
  token.fourth = 3 * token.variance * token.variance + excess;
  return token;
}

void expect_moments(LatencyTally const& tally, ExactMoments const& exact, Shape const& shape) {
  Moments const& moments = tally.cell.front();
  ASSERT_EQ(moments.delivered, moments.tokens);
  auto const n = static_cast<double>(moments.delivered);
  // About an integer near the mean the sums are exact.
  auto const pivot = static_cast<Int128>(exact.mean);
  auto const count = static_cast<Int128>(moments.delivered);
  auto const sum = static_cast<Int128>(moments.sum_ns) - pivot * count;
  auto const squares = static_cast<Int128>(moments.sum_squares_ns2) -
                       2 * pivot * static_cast<Int128>(moments.sum_ns) + pivot * pivot * count;
  double const mean = static_cast<double>(sum) / n;
  double const mean_deviation = mean - (exact.mean - static_cast<double>(pivot));
  double const variance = static_cast<double>(squares) / n - mean * mean;
  EXPECT_LT(std::abs(mean_deviation) / std::sqrt(exact.variance / n), 4) << shape.experts << " experts";
  double const variance_error = std::sqrt((exact.fourth - exact.variance * exact.variance) / n);
  EXPECT_LT(std::abs(variance - exact.variance) / variance_error, 4) << shape.experts << " experts";
}

void expect_layer_means(LatencyTally const& tally, Cell const& cell) {
  auto const n = static_cast<double>(tally.cell.front().delivered);
  for (std::size_t l = 0; l < cell.layers.size(); ++l) {
    double const mean = static_cast<double>(tally.layer_sum_ns[l]) / n;
    double const error = std::sqrt(cell.layers[l].variance_ns2() / n);
    EXPECT_LT(std::abs(mean - cell.layers[l].mean_ns()) / error, 4.5) << "layer " << l;
  }
}

TEST(SamplerMoments, OrderStatistic) {
  for (Shape const& shape : shapes) {
    Cell const cell(shape, RoutingLaw::plackett_luce);
    auto const exact = exact_moments(cell);
    auto const tally = cell.by_layers(1, many_tokens);
    expect_moments(tally, exact, shape);
    expect_layer_means(tally, cell);
    for (std::uint64_t seed = 2; seed <= 5; ++seed) {
      expect_moments(cell.by_layers(seed, many_tokens / 16), exact, shape);
    }
  }
}

TEST(SamplerMoments, Routing) {
  for (Shape const& shape : shapes) {
    for (RoutingLaw const law : {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson}) {
      Cell const cell(shape, law);
      auto const exact = exact_moments(cell);
      std::uint32_t const tokens =
          law == RoutingLaw::plackett_luce ? many_tokens / 128 : many_tokens / 128 / (shape.experts / 8);
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        auto const tally = cell.by_routing(seed, tokens);
        expect_moments(tally, exact, shape);
        expect_layer_means(tally, cell);
      }
    }
  }
}

/// One layer whose atoms fall into bins of their own; every seventh has hardly a chance, and one is
/// unreachable.
LayerDistribution spread_out(std::uint32_t atoms) {
  LayerDistribution layer;
  double latency = 1e6;
  double sum = 0;
  for (std::uint32_t a = 0; a < atoms; ++a, latency *= 1.01) {
    double const chance = a % 7 == 6 ? 1e-4 : 1 + a % 5;
    layer.atoms.push_back({static_cast<Nanoseconds>(latency), chance});
    sum += chance;
  }
  layer.unreachable = 0.03;
  for (auto& atom : layer.atoms) atom.probability *= (1 - layer.unreachable) / sum;
  return layer;
}

TEST(SamplerMoments, AtomsComeAsOftenAsTheyShould) {
  for (std::uint32_t const atoms : {1u, 2u, 7u, 8u, 15u, 63u, 100u, 127u, 255u, 384u}) {
    // Four layers, of which three cost nothing, so that each of a group's words gets its turn.
    for (std::uint32_t at = 0; at < 4; ++at) {
      std::vector<LayerDistribution> layers(4);
      for (auto& layer : layers) layer.atoms = {{0, 1}};
      layers[at] = spread_out(atoms);
      LayerTables const tables(layers, 0);
      auto const tally = make_cpu_backend()->sample_layers(
          {atoms}, std::vector<LayerCell>{{0, 0, 500'000 / share, tables.view()}});
      std::map<std::uint64_t, std::uint64_t> count;
      std::map<std::uint64_t, double> chance;
      for (auto const& atom : layers[at].atoms) {
        count[atom.latency_ns] = tally.histogram[bin_of(atom.latency_ns)];
        chance[atom.latency_ns] = atom.probability;
      }
      Moments const& moments = tally.cell.front();
      count[unreachable] = moments.tokens - moments.delivered;
      chance[unreachable] = layers[at].unreachable;
      EXPECT_LT(std::abs(chi_square_score(count, chance)), 4) << atoms << " atoms, layer " << at;
    }
  }
}

}  // namespace
}  // namespace spacemoe::testing
