#include "host/search/moves.hpp"

#include <algorithm>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "host/evaluation/exact.hpp"
#include "host/search/neighbourhood.hpp"
#include "tests/search/searching.hpp"

namespace spacemoe::testing {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

/// A shell of 6 x 8 satellites with outages and 4 layers of 5 experts.
Scenario lossy_scenario(std::uint32_t capacity, bool gateways_host_experts) {
  Scenario scenario = small_scenario();
  scenario.constellation.shells.front().satellites_per_plane = 8;
  scenario.links.survival = 0.6;
  scenario.time.slots = 3;
  set_model(scenario, 4, 5, 2);
  scenario.capacity = capacity;
  scenario.gateways_host_experts = gateways_host_experts;
  return scenario;
}

/// A problem with a model of means in which every satellite may be a gateway.
class Moving {
 public:
  explicit Moving(Scenario scenario)
      : scenario_(std::move(scenario)),
        problem(scenario_, *backend_),
        all(all_satellites(problem.limits.satellites)),
        model(scenario_, problem.compute, problem.mean_profile(), all,
              MeanPaths(problem.slots, *backend_, all, shun_lost)),
        scorer(problem, problem.slots, all) {}

  /// Random, and so as bad as any.
  Placement start() const { return all_starts(problem).front().second; }

