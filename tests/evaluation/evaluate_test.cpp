#include "host/evaluation/evaluate.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/errors.hpp"
#include "host/evaluation/planning.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

Evaluation evaluated(Scenario const& scenario, bool exact = false) {
  EvaluateOptions options;
  options.exact = options.exact_quantiles = exact;
  auto const backend = make_cpu_backend();
  return evaluate(scenario, *backend, options);
}

/// Nodes 0 - 1 - 2 - 3 - 4 in a line, 10 ms per link; two layers, gateways 0 and 4.
Scenario line_scenario() {
  Scenario scenario = small_scenario();
  scenario.constellation.shells.clear();
  scenario.listed_nodes = 5;
  for (std::size_t i = 0; i < 4; ++i)
    scenario.listed_links.push_back({satellite(i), satellite(i + 1), 10'000'000});
  scenario.links = {};
  scenario.time.slots = 2;
  scenario.time.span_s = 0;
  scenario.model.moe_layers = scenario.model.layers = 2;
  scenario.model.experts = 2;
  scenario.model.top_k = 2;
  scenario.weights = uniform_weights(2, 2);
  scenario.strategies = {Strategy::file};
  scenario.capacity = 2;
  scenario.gateways_host_experts = true;
  scenario.file_placements = {
      {2, 2, {satellite(0), satellite(4)}, {satellite(1), satellite(2), satellite(3), satellite(3)}}};
  scenario.tokens = 10;
  return scenario;
}

TEST(Evaluate, LineByHand) {
  // Layer 0: experts on 1 and 2, both 40 ms of path from 0 to 4, 2 ms of compute. Layer 1: both experts on 3,
  // from 4 to 0 over 3 is 40 ms, and the two run one after another. Gateways 0.5 ms each, head 1 ms.
  StrategyResult const result = evaluated(line_scenario(), true).strategies.front();
  EXPECT_DOUBLE_EQ(result.mean_ms, 1 + (0.5 + 40 + 2) + (0.5 + 40 + 4));
  EXPECT_DOUBLE_EQ(result.standard_error_ms, 0);
  EXPECT_DOUBLE_EQ(result.layer_mean_ms[0], 42.5);
  EXPECT_DOUBLE_EQ(result.quantiles[0].lower_ms, 88);
  EXPECT_DOUBLE_EQ(result.quantiles[3].upper_ms, 88);
  EXPECT_DOUBLE_EQ(result.layer_mean_ms[1], 44.5);
  EXPECT_NEAR(result.exact->mean_ms, 88, 1e-9);
  EXPECT_NEAR(result.exact->layer_mean_ms[1], 44.5, 1e-9);
  EXPECT_NEAR(result.exact->quantile_ms[3], 88, 2 * result.exact->grid_ms);
}

TEST(Evaluate, OwnGatewayByHand) {
  Scenario scenario = line_scenario();
  scenario.aggregation = Aggregation::own_gateway;
  // Layer 0: to node 2 and back 40 ms + 2, then on to 4: 40. Layer 1: to 3 and back 20 ms + 4, then on to
  // 0: 40.
  StrategyResult const result = evaluated(scenario, true).strategies.front();
  EXPECT_DOUBLE_EQ(result.mean_ms, 1 + (0.5 + 42 + 40) + (0.5 + 24 + 40));
  EXPECT_NEAR(result.exact->mean_ms, 148, 1e-9);
}

TEST(Evaluate, RatesPerSatelliteAndQueuesByHand) {
  Scenario scenario = line_scenario();
  scenario.compute = {};
  scenario.compute.gateway_compute = scenario.compute.head_compute = false;
  double const flop = 6.0 * 64 * 128;
  // 1 ms on node 1, 3 ms on node 2, 5 ms on node 3.
  scenario.compute.satellite_rate_flop_s = {1, flop / 1e-3, flop / 3e-3, flop / 5e-3, 1};
  EXPECT_DOUBLE_EQ(evaluated(scenario).strategies.front().mean_ms, (40 + 3) + (40 + 10));
}

