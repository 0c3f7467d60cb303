#include <algorithm>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "tests/search/searching.hpp"

namespace spacemoe::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::TestWithParam;

/// What must hold of a search whatever it searches.
struct Case {
  std::string name;
  Scenario scenario;
};

void PrintTo(Case const& one, std::ostream* out) {
  *out << one.name;
}

Scenario changed(Scenario scenario, std::function<void(Scenario&)> const& change) {
  change(scenario);
  return scenario;
}

/// small_scenario() with room for every strategy, and outages.
Scenario roomy_scenario() {
  Scenario scenario = small_scenario();
  scenario.constellation.shells.front().satellites_per_plane = 8;
  scenario.time.slots = 4;
  return scenario;
}

Scenario two_shells() {
  Scenario scenario = roomy_scenario();
  Shell second = scenario.constellation.shells.front();
  second.name = "second";
  second.altitude_km = 900;
  scenario.constellation.shells.push_back(second);
  return scenario;
}

Scenario listed_scenario() {
  Scenario scenario = ring_scenario(2);
  scenario.links.survival = 0.9;
  scenario.time.slots = 4;
  return scenario;
}

auto objective(std::string const& name) {
  return [name](Scenario& scenario) { scenario.search.objective = name; };
}

std::vector<Case> cases() {
  Scenario const roomy = roomy_scenario();
  auto const penalty = [](auto& s) { s.search.lost_penalty_ms = 500; };
  return {{"mean", roomy},
          {"p99", changed(roomy, objective("p99"))},
          {"cvar99", changed(roomy, objective("cvar99"))},
          {"mean_2sd", changed(roomy, objective("mean+2sd"))},
          {"worst_case", changed(roomy, [](auto& s) { s.search.worst_case = true; })},
          {"worst_p90", changed(roomy,
                                [](auto& s) {
                                  s.search.worst_case = true;
                                  s.search.objective = "p90";
                                })},
          {"penalty", changed(roomy, penalty)},
          {"lossy", changed(roomy, [](auto& s) { s.links.survival = 0.6; })},
          {"lossy_penalty", changed(roomy,
                                    [&](auto& s) {
                                      s.links.survival = 0.6;
                                      penalty(s);
                                    })},
          {"two_each", changed(roomy, [](auto& s) { s.capacity = 2; })},
          {"three_and_gateways", changed(roomy,
                                         [](auto& s) {
                                           s.capacity = 3;
                                           s.gateways_host_experts = true;
                                         })},
          {"own_gateway", changed(roomy, [](auto& s) { s.aggregation = Aggregation::own_gateway; })},
          {"fixed_gateways", changed(roomy, [](auto& s) { s.search.move_gateways = false; })},
          {"outages_and_topics", changed(roomy,
                                         [](auto& s) {
                                           s.search.outages = 3;
                                           s.search.topics = {log_normal_weights(4, 5, 1.5, {9})};
                                         })},
          {"conditional_poisson", changed(roomy, [](auto& s) { s.law = RoutingLaw::conditional_poisson; })},
          {"given_times", changed(roomy,
                                  [](auto& s) {
                                    s.compute.expert_ms.clear();
                                    for (int i = 0; i < 20; ++i) s.compute.expert_ms.push_back(1 + i % 7);
                                  })},
          {"two_shells", two_shells()},
          {"upper_shell", changed(two_shells(), [](auto& s) { s.ring_shell = 1; })},
          {"listed", listed_scenario()}};
}