 private:
  static std::vector<SatelliteId> all_satellites(std::uint32_t count) {
    std::vector<SatelliteId> ids;
    for (std::uint32_t s = 0; s < count; ++s) ids.push_back(satellite(s));
    return ids;
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  Scenario scenario_;

 public:
  SearchProblem const problem;
  std::vector<SatelliteId> const all;
  MeanModel const model;
  ExactScorer scorer;
};

/// A random move of a kind on a layout; whether there was such a move.
bool random_move(MoveKind kind, Layout& layout, MeanModel const& model, RingShell const& ring,
                 std::mt19937& random) {
  auto const any = [&](std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); };
  auto const expert = [&] { return layout.slot(any(layout.layers()), any(layout.experts())); };
  auto const to = satellite(any(layout.limits().satellites));
  switch (kind) {
    case MoveKind::swap_in_layer: {
      std::uint32_t const layer = any(layout.layers());
      ExpertSlot const a = layout.slot(layer, any(layout.experts()));
      return swap_experts(layout, a, layout.slot(layer, any(layout.experts())));
    }
    case MoveKind::swap_across_layers: {
      ExpertSlot const a = expert();
      return swap_experts(layout, a, expert());
    }
    case MoveKind::move_expert:
      return move_expert(layout, expert(), to);
    case MoveKind::move_gateway:
      return move_gateway(layout, any(layout.layers()), to);
    case MoveKind::move_surroundings:
      return move_surroundings(layout, model, any(layout.layers()), to);
    case MoveKind::shift_all:
      return shift_all(layout, ring, any(ring.planes), any(ring.satellites_per_plane));
    case MoveKind::rotate_layers:
      break;
  }
  return rotate_layers(layout, any(layout.layers()));
}

void expect_as_new(Layout const& layout) {
  Layout const fresh(layout.placement(), layout.limits());
  for (std::uint32_t s = 0; s < layout.limits().satellites; ++s) {
    auto const there = fresh.experts_on(satellite(s));
    ASSERT_THAT(layout.experts_on(satellite(s)), ElementsAreArray(there.begin(), there.end()));
    ASSERT_EQ(layout.gateways_on(satellite(s)), fresh.gateways_on(satellite(s)));
  }
}

struct Rules {
  std::uint32_t capacity;
  bool gateways_host_experts;
};

void PrintTo(Rules const& rules, std::ostream* out) {
  *out << rules.capacity << (rules.gateways_host_experts ? " each, gateways too" : " each");
}

class Moves : public ::testing::TestWithParam<Rules> {
 protected:
  Moving moving_{lossy_scenario(GetParam().capacity, GetParam().gateways_host_experts)};
};

// A random walk: all kinds keep the rules, are taken back without a trace, and touch what they change.
TEST_P(Moves, KeepTheRulesAndCanBeTakenBack) {
  std::mt19937 random(1);
  Layout layout(moving_.start(), moving_.problem.limits);
  std::vector<int> made(move_kinds.size());
  for (int step = 0; step < 2000; ++step) {
    MoveKind const kind = move_kinds[random() % move_kinds.size()];
    Placement const before = layout.placement();
    bool const moved = random_move(kind, layout, moving_.model, *moving_.problem.ring, random);
    if (moved) {
      SCOPED_TRACE(name(kind));
      ASSERT_TRUE(layout.changes_keep_rules());
      ASSERT_THAT(problems(layout.placement(), layout.limits()), IsEmpty());
    }
    if (moved && random() % 2 == 0) {
      made[static_cast<std::size_t>(kind)] += layout.placement() != before;
      layout.keep();
    } else {
      layout.take_back();
      ASSERT_EQ(layout.placement(), before);
    }
    ASSERT_THAT(layout.changes(), IsEmpty());
    ASSERT_THAT(layout.touched(), IsEmpty());
    expect_as_new(layout);
  }
  for (int const count : made) EXPECT_GT(count, 5);
}

// Scores of the layers that a move touches, put in place of those before, are the scores of all layers.
TEST_P(Moves, AreScoredByTheLayersThatTheyTouch) {
  std::mt19937 random(2);
  Incumbent incumbent(moving_.scorer, Layout(moving_.start(), moving_.problem.limits));
  Layout& layout = incumbent.layout();
  int lossy = 0;
  int scored = 0;
  for (int step = 0; step < 300; ++step) {
    MoveKind const kind = move_kinds[random() % move_kinds.size()];
    if (!random_move(kind, layout, moving_.model, *moving_.problem.ring, random)) {
      layout.take_back();
      continue;
    }
    SCOPED_TRACE(name(kind));
    std::vector<std::uint32_t> const touched(layout.touched().begin(), layout.touched().end());
    for (std::uint32_t const l : touched) moving_.scorer.add(layout, l);
    ScoredLayers const rows = moving_.scorer.score();
    std::vector<LayerCases> scores;
    for (std::size_t i = 0; i < touched.size(); ++i) scores.push_back(rows[i]);
    CaseTotals const then = incumbent.totals_with(touched, scores);
    CaseTotals const fresh = Incumbent(moving_.scorer, Layout(layout.placement(), layout.limits())).totals();
    for (std::size_t c = 0; c < fresh.delivered.size(); ++c) {
      ASSERT_DOUBLE_EQ(then.delivered[c], fresh.delivered[c]);
      ASSERT_NEAR(then.mean_ns[c], fresh.mean_ns[c], 1e-3);
      ASSERT_NEAR(then.variance_ns2[c], fresh.variance_ns2[c], 1e-9 * fresh.variance_ns2[c] + 10);
      lossy += fresh.delivered[c] < 1;
    }
    incumbent.set(touched, scores);
    layout.keep();
    // Nothing remains of how it came about.
    ASSERT_EQ(incumbent.totals().mean_ns, fresh.mean_ns);
    ASSERT_EQ(incumbent.totals().variance_ns2, fresh.variance_ns2);
    ASSERT_EQ(incumbent.totals().delivered, fresh.delivered);
    ++scored;
  }
  EXPECT_GT(scored, 100);
  EXPECT_GT(lossy, 100);
}

// What a pass of a descent looks at can be tried again, keeps the rules, and leaves the layout alone.
TEST_P(Moves, OfANeighbourhoodFit) {
  Layout layout(moving_.start(), moving_.problem.limits);
  Placement const before = layout.placement();
  Neighbourhood around;
  around.ring = moving_.problem.ring;
  Wiring const& wiring = moving_.problem.network.wiring();
  auto const some = candidates(layout, moving_.model, wiring, around, [](auto) { return true; });
  EXPECT_EQ(layout.placement(), before);
  EXPECT_TRUE(std::ranges::is_sorted(some, {}, &Candidate::mean_change_ns));
  std::vector<int> listed(move_kinds.size());
  for (Candidate const& candidate : some) {
    ++listed[static_cast<std::size_t>(candidate.kind)];
    ASSERT_TRUE(try_again(layout, candidate));
    ASSERT_THAT(problems(layout.placement(), layout.limits()), IsEmpty()) << name(candidate.kind);
    layout.take_back();
  }
  for (MoveKind const kind : move_kinds) {
    EXPECT_GT(listed[static_cast<std::size_t>(kind)], 0) << name(kind);
  }
  around.most = 10;
  EXPECT_EQ(candidates(layout, moving_.model, wiring, around, [](auto) { return true; }).size(), 10u);
  around = {};
  around.gateways = false;
  for (auto const& one : candidates(layout, moving_.model, wiring, around, [](auto) { return true; })) {
    for (Layout::Change const& change : one.changes) ASSERT_FALSE(change.is_gateway);
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, Moves,
                         ::testing::Values(Rules{1, false}, Rules{1, true}, Rules{2, false}, Rules{3, true}));

TEST(TryingAgain, RefusesWhatHasChangedSince) {
  Moving moving(lossy_scenario(1, false));
  Layout layout(moving.start(), moving.problem.limits);
  ASSERT_TRUE(swap_experts(layout, layout.slot(0, 0), layout.slot(0, 1)));
  Candidate const swap{MoveKind::swap_in_layer, {layout.changes().begin(), layout.changes().end()}, 0};
  layout.take_back();
  EXPECT_TRUE(try_again(layout, swap));
  layout.keep();
  EXPECT_FALSE(try_again(layout, swap));
}

// Ring of 6 planes x 8 satellites whose links all take the same time: moving everything changes nothing.
TEST(Shifting, KeepsLatenciesOnASymmetricTorus) {
  Scenario scenario = walker_scenario(2);
  scenario.constellation.shells.clear();
  scenario.listed_nodes = 48;
  for (std::uint32_t p = 0; p < 6; ++p) {
    for (std::uint32_t s = 0; s < 8; ++s) {
      for (std::uint32_t const other : {p * 8 + (s + 1) % 8, (p + 1) % 6 * 8 + s}) {
        auto const [low, high] = std::minmax({p * 8 + s, other});
        scenario.listed_links.push_back({satellite(low), satellite(high), 1'000'000});
      }
    }
  }
  scenario.compute.satellite_rate_flop_s.assign(48, 1e8);
  Moving moving(scenario);
  RingShell const ring{satellite(0), 6, 8};
  Layout const start(moving.start(), moving.problem.limits);
  CaseTotals const before = Incumbent(moving.scorer, start).totals();
  for (std::uint32_t planes = 0; planes < 6; ++planes) {
    for (std::uint32_t slots = 0; slots < 8; ++slots) {
      Layout layout = start;
      EXPECT_EQ(shift_all(layout, ring, planes, slots), planes + slots > 0);
      EXPECT_EQ(index(layout.gateway(0)),
                (index(start.gateway(0)) / 8 + planes) % 6 * 8 + (index(start.gateway(0)) + slots) % 8);
      CaseTotals const after = Incumbent(moving.scorer, layout).totals();
      ASSERT_EQ(after.mean_ns, before.mean_ns);
      ASSERT_EQ(after.variance_ns2, before.variance_ns2);
    }
  }
}

TEST(Shifting, LeavesOtherShellsAlone) {
  Scenario scenario = walker_scenario(2);
  scenario.constellation.shells.push_back(scenario.constellation.shells.front());
  set_model(scenario, 2, 3, 2);
  Moving moving(scenario);
  Layout layout({2,
                 3,
                 {satellite(50), satellite(7)},
                 {satellite(0), satellite(47), satellite(48), satellite(95), satellite(8), satellite(60)}},
                moving.problem.limits);
  EXPECT_TRUE(shift_all(layout, *moving.problem.ring, 1, 1));
  EXPECT_THAT(layout.placement().gateway, ElementsAreArray({satellite(50), satellite(8)}));
  EXPECT_THAT(layout.placement().host, ElementsAreArray({satellite(9), satellite(0), satellite(48),
                                                         satellite(95), satellite(17), satellite(60)}));
}

TEST(Rotating, ByAllLayersIsNothing) {
  Moving moving(lossy_scenario(1, false));
  Layout layout(moving.start(), moving.problem.limits);
  Placement const before = layout.placement();
  EXPECT_FALSE(rotate_layers(layout, 0));
  EXPECT_FALSE(rotate_layers(layout, 4));
  EXPECT_TRUE(rotate_layers(layout, 1));
  EXPECT_EQ(layout.gateway(0), before.gateway[1]);
  EXPECT_EQ(layout.host(layout.slot(3, 2)), before.host_of(0, 2));
  EXPECT_TRUE(rotate_layers(layout, 3));
  EXPECT_EQ(layout.placement(), before);
}

// Totals by the definition that `evaluate --exact` uses.
TEST(Incumbent, IsWhatEvaluatingExactlyFinds) {
  for (bool const own : {false, true}) {
    for (std::uint32_t const capacity : {1u, 3u}) {
      Scenario scenario = lossy_scenario(capacity, capacity > 1);
      if (own) scenario.aggregation = Aggregation::own_gateway;
      Moving moving(scenario);
      SearchProblem const& problem = moving.problem;
      ActivationWeights const& weights = problem.profiles.front();
      std::vector<LayerLaw> laws;
      for (std::uint32_t l = 0; l < 4; ++l) {
        laws.emplace_back(scenario.law, Span(weights.layer(l), weights.experts), 2);
      }
      for (auto const& [strategy, placement] : all_starts(problem)) {
        SCOPED_TRACE(name(strategy));
        CaseTotals const totals = Incumbent(moving.scorer, Layout(placement, problem.limits)).totals();
        PathSources const sources(placement.gateway);
        PlacementCosts const costs(scenario, problem.compute, placement, sources);
        auto const paths = problem.backend.path_latencies(problem.slots, sources.ids());
        auto const found = paths->gather(costs.queries());
        std::size_t const per_slot = costs.queries().size();
        for (std::uint32_t slot = 0; slot < problem.slots.snapshots; ++slot) {
          SlotCosts const in_slot = costs.in_slot(std::span(found).subspan(slot * per_slot, per_slot));
          ExactCell const cell = exact_cell(laws, costs.view(in_slot), 1);
          EXPECT_NEAR(totals.delivered[slot], cell.delivered, 1e-9);
          if (cell.delivered < 1e-9) continue;
          EXPECT_NEAR(totals.mean_ns[slot], cell.mean_ns, 1e-8 * cell.mean_ns);
          EXPECT_NEAR(totals.variance_ns2[slot], cell.variance_ns2, 1e-7 * cell.variance_ns2 + 10);
        }
      }
    }
  }
}

// In one slot means are the truth, as long as heavier experts are nearer and nobody queues.
TEST(MeanModel, IsExactInOneSlotWithOrderedHosts) {
  for (bool const own : {false, true}) {
    Scenario scenario = walker_scenario(2);
    if (own) scenario.aggregation = Aggregation::own_gateway;
    scenario.time.slots = 1;
    Moving moving(scenario);
    for (auto const& [strategy, start] : all_starts(moving.problem)) {
      Layout layout(start, moving.problem.limits);
      double sum_ns = 0;
      std::vector<double> cost_ns(3);
      for (std::uint32_t l = 0; l < 2; ++l) {
        sort_experts(layout, moving.model, l);
        std::vector<std::uint32_t> order{0, 1, 2};
        moving.model.cost_experts(layout, l, order, cost_ns);
        EXPECT_TRUE(std::ranges::is_sorted(cost_ns));
        sum_ns += moving.model.layer_ns(layout, l, cost_ns);
      }
      double const exact_ns = Incumbent(moving.scorer, layout).totals().mean_ns[0];
      EXPECT_NEAR(sum_ns, exact_ns, 1e-8 * exact_ns) << name(strategy);
    }
  }
}

// Averaging paths before the slowest is taken can only lose.
TEST(MeanModel, IsBelowTheTruthOfSeveralSlots) {
  Scenario scenario = walker_scenario(2);
  Moving moving(scenario);
  for (auto const& [strategy, start] : all_starts(moving.problem)) {
    Layout layout(start, moving.problem.limits);
    double sum_ns = 0;
    std::vector<double> cost_ns(3);
    for (std::uint32_t l = 0; l < 2; ++l) {
      sort_experts(layout, moving.model, l);
      std::vector<std::uint32_t> order{0, 1, 2};
      moving.model.cost_experts(layout, l, order, cost_ns);
      sum_ns += moving.model.layer_ns(layout, l, cost_ns);
    }
    double const exact_ns = value_ns({}, Incumbent(moving.scorer, layout).totals());
    EXPECT_LE(sum_ns, exact_ns * (1 + 1e-12)) << name(strategy);
    EXPECT_GE(sum_ns, exact_ns * 0.95) << name(strategy);
  }
}

}  // namespace
}  // namespace spacemoe::testing