TEST(Evaluate, OneExpertOfTwoIsAFairMixture) {
  Scenario scenario = line_scenario();
  scenario.model.top_k = 1;
  scenario.file_placements[0].host = {satellite(1), satellite(2), satellite(3), satellite(2)};
  scenario.compute.expert_ms = {2, 2, 2, 8};  // [layer][expert]
  scenario.tokens = 20000;
  StrategyResult const result = evaluated(scenario, true).strategies.front();
  EXPECT_NEAR(result.exact->mean_ms, 1 + 42.5 + 40.5 + 5, 1e-9);
  EXPECT_NEAR(result.exact->standard_deviation_ms, 3, 1e-9);
  EXPECT_NEAR(result.mean_ms, 89, 4 * result.standard_error_ms);
  EXPECT_NEAR(result.standard_error_ms, 3 / std::sqrt(20000.0), 1e-3);
}

TEST(Evaluate, LostTokensAreExcludedAndCounted) {
  Scenario scenario = line_scenario();
  scenario.model.top_k = 1;
  scenario.listed_nodes = 6;  // node 5 has no link
  scenario.file_placements[0].host = {satellite(1), satellite(5), satellite(3), satellite(3)};
  scenario.weights.weight = {3, 1, 1, 1};
  scenario.tokens = 20000;
  StrategyResult const result = evaluated(scenario, true).strategies.front();
  EXPECT_NEAR(result.exact->undeliverable, 0.25, 1e-9);
  EXPECT_NEAR(result.undeliverable, 0.25, 4 * std::sqrt(0.25 * 0.75 / 20000));
  EXPECT_DOUBLE_EQ(result.mean_ms, 1 + 42.5 + 42.5);
  EXPECT_NEAR(result.exact->mean_ms, 86, 1e-9);
}

TEST(Evaluate, PlacementsThatDeliverNothingSaySo) {
  Scenario scenario = line_scenario();
  scenario.listed_nodes = 6;
  scenario.file_placements[0].host = {satellite(1), satellite(5), satellite(3), satellite(3)};
  StrategyResult const result = evaluated(scenario, true).strategies.front();
  EXPECT_TRUE(std::isnan(result.mean_ms));
  EXPECT_TRUE(std::isnan(result.exact->mean_ms));
  EXPECT_DOUBLE_EQ(result.undeliverable, 1);
  EXPECT_DOUBLE_EQ(result.exact->undeliverable, 1);
  EXPECT_TRUE(std::isnan(result.quantiles[0].lower_ms));
}

TEST(Evaluate, LayersThatDoNotFitAreAnError) {
  Scenario scenario = line_scenario();
  scenario.compute.expert_ms = {1060};  // twice on one host, and 40 ms of path
  EXPECT_THROW(evaluated(scenario), ScenarioError);
  scenario.compute.expert_ms = {1040};
  EXPECT_NO_THROW(evaluated(scenario));
}

/// What does not depend on time, threads or batches.
void expect_equal(Evaluation const& a, Evaluation const& b) {
  ASSERT_EQ(a.strategies.size(), b.strategies.size());
  for (std::size_t i = 0; i < a.strategies.size(); ++i) {
    StrategyResult const& x = a.strategies[i];
    StrategyResult const& y = b.strategies[i];
    EXPECT_EQ(x.placements, y.placements);
    EXPECT_EQ(x.tally, y.tally);
    EXPECT_EQ(x.mean_ms, y.mean_ms);
    for (std::size_t q = 0; q < x.quantiles.size(); ++q) {
      EXPECT_EQ(x.quantiles[q].lower_ms, y.quantiles[q].lower_ms);
      EXPECT_EQ(x.quantiles[q].upper_ms, y.quantiles[q].upper_ms);
    }
    EXPECT_EQ(x.standard_error_ms, y.standard_error_ms);
    EXPECT_EQ(x.exact->mean_ms, y.exact->mean_ms);
    EXPECT_EQ(x.exact->standard_deviation_ms, y.exact->standard_deviation_ms);
    EXPECT_EQ(x.exact->quantile_ms, y.exact->quantile_ms);
    EXPECT_EQ(x.exact->layer_mean_ms, y.exact->layer_mean_ms);
  }
}