class SearchOf : public TestWithParam<Case> {
 protected:
  SearchOptions options(std::uint64_t moves) const {
    SearchOptions options = search_options(GetParam().scenario.search);
    options.moves = moves;
    return options;
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  SearchProblem const problem_{GetParam().scenario, *backend_};
};

/// Figures of a placement by a scorer of its own.
CaseTotals totals_of(SearchProblem const& problem, Placement const& placement) {
  ExactScorer scorer(problem, problem.slots, placement.gateway);
  return Incumbent(scorer, Layout(placement, problem.limits)).totals();
}

TEST_P(SearchOf, IsNeverWorseThanItsStart) {
  auto const starts = all_starts(problem_);
  ASSERT_GE(starts.size(), 2u);
  Objective const objective = options(1).objective;
  for (auto const& [strategy, start] : starts) {
    SCOPED_TRACE(name(strategy));
    SearchResult const found = searched(problem_, start, options(15'000));
    EXPECT_THAT(problems(found.placement, problem_.limits), IsEmpty());
    if (!options(1).move_gateways) {
      EXPECT_EQ(found.placement.gateway, start.gateway);
    }
    ASSERT_EQ(found.final_slots, problem_.slots.snapshots);
    CaseTotals const before = totals_of(problem_, start);
    CaseTotals const after = totals_of(problem_, found.placement);
    EXPECT_DOUBLE_EQ(found.start_ms, value_ns(objective, before) / 1e6);
    EXPECT_DOUBLE_EQ(found.value_ms, value_ns(objective, after) / 1e6);
    EXPECT_DOUBLE_EQ(found.start_mean_ms, value_ns({}, before) / 1e6);
    EXPECT_DOUBLE_EQ(found.mean_ms, value_ns({}, after) / 1e6);
    EXPECT_DOUBLE_EQ(found.start_lost, lost_share(before));
    EXPECT_DOUBLE_EQ(found.lost, lost_share(after));
    EXPECT_LE(found.value_ms, found.start_ms);
    if (!objective.lost_penalty_ms) {
      EXPECT_LE(found.lost, found.start_lost);
    }
  }
}

/// What must be the same again: all but times.
void expect_same(SearchResult const& a, SearchResult const& b) {
  EXPECT_EQ(a.placement, b.placement);
  EXPECT_EQ(a.value_ms, b.value_ms);
  EXPECT_EQ(a.mean_ms, b.mean_ms);
  EXPECT_EQ(a.lost, b.lost);
  EXPECT_EQ(a.end, b.end);
  EXPECT_EQ(a.state.counts.tried, b.state.counts.tried);
  EXPECT_EQ(a.state.counts.accepted, b.state.counts.accepted);
  EXPECT_EQ(a.state.descended, b.state.descended);
  EXPECT_EQ(a.state.local_optimum, b.state.local_optimum);
  ASSERT_EQ(a.state.trace.size(), b.state.trace.size());
  for (std::size_t i = 0; i < a.state.trace.size(); ++i) {
    TracePoint const& p = a.state.trace[i];
    TracePoint const& q = b.state.trace[i];
    EXPECT_EQ(std::tuple(p.stage, p.counts.tried, p.value_ms),
              std::tuple(q.stage, q.counts.tried, q.value_ms))
        << i;
  }
}

TEST_P(SearchOf, IsTheSameOnAnyNumberOfThreads) {
  Placement const start = all_starts(problem_).front().second;
  std::vector<SearchResult> results(2);
  for (unsigned threads : {1u, 2u}) {
    with_threads(threads, [&] { results[threads - 1] = searched(problem_, start, options(8'000)); });
  }
  expect_same(results[0], results[1]);
}

TEST_P(SearchOf, GoesOnAsIfItHadNeverBeenLeft) {
  Placement const start = all_starts(problem_).front().second;
  SearchOptions const all = options(60'000);
  SearchResult const whole = searched(problem_, start, all);
  Search first(problem_, start, all);
  // Every stage is left: annealing early, and then each pass of the descents.
  for (std::size_t steps = 0; steps < 30 && first.step(); ++steps) {
  }
  SearchState state = first.state();
  std::size_t left = 0;
  for (bool more = true; more; ++left) {
    Search next(problem_, start, all);
    next.resume(state);
    std::size_t const steps = state.stage == SearchStage::annealing ? 43 : 1;
    for (std::size_t i = 0; i < steps && more; ++i) more = next.step();
    state = next.state();
    if (!more) expect_same(next.result(), whole);
  }
  EXPECT_GT(left, 8u);
}

TEST_P(SearchOf, KeepsTheBestWhenItIsInterrupted) {
  Placement const start = all_starts(problem_).front().second;
  double const start_ms = searched(problem_, start, options(1)).start_ms;
  for (std::size_t const steps : {0u, 1u, 150u, 205u}) {
    Search search(problem_, start, options(20'000));
    for (std::size_t i = 0; i < steps && search.step(); ++i) {
    }
    search.interrupt();
    EXPECT_FALSE(search.step());
    SearchResult const found = search.result();
    EXPECT_EQ(found.end, SearchEnd::interrupted);
    EXPECT_LE(found.value_ms, start_ms);
    EXPECT_THAT(problems(found.placement, problem_.limits), IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(All, SearchOf, ::testing::ValuesIn(cases()),
                         [](auto const& test) { return test.param.name; });

class SearchOfWalker : public ::testing::Test {
 protected:
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

TEST_F(SearchOfWalker, DrawsByItsSeed) {
  Scenario scenario = walker_scenario(2);
  Placement const start = all_starts(SearchProblem(scenario, *backend_)).front().second;
  std::vector<SearchResult> results;
  for (std::uint64_t const seed : {1u, 2u}) {
    scenario.seed = {seed};
    SearchOptions options;
    options.moves = 4000;
    results.push_back(searched(SearchProblem(scenario, *backend_), start, options));
  }
  EXPECT_NE(results[0].state.counts.accepted, results[1].state.counts.accepted);
}

TEST_F(SearchOfWalker, TriesSoManyMovesAndNoMore) {
  Scenario const scenario = walker_scenario(2);
  SearchProblem const problem(scenario, *backend_);
  Placement const start = all_starts(problem).front().second;
  for (std::uint64_t const moves : {1u, 500u, 30'000u}) {
    SearchOptions options;
    options.moves = moves;
    SearchResult const found = searched(problem, start, options);
    EXPECT_EQ(found.end, SearchEnd::moves);
    EXPECT_EQ(found.state.moves(), moves);
  }
}

TEST_F(SearchOfWalker, EndsInTime) {
  Scenario const scenario = walker_scenario(2);
  SearchProblem const problem(scenario, *backend_);
  Placement const start = all_starts(problem).front().second;
  SearchOptions options;
  options.time_s = 0.3;
  SearchResult const found = searched(problem, start, options);
  EXPECT_EQ(found.end, SearchEnd::time);
  EXPECT_GE(found.state.elapsed_s, 0.3);
  EXPECT_LT(found.state.elapsed_s, 3);
  EXPECT_LE(found.value_ms, found.start_ms);
}

// One expert that is alone with its gateway: nowhere to go.
TEST_F(SearchOfWalker, EndsWhereNothingCanMove) {
  Scenario scenario = ring_scenario(1);
  scenario.listed_nodes = 2;
  scenario.listed_links = {{satellite(0), satellite(1), 1'000'000}};
  set_model(scenario, 1, 1, 1);
  scenario.search.move_gateways = false;
  SearchProblem const problem(scenario, *backend_);
  Placement const start{1, 1, {satellite(0)}, {satellite(1)}};
  SearchOptions options = search_options(scenario.search);
  options.moves = 1000;
  EXPECT_EQ(searched(problem, start, options).placement, start);
}

TEST_F(SearchOfWalker, StartsFromTheBestOfSeveral) {
  Scenario scenario = walker_scenario(2);
  SearchProblem const problem(scenario, *backend_);
  auto const [strategy, start] = best_start(problem);
  double const best_ns = value_ns({}, totals_of(problem, start));
  for (auto const& [other, placement] : all_starts(problem)) {
    bool const tried =
        other == Strategy::greedy || other == Strategy::spacemoe || other == Strategy::staircase;
    if (!tried) continue;
    EXPECT_LE(best_ns, value_ns({}, totals_of(problem, placement)) * 1.01) << name(other);
  }
  EXPECT_EQ(search_start(problem), std::pair(strategy, start));
  scenario.search.start = "rand-place";
  EXPECT_EQ(search_start(problem), (std::pair(Strategy::rand_place, all_starts(problem).front().second)));
}

TEST_F(SearchOfWalker, LeavesOutTheRedundancyOfAFile) {
  Scenario scenario = walker_scenario(2);
  SearchProblem const problem(scenario, *backend_);
  Placement const bare = best_start(problem).second;
  scenario.file_placements = {bare};
  scenario.file_placements[0].replica = {{0, 0, satellite(47)}};
  scenario.file_placements[0].spare = {{1, satellite(46)}};
  scenario.search.start = "file";
  EXPECT_EQ(search_start(problem), std::pair(Strategy::file, bare));
}

}  // namespace
}  // namespace spacemoe::testing
