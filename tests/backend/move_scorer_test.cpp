#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "host/evaluation/scoring_tables.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/graphs.hpp"

namespace spacemoe::testing {
namespace {

struct Size {
  std::uint32_t experts;
  std::uint32_t top_k;
};

/// Models of one expert up to more than fit a register, odd numbers included.
constexpr Size sizes[] = {{1, 1},  {3, 2},  {8, 2},  {8, 8},  {11, 3}, {16, 4},
                          {17, 1}, {19, 4}, {33, 6}, {40, 8}, {130, 8}};
constexpr std::uint32_t satellites = 144;
constexpr RoutingLaw laws[] = {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson};

/// A shell of 12 x 12 satellites that loses so many links that some satellites are cut off.
Graph lossy_shell(std::uint32_t snapshots, double survival) {
  Shell shell;
  shell.altitude_km = 600;
  shell.inclination_deg = 70;
  shell.planes = 12;
  shell.satellites_per_plane = 12;
  shell.phasing = 1;
  LinkRules rules;
  rules.survival = survival;
  return shells("lossy shell", {shell}, rules, snapshots);
}

/// A scoring problem with random changes in it.
struct Problem {
  Graph graph;
  ScoringTables tables;
  ActivationWeights weights;
  std::vector<SatelliteId> sources;
  std::vector<LayerChange> changes;
  std::vector<SatelliteId> hosts;
};

/// Weights over three decades; some are zero where there are experts to spare.
ActivationWeights random_weights(Size size) {
  ActivationWeights weights = log_normal_weights(2, size.experts, 1.2, {size.experts * 100 + size.top_k});
  if (size.experts > size.top_k + 2) weights.weight[1] = 0;
  return weights;
}

ComputeTimes compute_times(Size size, bool given) {
  MoeModel model;
  model.layers = model.moe_layers = 2;
  model.experts = size.experts;
  model.top_k = size.top_k;
  model.hidden_size = 1024;
  model.expert_size = 512;
  ComputeSpec spec;
  if (given) {
    for (std::uint32_t i = 0; i < 2 * size.experts; ++i) spec.expert_ms.push_back(0.1 * (i % 7));
  } else {
    for (std::uint32_t s = 0; s < satellites; ++s) spec.satellite_rate_flop_s.push_back(1e9 * (1 + s % 5));
  }
  return {model, spec};
}

Problem problem(RoutingLaw law, Size size, ActivationWeights const& weights, std::uint32_t snapshots,
                double survival, bool shared) {
  std::mt19937 random(size.experts * 100 + size.top_k);
  Problem p{lossy_shell(snapshots, survival),
            ScoringTables(law, weights, size.top_k, compute_times(size, shared), satellites),
            weights,
            {satellite(3), satellite(40), satellite(17), satellite(71)},
            {},
            {}};
  for (std::uint32_t change = 0; change < 5; ++change) {
    std::vector<SatelliteId> all;
    for (std::uint32_t s = 0; s < satellites; ++s) all.push_back(satellite(s));
    std::ranges::shuffle(all, random);
    auto const aggregation = static_cast<std::uint32_t>(random() % 4);
    bool const ways_on = change % 2 == 1;
    p.changes.push_back({change % 2, static_cast<std::uint32_t>(random() % 4), aggregation,
                         ways_on ? 25 : static_cast<std::uint32_t>(index(p.sources[aggregation])),
                         1000 * change, p.hosts.size()});
    for (std::uint32_t e = 0; e < size.experts; ++e) p.hosts.push_back(all[shared ? e / 3 : e]);
  }
  return p;
}

Problem problem(RoutingLaw law, Size size, std::uint32_t snapshots, double survival, bool shared) {
  return problem(law, size, random_weights(size), snapshots, survival, shared);
}

/// Distribution of a changed layer in one slot, from path latencies that the backend finds.
LayerDistribution distribution(Problem const& p, PathTable const& paths, RoutingLaw law, std::uint32_t top_k,
                               LayerChange const& change, std::uint32_t slot) {
  std::uint32_t const experts = p.tables.experts();
  std::vector<Nanoseconds> expert_ns, queue_ns;
  std::vector<std::uint16_t> host;
  for (std::uint32_t e = 0; e < experts; ++e) {
    SatelliteId const at = p.hosts[change.first_host + e];
    PathQuery const queries[] = {{change.gateway, at}, {change.aggregation, at}};
    auto const ways = paths.gather(queries);  // [slot][way]
    auto const own = static_cast<Nanoseconds>(p.tables.expert_ns()[change.layer * experts + e] +
                                              p.tables.satellite_ns()[index(at)]);
    expert_ns.push_back(add_latency(add_latency(ways[2 * slot], ways[2 * slot + 1]), own));
    queue_ns.push_back(own);
    host.push_back(static_cast<std::uint16_t>(index(at)));
  }
  PathQuery const forward[] = {{change.aggregation, satellite(change.forward)}};
  std::vector<Nanoseconds> const layer_ns{
      add_latency(paths.gather(forward)[slot], static_cast<Nanoseconds>(change.gateway_ns))};
  std::vector<std::uint8_t> const shares{shares_hosts(std::span(p.hosts).subspan(change.first_host, experts))
                                             ? std::uint8_t{1}
                                             : std::uint8_t{0}};
  CostView const cost{1, experts, 0, layer_ns, expert_ns, queue_ns, host, shares};
  return layer_distribution(law, {p.weights.layer(change.layer), experts}, top_k, cost, 0);
}

void expect_distribution(LayerDistribution const& expected, LayerScores const& scores, std::size_t at) {
  EXPECT_NEAR(scores.delivered[at], 1 - expected.unreachable, 2e-9);
  if (1 - expected.unreachable < 1e-6) return;  // hardly any token to speak of
  double const scale = expected.atoms.back().latency_ns / (1 - expected.unreachable);
  EXPECT_NEAR(scores.mean_ns[at], expected.mean_ns(), 4e-9 * scale);
  EXPECT_NEAR(scores.variance_ns2[at], expected.variance_ns2(), 2e-8 * scale * scale);
}

class MoveScorerTest : public EveryBackend {
 protected:
  LayerScores scores_of(Problem const& p) {
    LayerScores scores;
    run([&] {
      scores = backend().move_scorer(p.graph.batch, p.sources, p.tables)->score(p.changes, p.hosts);
    });
    return scores;
  }
};

TEST_P(MoveScorerTest, ScoresAreMomentsOfTheLayerDistribution) {
  for (double const survival : {1.0, 0.75}) {
    for (RoutingLaw const law : laws) {
      for (Size const size : sizes) {
        SCOPED_TRACE(::testing::Message()
                     << size.experts << " experts, top " << size.top_k << ", survival " << survival);
        auto const p = problem(law, size, 3, survival, false);
        auto const scores = scores_of(p);
        auto const paths = backend().path_latencies(p.graph.batch, p.sources);
        ASSERT_EQ(scores.mean_ns.size(), p.changes.size() * 3);
        for (std::size_t c = 0; c < p.changes.size(); ++c) {
          for (std::uint32_t slot = 0; slot < 3; ++slot) {
            expect_distribution(distribution(p, *paths, law, size.top_k, p.changes[c], slot), scores,
                                c * 3 + slot);
          }
        }
      }
    }
  }
}

TEST_P(MoveScorerTest, ScoresAreMomentsWhereWeightsAreFarApart) {
  // Odds of arrival reach their limit, and products of them would overflow, before the last have arrived; and
  // fewer heavy experts than are drawn leave the race open until then.
  for (std::uint32_t const heavy : {2u, 7u, 20u}) {
    for (Size const size : {Size{40, 8}, Size{33, 5}}) {
      SCOPED_TRACE(::testing::Message() << heavy << " heavy of " << size.experts << " experts");
      ActivationWeights weights = random_weights(size);
      for (std::size_t i = 0; i < weights.weight.size(); ++i) {
        if (i * 7 % size.experts >= heavy) weights.weight[i] *= i % 2 == 0 ? 1e-6 : 1e-7;
      }
      auto const p = problem(RoutingLaw::plackett_luce, size, weights, 2, 1, false);
      auto const scores = scores_of(p);
      auto const paths = backend().path_latencies(p.graph.batch, p.sources);
      for (std::size_t c = 0; c < p.changes.size(); ++c) {
        for (std::uint32_t slot = 0; slot < 2; ++slot) {
          expect_distribution(
              distribution(p, *paths, RoutingLaw::plackett_luce, size.top_k, p.changes[c], slot), scores,
              c * 2 + slot);
        }
      }
    }
  }
}

TEST_P(MoveScorerTest, ExpertsThatShareHostsQueue) {
  for (RoutingLaw const law : laws) {
    auto const p = problem(law, {9, 3}, 2, 0.9, true);
    auto const scores = scores_of(p);
    auto const paths = backend().path_latencies(p.graph.batch, p.sources);
    for (std::size_t c = 0; c < p.changes.size(); ++c) {
      for (std::uint32_t slot = 0; slot < 2; ++slot) {
        expect_distribution(distribution(p, *paths, law, 3, p.changes[c], slot), scores, c * 2 + slot);
      }
    }
  }
}

TEST_P(MoveScorerTest, SameBitsAsTheReference) {
  InstructionSet const own = instruction_set();
  for (RoutingLaw const law : laws) {
    for (Size const size : sizes) {
      for (std::uint32_t const snapshots : {1u, 7u, 8u, 9u, 33u}) {
        auto const p = problem(law, size, snapshots, 0.8, size.experts == 11);
        auto const scores = scores_of(p);
        use_instruction_set(InstructionSet::scalar);
        auto const expected =
            make_cpu_backend()->move_scorer(p.graph.batch, p.sources, p.tables)->score(p.changes, p.hosts);
        use_instruction_set(own);
        EXPECT_EQ(scores.mean_ns, expected.mean_ns);
        EXPECT_EQ(scores.variance_ns2, expected.variance_ns2);
        EXPECT_EQ(scores.delivered, expected.delivered);
      }
    }
  }
}

TEST_P(MoveScorerTest, TwoExpertsByHand) {
  // A line 0 - 1 - 2 - 3 of 10, 11, 12 ns; from 0 to 1, experts on 2 and 3, one drawn with odds 3 to 1.
  Graph const graph = line(4);
  ActivationWeights const weights{1, 2, {0.75, 0.25}};
  MoeModel model;
  model.layers = model.moe_layers = 1;
  model.experts = 2;
  ComputeSpec spec;
  spec.expert_ms = {1e-6};  // 1 ns
  ScoringTables const tables(RoutingLaw::plackett_luce, weights, 1, {model, spec}, 4);
  SatelliteId const sources[] = {satellite(0), satellite(1)};
  SatelliteId const hosts[] = {satellite(2), satellite(3)};
  LayerChange const change{0, 0, 1, 1, 5, 0};
  LayerScores scores;
  run([&] { scores = backend().move_scorer(graph.batch, sources, tables)->score({&change, 1}, hosts); });
  double const near = 5 + 21 + 1 + 11;
  double const far = 5 + 33 + 1 + 23;
  EXPECT_DOUBLE_EQ(scores.mean_ns[0], 0.75 * near + 0.25 * far);
  EXPECT_DOUBLE_EQ(scores.variance_ns2[0], 0.75 * 0.25 * (far - near) * (far - near));
  EXPECT_EQ(scores.delivered[0], 1);
}

TEST_P(MoveScorerTest, WholeWarpsAndBlocksOfSlots) {
  for (Size const size : {Size{3, 2}, Size{17, 2}}) {
    auto const whole = problem(RoutingLaw::plackett_luce, size, 129, 0.8, false);
    auto const expected = scores_of(whole);
    for (std::uint32_t const snapshots : {0u, 31u, 32u, 128u}) {
      auto some = problem(RoutingLaw::plackett_luce, size, 129, 0.8, false);
      some.graph.batch = part(some.graph.batch, 0, snapshots);
      auto const scores = scores_of(some);
      ASSERT_EQ(scores.mean_ns.size(), some.changes.size() * snapshots);
      for (std::size_t i = 0; i < scores.mean_ns.size(); ++i) {
        std::size_t const at = i / snapshots * 129 + i % snapshots;
        ASSERT_EQ(scores.mean_ns[i], expected.mean_ns[at]) << i;
        ASSERT_EQ(scores.variance_ns2[i], expected.variance_ns2[at]) << i;
        ASSERT_EQ(scores.delivered[i], expected.delivered[at]) << i;
      }
    }
  }
}

TEST_P(MoveScorerTest, MoreChangesThanAGridHasRows) {
  auto p = problem(RoutingLaw::plackett_luce, {3, 2}, 1, 0.8, false);
  auto const few = scores_of(p);
  std::vector<LayerChange> const pattern = p.changes;
  for (std::size_t c = pattern.size(); c < 65537; ++c) p.changes.push_back(pattern[c % pattern.size()]);
  auto const scores = scores_of(p);
  for (std::size_t c = 0; c < p.changes.size(); ++c) {
    ASSERT_EQ(scores.mean_ns[c], few.mean_ns[c % pattern.size()]) << c;
  }
}

TEST_P(MoveScorerTest, CostsThatNoLatencyHoldsAreUnreachable) {
  // Compute of 1.2 s on the way is a latency, of 2.2 s is none; alone on a host or not.
  Graph const graph = line(4);
  ActivationWeights const weights{1, 2, {0.75, 0.25}};
  MoeModel model;
  model.layers = model.moe_layers = 1;
  model.experts = 2;
  ComputeSpec spec;
  spec.expert_ms = {1200, 2200};
  ScoringTables const tables(RoutingLaw::plackett_luce, weights, 1, {model, spec}, 4);
  SatelliteId const sources[] = {satellite(0)};
  SatelliteId const hosts[] = {satellite(2), satellite(3), satellite(2), satellite(2)};
  LayerChange const changes[] = {{0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 2}};
  LayerScores scores;
  run([&] { scores = backend().move_scorer(graph.batch, sources, tables)->score(changes, hosts); });
  for (std::size_t const change : {0u, 1u}) {
    EXPECT_DOUBLE_EQ(scores.delivered[change], 0.75);
    EXPECT_DOUBLE_EQ(scores.mean_ns[change], 1'200'000'000 + 42);
  }
}

TEST_P(MoveScorerTest, NoChangesNoScores) {
  auto p = problem(RoutingLaw::plackett_luce, {3, 2}, 2, 1, false);
  p.changes.clear();
  EXPECT_TRUE(scores_of(p).mean_ns.empty());
}

INSTANTIATE_TEST_SUITE_P(Backends, MoveScorerTest, ::testing::ValuesIn(backend_cases()), case_name);

}  // namespace
}  // namespace spacemoe::testing