TEST(Evaluate, ThreadsAndBatchesChangeNothing) {
  Scenario const scenario = small_scenario();
  auto const backend = make_cpu_backend();
  EvaluateOptions options;
  options.exact = true;
  options.exact_quantiles = true;
  Evaluation reference;
  with_threads(1, [&] { reference = evaluate(scenario, *backend, options); });
  for (unsigned const threads : {1u, 2u, 3u, 7u}) {
    for (std::uint64_t const batch_bytes : {std::uint64_t{1}, std::uint64_t{20000}, std::uint64_t{1} << 30}) {
      options.batch_bytes = batch_bytes;
      with_threads(threads, [&] { expect_equal(evaluate(scenario, *backend, options), reference); });
    }
  }
  options.batch_bytes = 1;
  EXPECT_EQ(slots_per_batch(scenario, options), 1u);
}

/// Has another backend do the work, and notes down the latency of every token that it samples.
class TokenRecorder final : public Backend {
 public:
  std::string_view name() const override { return "recorder"; }

  std::unique_ptr<PathTable> path_latencies(SnapshotBatch const& batch,
                                            std::span<SatelliteId const> sources) override {
    return backend_->path_latencies(batch, sources);
  }
  LatencyTally sample_tokens(RoutingView const& routing, Seed seed,
                             std::span<TokenCell const> cells) override {
    record(routing.layers, cells,
           [&](TokenCell const& cell, std::uint32_t token, Span<Nanoseconds> layer_ns) {
             return token_latency(routing, cell.cost, seed, cell.slot, token, layer_ns);
           });
    return backend_->sample_tokens(routing, seed, cells);
  }
  LatencyTally sample_layers(Seed seed, std::span<LayerCell const> cells) override {
    std::uint32_t const layers = cells.empty() ? 0 : cells.front().tables.layers;
    record(layers, cells, [&](LayerCell const& cell, std::uint32_t token, Span<Nanoseconds> layer_ns) {
      return token_latency(cell.tables, seed, cell.slot, token, layer_ns);
    });
    return backend_->sample_layers(seed, cells);
  }
  std::vector<std::uint64_t> find_tokens(RoutingView const& routing, Seed seed,
                                         std::span<TokenCell const> cells,
                                         std::span<std::uint32_t const> bins) override {
    return backend_->find_tokens(routing, seed, cells, bins);
  }
  std::vector<std::uint64_t> find_layers(Seed seed, std::span<LayerCell const> cells,
                                         std::span<std::uint32_t const> bins) override {
    return backend_->find_layers(seed, cells, bins);
  }
  std::vector<Nanoseconds> draw_common(Seed seed, std::span<CommonDraws const> draws) override {
    return backend_->draw_common(seed, draws);
  }
  std::unique_ptr<MoveScorer> move_scorer(SnapshotBatch const& batch, std::span<SatelliteId const> sources,
                                          ScoringTables const& tables) override {
    return backend_->move_scorer(batch, sources, tables);
  }

  /// Sorted latencies [ns] of the delivered tokens.
  std::vector<std::uint64_t> latencies_ns() {
    std::ranges::sort(latency_ns_);
    return latency_ns_;
  }

 private:
  template <class Cell, class Latency>
  void record(std::uint32_t layers, std::span<Cell const> cells, Latency latency) {
    std::vector<Nanoseconds> layer_ns(layers);
    for (Cell const& cell : cells) {
      for (std::uint32_t token = cell.first; token < cell.first + cell.count; ++token) {
        std::uint64_t const latency_ns = latency(cell, token, layer_ns);
        if (latency_ns != undeliverable) latency_ns_.push_back(latency_ns);
      }
    }
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  std::vector<std::uint64_t> latency_ns_;
};

TEST(Evaluate, ExactQuantilesAreThoseOfAllTokensSorted) {
  Scenario scenario = small_scenario();
  EvaluateOptions options;
  options.exact_quantiles = true;
  for (Sampler const sampler : {Sampler::routing, Sampler::order_statistic}) {
    for (Strategy const strategy : {Strategy::rand_place, Strategy::spacemoe}) {
      scenario.sampler = sampler;
      scenario.strategies = {strategy};
      TokenRecorder recorder;
      StrategyResult const result = evaluate(scenario, recorder, options).strategies.front();
      std::vector<std::uint64_t> const all_ns = recorder.latencies_ns();
      ASSERT_EQ(all_ns.size(), result.delivered);
      for (std::size_t q = 0; q < result.quantiles.size(); ++q) {
        std::size_t const rank = (all_ns.size() * quantile_per_mille[q] + 999) / 1000;
        EXPECT_EQ(result.quantiles[q].lower_ms, static_cast<double>(all_ns[rank - 1]) / 1e6);
        EXPECT_EQ(result.quantiles[q].upper_ms, result.quantiles[q].lower_ms);
      }
    }
  }
}

TEST(Evaluate, ProgressReachesItsEnd) {
  Scenario const scenario = small_scenario();
  auto const backend = make_cpu_backend();
  EvaluateOptions options;
  for (bool const exact_quantiles : {false, true}) {
    options.exact_quantiles = exact_quantiles;
    std::uint64_t reached = 0, end = 0;
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      EXPECT_GE(done, reached);
      reached = done;
      end = total;
    };
    evaluate(scenario, *backend, options);
    EXPECT_EQ(reached, end);
    EXPECT_EQ(end, scenario.tokens * scenario.strategies.size() * (exact_quantiles ? 2 : 1));
  }
}

TEST(Evaluate, StrategiesShareDraws) {
  Scenario scenario = small_scenario();
  Evaluation const first = evaluated(scenario);
  scenario.file_placements = first.strategies[2].placements;
  scenario.strategies = {Strategy::file, Strategy::spacemoe};
  Evaluation const second = evaluated(scenario);
  EXPECT_EQ(second.strategies[0].tally, first.strategies[2].tally);
  EXPECT_EQ(second.strategies[1].tally, first.strategies[2].tally);
}

TEST(Evaluate, SeedsChangeOutagesPlacementsAndTokens) {
  Scenario scenario = small_scenario();
  Evaluation const first = evaluated(scenario);
  scenario.seed = {2};
  Evaluation const second = evaluated(scenario);
  EXPECT_FALSE(first.strategies[0].placements == second.strategies[0].placements);
  EXPECT_FALSE(first.strategies[2].tally == second.strategies[2].tally);
}

TEST(Planning, UsesOutagesOfItsOwn) {
  Scenario const scenario = small_scenario();
  Network const network = make_network(scenario);
  SnapshotBatch const planned = snapshots(scenario, network, 2, 3, Purpose::planning_outage);
  SnapshotBatch const evaluated_on = snapshots(scenario, network, 2, 3, Purpose::evaluation_outage);
  EXPECT_NE(planned.latency_ns, evaluated_on.latency_ns);
  // Slot 4 is the same whichever slots are taken with it.
  SnapshotBatch const alone = snapshots(scenario, network, 4, 1, Purpose::planning_outage);
  std::size_t const ports = alone.latency_ns.size();
  EXPECT_TRUE(std::equal(alone.latency_ns.begin(), alone.latency_ns.end(),
                         planned.latency_ns.begin() + 2 * static_cast<std::ptrdiff_t>(ports)));
}

TEST(Planning, AnUnreachableSlotCountsTwiceItsGreatestLatency) {
  // Greedy takes as second gateway the nearest satellite of the first, 0. Node 5 is cut off: its slots count
  // as twice the 40 ms of node 4, so it comes last and hosts only when everything else is taken.
  Scenario scenario = line_scenario();
  scenario.listed_nodes = 6;
  scenario.strategies = {Strategy::greedy};
  scenario.capacity = 1;
  scenario.gateways_host_experts = false;
  Evaluation const evaluation = evaluated(scenario);
  Placement const& placement = evaluation.strategies.front().placements.front();
  EXPECT_EQ(index(placement.gateway[1]), 1u);
  EXPECT_THAT(placement.host, ::testing::ElementsAre(satellite(2), satellite(3), satellite(4), satellite(5)));
}

TEST(Redundancy, PlacementsOfFilesAreTakenAsTheyAreOrGetTheScenarios) {
  Scenario scenario = small_scenario();
  scenario.constellation.shells.front().satellites_per_plane = 9;
  scenario.strategies = {Strategy::spacemoe};
  Evaluation const bare = evaluated(scenario);
  scenario.redundancy.replicas = 1;
  scenario.redundancy.spare_gateways = 1;
  Evaluation const planned = evaluated(scenario);
  auto const placements = [](Evaluation const& evaluation) {
    return evaluation.strategies.front().placements;
  };
  ASSERT_EQ(placements(planned)[0].replica.size(), 20u);
  ASSERT_EQ(placements(planned)[0].spare.size(), 4u);

  // Without redundancy of its own, like planned.
  scenario.strategies = {Strategy::file};
  scenario.file_placements = placements(bare);
  Evaluation const completed = evaluated(scenario);
  EXPECT_EQ(placements(completed), placements(planned));
  EXPECT_EQ(completed.strategies[0].tally, planned.strategies[0].tally);

  // With some, even if it is less than the scenario's, or if the scenario has none.
  Placement some = placements(planned)[0];
  some.replica.resize(3);
  some.spare.clear();
  scenario.file_placements = {some, placements(planned)[0]};
  EXPECT_EQ(placements(evaluated(scenario)), scenario.file_placements);
  scenario.redundancy = {};
  EXPECT_EQ(placements(evaluated(scenario)), scenario.file_placements);
}

TEST(Redundancy, TakesMemory) {
  Scenario scenario = small_scenario();
  EvaluateOptions options;
  double const bare = evaluation_bytes(scenario, options);
  scenario.redundancy.replicas = 3;
  double const replicated = evaluation_bytes(scenario, options);
  EXPECT_GT(replicated, bare);
  scenario.redundancy.spare_gateways = 2;
  EXPECT_GT(evaluation_bytes(scenario, options), replicated);
  // The same, given.
  scenario.strategies = {Strategy::file};
  Placement placement{4, 5, std::vector(4, satellite(0)), std::vector(20, satellite(1))};
  scenario.file_placements = {placement};
  double const planned = evaluation_bytes(scenario, options);
  for (std::uint32_t i = 0; i < 60; ++i) placement.replica.push_back({i / 15, i / 3 % 5, satellite(2)});
  for (std::uint32_t i = 0; i < 8; ++i) placement.spare.push_back({i / 2, satellite(3)});
  scenario.file_placements = {placement};
  EXPECT_EQ(evaluation_bytes(scenario, options), planned);
}

/// z-scores of sampled means against exact ones, over seeds, strategies and models.
class SampledAgainstExact : public ::testing::Test {
 protected:
  void add(Scenario scenario, std::uint32_t seeds) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      scenario.seed = {seed};
      for (auto const& result : evaluated(scenario, true).strategies) {
        if (result.standard_error_ms > 0) {
          mean_scores_.push_back((result.mean_ms - result.exact->mean_ms) / result.standard_error_ms);
        }
        add_variance(result);
        add_lost(result);
      }
    }
  }

  static void expect_standard_normal(std::vector<double> const& scores, char const* what) {
    auto const n = static_cast<double>(scores.size());
    double sum = 0;
    double squares = 0;
    for (double const z : scores) {
      EXPECT_LT(std::abs(z), 4.5) << what;
      sum += z;
      squares += z * z;
    }
    EXPECT_LT(std::abs(sum / std::sqrt(n)), 3.5) << what << ": mean of " << n << " scores";
    EXPECT_NEAR(squares / n, 1, 4 * std::sqrt(2 / n)) << what << ": variance of " << n << " scores";
  }

  std::vector<double> mean_scores_;
  std::vector<double> variance_scores_;
  std::vector<double> lost_scores_;

 private:
  /// Error of a variance: sqrt((m4 - variance^2) / n), the fourth moment from the histogram.
  void add_variance(StrategyResult const& result) {
    double const exact_variance = std::pow(result.exact->standard_deviation_ms, 2);
    double fourth = 0;
    for (std::uint32_t bin = 0; bin < result.tally.histogram.size(); ++bin) {
      if (result.tally.histogram[bin] == 0) continue;
      double const middle_ms =
          (static_cast<double>(bin_lower(bin)) + static_cast<double>(bin_lower(bin + 1))) / 2e6;
      fourth += static_cast<double>(result.tally.histogram[bin]) * std::pow(middle_ms - result.mean_ms, 4);
    }
    auto const n = static_cast<double>(result.delivered);
    double const error = std::sqrt((fourth / n - exact_variance * exact_variance) / n);
    double const variance = std::pow(result.standard_deviation_ms, 2);
    if (error > 0) variance_scores_.push_back((variance - exact_variance) / error);
  }

  void add_lost(StrategyResult const& result) {
    double const p = result.exact->undeliverable;
    double const error = std::sqrt(p * (1 - p) / static_cast<double>(result.tokens));
    if (p * static_cast<double>(result.tokens) > 20)
      lost_scores_.push_back((result.undeliverable - p) / error);
  }
};

TEST_F(SampledAgainstExact, BothLawsOneExpertPerHost) {
  for (auto const law : {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson}) {
    Scenario scenario = small_scenario();
    scenario.law = law;
    add(scenario, 12);
  }
  expect_standard_normal(mean_scores_, "mean");
  for (double const z : variance_scores_) EXPECT_LT(std::abs(z), 4.5);
}

TEST_F(SampledAgainstExact, SeveralExpertsPerHost) {
  for (auto const law : {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson}) {
    Scenario scenario = small_scenario();
    scenario.law = law;
    scenario.model.experts = 12;
    scenario.model.top_k = 4;
    scenario.weights = log_normal_weights(4, 12, 1, {3});
    scenario.capacity = 4;
    scenario.strategies = {Strategy::rand_intra_cg, Strategy::colocated, Strategy::spacemoe};
    add(scenario, 8);
  }
  expect_standard_normal(mean_scores_, "mean");
  for (double const z : variance_scores_) EXPECT_LT(std::abs(z), 4.5);
}

TEST_F(SampledAgainstExact, UndeliverableTokens) {
  Scenario scenario = small_scenario();
  scenario.links.survival = 0.6;
  add(scenario, 12);
  ASSERT_GT(lost_scores_.size(), 20u);
  expect_standard_normal(mean_scores_, "mean");
  for (double const z : lost_scores_) EXPECT_LT(std::abs(z), 4.5);
}

TEST_F(SampledAgainstExact, OwnGateway) {
  Scenario scenario = small_scenario();
  scenario.aggregation = Aggregation::own_gateway;
  add(scenario, 8);
  expect_standard_normal(mean_scores_, "mean");
}

}  // namespace
}  // namespace spacemoe::testing
