#include "host/search/confirmation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gmock/gmock.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/costs.hpp"
#include "host/search/race_draws.hpp"
#include "host/search/search.hpp"
#include "tests/search/searching.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

/// Links that lose tokens, and all of them in some slot; 4 layers of 5 experts, 6 slots; all layers have the
/// same weights.
Scenario racing_scenario(std::uint32_t capacity = 1) {
  Scenario scenario = small_scenario();
  scenario.capacity = capacity;
  auto& weight = scenario.weights.weight;
  for (std::size_t i = 5; i < weight.size(); ++i) weight[i] = weight[i - 5];
  scenario.links.survival = 0.6;
  return scenario;
}

/// Atoms of a latency and how likely they are; lost tokens are missing.
using Distribution = std::map<std::uint64_t, double>;

/// Placements of a scenario, how they race, and what is true of them by listing all sums of layers.
class Course {
 public:
  explicit Course(Scenario const& scenario) : scenario_(scenario), problem_(scenario_, *backend_) {
    std::vector<SatelliteId> all;
    for (std::uint32_t s = 0; s < problem_.limits.satellites; ++s) all.push_back(satellite(s));
    scorer_ = std::make_unique<ExactScorer>(problem_, problem_.slots, all);
  }

  SearchProblem const& problem() const { return problem_; }
  ExactScorer& scorer() { return *scorer_; }

  RaceDraws draws(std::vector<Placement> const& placements) const {
    return RaceDraws(problem_, problem_.slots, *scorer_, placements);
  }

  RaceResult race(char const* objective, std::vector<Placement> const& contenders, std::uint64_t seed = 1,
                  RaceRules const& rules = {}) const {
    return race(objective_named(objective).value(), contenders, seed, rules);
  }
  RaceResult race(Objective const& objective, std::vector<Placement> const& contenders,
                  std::uint64_t seed = 1, RaceRules const& rules = {}) const {
    return spacemoe::race(problem_, problem_.slots, *scorer_, objective, contenders, {seed}, rules);
  }

  /// Places drawn without favour.
  Placement random_placement(std::uint32_t seed) const {
    std::mt19937 random(seed);
    std::vector<SatelliteId> places;
    for (std::uint32_t s = 0; s < problem_.limits.satellites; ++s) {
      places.insert(places.end(), problem_.limits.capacity, satellite(s));
    }
    std::shuffle(places.begin(), places.end(), random);
    Placement placement{4, 5, {}, {places.begin(), places.begin() + 20}};
    for (auto place = places.begin() + 20; placement.gateway.size() < 4; ++place) {
      if (std::ranges::find(placement.host, *place) == placement.host.end() || problem_.limits.capacity > 1) {
        placement.gateway.push_back(*place);
      }
    }
    return placement;
  }

  /// Latencies of each slot.
  std::vector<Distribution> distributions(Placement const& placement) const {
    PathSources const sources(placement.gateway);
    auto const paths = backend_->path_latencies(problem_.slots, sources.ids());
    PlacementCosts const costs(scenario_, problem_.compute, placement, sources);
    std::vector<Distribution> all;
    auto const found = paths->gather(costs.queries());
    std::size_t const per_slot = costs.queries().size();
    for (std::uint32_t s = 0; s < problem_.slots.snapshots; ++s) {
      SlotCosts const in_slot = costs.in_slot(std::span(found).subspan(s * per_slot, per_slot));
      Distribution sums{{problem_.compute.head_ns(placement.gateway.front()), 1}};
      for (std::uint32_t l = 0; l < placement.layers; ++l) {
        auto const layer =
            layer_distribution(scenario_.law, Span(problem_.profiles.front().layer(l), placement.experts),
                               scenario_.model.top_k, costs.view(in_slot), l);
        Distribution longer;
        for (auto const& [sum, chance] : sums) {
          for (auto const& atom : layer.atoms) longer[sum + atom.latency_ns] += chance * atom.probability;
        }
        sums = std::move(longer);
      }
      all.push_back(std::move(sums));
    }
    return all;
  }

  /// Latencies of all slots together.
  Distribution distribution(Placement const& placement) const {
    Distribution all;
    for (Distribution const& one : distributions(placement)) {
      for (auto const& [latency, chance] : one) all[latency] += chance / problem_.slots.snapshots;
    }
    return all;
  }

 private:
  Scenario scenario_;
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  SearchProblem problem_;
  std::unique_ptr<ExactScorer> scorer_;
};

double mass(Distribution const& distribution) {
  double sum = 0;
  for (auto const& [latency, chance] : distribution) sum += chance;
  return sum;
}

/// The least latency [ns] with at least `level` of the tokens that arrive.
double quantile_ns(Distribution const& distribution, double level) {
  double below = 0;
  double const wanted = level * mass(distribution);
  for (auto const& [latency, chance] : distribution) {
    if ((below += chance) >= wanted) return static_cast<double>(latency);
  }
  return static_cast<double>(distribution.rbegin()->first);
}

struct TailMean {
  double mean_ns;
  double error_ns;  ///< standard error of a sampled one
};

TailMean tail_mean(Distribution const& distribution, double level, double tokens) {
  double const x = quantile_ns(distribution, level);
  double excess = 0;
  double squares = 0;
  for (auto const& [latency, chance] : distribution) {
    double const over = std::max(0.0, static_cast<double>(latency) - x);
    excess += chance / mass(distribution) * over;
    squares += chance / mass(distribution) * over * over;
  }
  return {x + excess / (1 - level), std::sqrt((squares - excess * excess) / tokens) / (1 - level)};
}

Objective objective_of(Measure measure, double level) {
  Objective objective;
  objective.measure = measure;
  objective.level = level;
  return objective;
}

/// The same layers, one later: all latencies are as before in distribution, but drawn by other words.
Placement rotated(Placement placement) {
  std::ranges::rotate(placement.gateway, placement.gateway.begin() + 1);
  std::ranges::rotate(placement.host, placement.host.begin() + placement.experts);
  return placement;
}

TEST(Race, ScreensAreQuantilesAndTailMeans) {
  EXPECT_TRUE(is_screened(objective_named("p99").value()));
  EXPECT_TRUE(is_screened(objective_named("cvar90").value()));
  EXPECT_FALSE(is_screened(objective_named("mean").value()));
  EXPECT_FALSE(is_screened(objective_named("mean+2sd").value()));
}

TEST(Race, IdenticalContendersAreNeverToldApart) {
  Course const course(racing_scenario());
  Placement const one = course.random_placement(1);
  for (bool const worst_case : {false, true}) {
    for (char const* named : {"p50", "p99.9", "cvar90"}) {
      Objective objective = objective_named(named).value();
      objective.worst_case = worst_case;
      RaceResult const result = course.race(objective, {one, one, one}, 1, {0.01, 1 << 12, 1 << 15});
      EXPECT_EQ(result.winner, 0u);
      EXPECT_EQ(result.value_ns[1], result.value_ns[0]);
      EXPECT_EQ(result.value_ns[2], result.value_ns[0]);
      EXPECT_LE(result.tokens, 1u << 15);
      EXPECT_GT(result.tokens, 1u << 14);
    }
  }
}

// Tokens of later rounds are not those of earlier ones: two rounds draw what one of twice the size does.
TEST(Race, RoundsGoOnWhereTheOthersEnded) {
  Course const course(racing_scenario());
  Placement const one = course.random_placement(1);
  constexpr std::uint64_t half = 32 * 6 * 40;  // groups, cases, tokens
  RaceRules const together{0.01, 2 * half, 2 * half};
  RaceRules const apart{0.01, half, 2 * half};
  RaceResult const whole = course.race("cvar90", {one, one}, 1, together);
  RaceResult const halves = course.race("cvar90", {one, one}, 1, apart);
  RaceResult const first = course.race("cvar90", {one, one}, 1, {0.01, half, half});
  EXPECT_EQ(whole.tokens, halves.tokens);
  EXPECT_EQ(whole.value_ns, halves.value_ns);
  EXPECT_NE(first.value_ns, halves.value_ns);
  EXPECT_NE(course.race("cvar90", {one, one}, 2, together).value_ns, whole.value_ns);
}

TEST(RaceDraws, SharedLayersAreAsDrawnAlone) {
  Course course(racing_scenario(3));
  Placement const a = course.random_placement(1);
  Placement b = a;
  std::swap(b.host[6], b.host[7]);
  Placement c = a;
  c.gateway[2] = satellite((index(a.gateway[2]) + 1) % 30);
  std::vector<std::uint32_t> const cases{0, 2, 5};
  auto const together = course.draws({a, b, c}).draw({3}, cases, 10, 500, {true, true, true});
  std::vector<Placement> const all{a, b, c};
  for (std::size_t p = 0; p < all.size(); ++p) {
    EXPECT_EQ(together[p], course.draws({all[p]}).draw({3}, cases, 10, 500, {true})[0]) << p;
    EXPECT_EQ(together[p].size(), 1500u);
  }
  EXPECT_NE(together[0], together[1]);
  EXPECT_NE(together[0], together[2]);
  auto const some = course.draws(all).draw({3}, cases, 10, 500, {true, false, true});
  EXPECT_EQ(some[0], together[0]);
  EXPECT_TRUE(some[1].empty());
  EXPECT_EQ(some[2], together[2]);
}

TEST(RaceDraws, MomentsAreThoseOfTheExactScorer) {
  for (std::uint32_t const capacity : {1u, 3u}) {
    Course course(racing_scenario(capacity));
    Placement const placement = course.random_placement(4);
    RaceDraws const draws = course.draws({placement});
    Incumbent const scored(course.scorer(), Layout(placement, course.problem().limits));
    ASSERT_EQ(draws.cases(), 6u);
    for (std::size_t c = 0; c < draws.cases(); ++c) {
      EXPECT_NEAR(draws.totals(0).mean_ns[c], scored.totals().mean_ns[c], 1);
      EXPECT_NEAR(draws.totals(0).variance_ns2[c] / scored.totals().variance_ns2[c], 1, 1e-6);
      EXPECT_NEAR(draws.totals(0).delivered[c], scored.totals().delivered[c], 1e-9);
    }
  }
}

TEST(Race, SampledQuantilesAreTheTrueOnes) {
  Course const course(racing_scenario());
  std::vector<Placement> const placements{course.random_placement(1), course.random_placement(2)};
  for (double const level : {0.5, 0.9, 0.99, 0.999}) {
    Objective const objective = objective_of(Measure::quantile, level);
    RaceResult const result = course.race(objective, placements, 5, {0.01, 1 << 18, 1 << 18});
    for (std::size_t p = 0; p < placements.size(); ++p) {
      Distribution const truth = course.distribution(placements[p]);
      double const tokens = static_cast<double>(result.tokens) * mass(truth);
      double const off = 4 * std::sqrt(level * (1 - level) / tokens);
      EXPECT_GE(result.value_ns[p], quantile_ns(truth, level - off)) << level;
      EXPECT_LE(result.value_ns[p], quantile_ns(truth, level + off)) << level;
    }
  }
}

TEST(Race, SampledTailMeansAreTheTrueOnes) {
  Course const course(racing_scenario(3));
  std::vector<Placement> const placements{course.random_placement(1), course.random_placement(2)};
  for (double const level : {0.5, 0.9, 0.99}) {
    Objective const objective = objective_of(Measure::tail_mean, level);
    RaceResult const result = course.race(objective, placements, 5, {0.01, 1 << 18, 1 << 18});
    for (std::size_t p = 0; p < placements.size(); ++p) {
      Distribution const truth = course.distribution(placements[p]);
      TailMean const expected = tail_mean(truth, level, static_cast<double>(result.tokens) * mass(truth));
      EXPECT_NEAR(result.value_ns[p], expected.mean_ns, 4 * expected.error_ns) << level;
      EXPECT_LT(expected.error_ns, 0.01 * expected.mean_ns);
    }
  }
}

TEST(Race, TheWorstCaseIsThatOfTheSlots) {
  Course const course(racing_scenario());
  std::vector<Placement> const placements{course.random_placement(1), course.random_placement(2)};
  Objective objective = objective_of(Measure::quantile, 0.9);
  objective.worst_case = true;
  RaceResult const result = course.race(objective, placements, 5, {0.01, 1 << 18, 1 << 18});
  for (std::size_t p = 0; p < placements.size(); ++p) {
    double low_ns = 0;
    double high_ns = 0;
    double together_ns = quantile_ns(course.distribution(placements[p]), 0.9);
    for (Distribution const& truth : course.distributions(placements[p])) {
      if (truth.empty()) continue;
      double const tokens = static_cast<double>(result.tokens) / 6 * mass(truth);
      double const off = 4 * std::sqrt(0.09 / tokens);
      low_ns = std::max(low_ns, quantile_ns(truth, 0.9 - off));
      high_ns = std::max(high_ns, quantile_ns(truth, 0.9 + off));
    }
    EXPECT_GE(result.value_ns[p], low_ns);
    EXPECT_LE(result.value_ns[p], high_ns);
    EXPECT_GT(low_ns, together_ns);
  }
}

TEST(Race, LostTokensHaveTheirPrice) {
  Course course(racing_scenario());
  std::vector<Placement> const placements{course.random_placement(1), course.random_placement(2)};
  Objective objective = objective_of(Measure::quantile, 0.9);
  RaceRules const rules{0.01, 1 << 14, 1 << 14};
  RaceResult const free = course.race(objective, placements, 5, rules);
  objective.lost_penalty_ms = 10'000;
  RaceResult const priced = course.race(objective, placements, 5, rules);
  for (std::size_t p = 0; p < placements.size(); ++p) {
    double const lost = 1 - mass(course.distribution(placements[p]));
    EXPECT_GT(lost, 1e-3);
    EXPECT_NEAR(priced.value_ns[p] - free.value_ns[p], lost * 1e10, 10);
  }
}

TEST(Race, TheTrulyBestOneWins) {
  Course const course(racing_scenario());
  for (char const* named : {"p90", "p99", "cvar90"}) {
    Objective const objective = objective_named(named).value();
    auto const truth = [&](Placement const& placement) {
      Distribution const all = course.distribution(placement);
      return objective.measure == Measure::quantile ? quantile_ns(all, objective.level)
                                                    : tail_mean(all, objective.level, 1).mean_ns;
    };
    for (std::uint32_t set = 0; set < 5; ++set) {
      std::vector<Placement> contenders;
      for (std::uint32_t p = 0; p < 4; ++p) contenders.push_back(course.random_placement(10 * set + p));
      std::ranges::sort(contenders, std::greater(), truth);
      ASSERT_GT(truth(contenders[2]) / truth(contenders[3]), 1.001);
      std::swap(contenders[2], contenders[3]);
      EXPECT_EQ(course.race(objective, contenders, set).winner, 2u) << named << ' ' << set;
    }
  }
}

// With an expert that is seldom drawn, a layer is far from normal.
TEST(Race, WhatOnlyTheScreenPrefersIsNotConfirmed) {
  Scenario scenario = racing_scenario();
  for (std::uint32_t l = 0; l < 4; ++l) scenario.weights.weight[5 * l] = 0.01;
  Course course(scenario);
  Objective const objective = objective_named("p99").value();
  auto const screened = [&](Placement const& placement) {
    return value_ns(objective, course.draws({placement}).totals(0));
  };
  int found = 0;
  for (std::uint32_t seed = 0; seed < 150; ++seed) {
    Placement const a = course.random_placement(seed);
    Placement const b = course.random_placement(seed + 1);
    double const screen = screened(b) / screened(a);
    double const truth =
        quantile_ns(course.distribution(b), 0.99) / quantile_ns(course.distribution(a), 0.99);
    if (!(screen < 1 && truth > 1.002)) continue;
    ++found;
    EXPECT_EQ(course.race(objective, {a, b}, seed).winner, 0u) << seed;
    EXPECT_EQ(course.race(objective, {b, a}, seed).winner, 1u) << seed;
  }
  EXPECT_GE(found, 2);
}

/// In how many of `races` the incumbent is replaced by one that is as good.
int replaced(Course const& course, char const* objective, int races, RaceRules const& rules) {
  Placement const one = course.random_placement(1);
  std::vector<Placement> const contenders{one, rotated(one), rotated(rotated(one))};
  int count = 0;
  for (int seed = 0; seed < races; ++seed) {
    count += course.race(objective, contenders, static_cast<std::uint64_t>(seed), rules).winner != 0;
  }
  return count;
}

TEST(Race, EqualOnesAreSeldomTakenForBetter) {
  Course const course(racing_scenario());
  Placement const one = course.random_placement(1);
  EXPECT_EQ(course.distribution(one).size(), course.distribution(rotated(one)).size());
  EXPECT_EQ(quantile_ns(course.distribution(one), 0.9), quantile_ns(course.distribution(rotated(one)), 0.9));
  for (char const* objective : {"p50", "p90", "cvar90"}) {
    constexpr int races = 400;
    // 1 % at most, and four standard deviations of that.
    EXPECT_LE(replaced(course, objective, races, {0.01, 1 << 11, 1 << 12}), 12) << objective;
  }
}

// With one round and a rate of 1, three pairs of contenders have a third each, of which half lies either way.
TEST(Race, ErrorsAreAsOftenAsTheRateSays) {
  Course const course(racing_scenario());
  for (char const* objective : {"p50", "cvar90"}) {
    constexpr int races = 400;
    int const count = replaced(course, objective, races, {1, 1 << 12, 1 << 12});
    EXPECT_GE(count, races / 10) << objective;
    EXPECT_LE(count, races / 3) << objective;
  }
}

TEST(Race, ThreadsDoNotMatter) {
  Course const course(racing_scenario(3));
  std::vector<Placement> const contenders{course.random_placement(1), course.random_placement(2),
                                          course.random_placement(3)};
  RaceResult one;
  RaceResult two;
  with_threads(1, [&] { one = course.race("cvar90", contenders); });
  with_threads(2, [&] { two = course.race("cvar90", contenders); });
  EXPECT_EQ(one.winner, two.winner);
  EXPECT_EQ(one.tokens, two.tokens);
  EXPECT_EQ(one.value_ns, two.value_ns);
}

SearchOptions options_for(char const* objective) {
  SearchOptions options;
  options.objective = objective_named(objective).value();
  options.moves = 20'000;
  return options;
}

/// As searched(), but taken up again by another search after some steps.
SearchResult searched_in_two(SearchProblem const& problem, Placement const& start,
                             SearchOptions const& options, int steps) {
  Search first(problem, start, options);
  for (int step = 0; step < steps && first.step(); ++step) {
  }
  Search second(problem, start, options);
  second.resume(first.state());
  while (second.step()) {
  }
  return second.result();
}

TEST(ConfirmedSearch, FindsABetterTail) {
  Course const course(racing_scenario());
  Placement const start = course.random_placement(1);
  SearchResult const result = searched(course.problem(), start, options_for("p99"));
  ASSERT_TRUE(result.sampled);
  double const before_ms = quantile_ns(course.distribution(start), 0.99) / 1e6;
  double const after_ms = quantile_ns(course.distribution(result.placement), 0.99) / 1e6;
  EXPECT_LT(after_ms, 0.9 * before_ms);
  EXPECT_NEAR(result.sampled->start_ms, before_ms, 0.02 * before_ms);
  EXPECT_NEAR(result.sampled->value_ms, after_ms, 0.02 * after_ms);
  EXPECT_FALSE(searched(course.problem(), start, options_for("mean")).sampled);
}

// One layer of four experts is far from normal.
TEST(ConfirmedSearch, NeverMakesATailLonger) {
  Scenario scenario = ring_scenario(2);
  Course const course(scenario);
  int changed = 0;
  for (char const* objective : {"p90", "p99"}) {
    double const level = objective_named(objective)->level;
    for (auto const& [strategy, start] : all_starts(course.problem())) {
      SearchOptions options = options_for(objective);
      options.moves = 1000;
      Placement const found = searched(course.problem(), start, options).placement;
      double const before_ns = quantile_ns(course.distribution(start), level);
      double const after_ns = quantile_ns(course.distribution(found), level);
      EXPECT_LE(after_ns, before_ns) << objective << ' ' << name(strategy);
      changed += after_ns < before_ns;
    }
  }
  EXPECT_GT(changed, 3);
}

TEST(ConfirmedSearch, GoesOnAsIfItHadNotBeenLeft) {
  Course const course(racing_scenario());
  Placement const start = course.random_placement(1);
  SearchResult const whole = searched(course.problem(), start, options_for("p99"));
  // 200 rounds of annealing come before the descents.
  for (int const steps : {100, 202, 204}) {
    SearchResult const again = searched_in_two(course.problem(), start, options_for("p99"), steps);
    EXPECT_EQ(again.placement, whole.placement) << steps;
    EXPECT_EQ(again.value_ms, whole.value_ms) << steps;
    EXPECT_EQ(again.sampled->value_ms, whole.sampled->value_ms) << steps;
    EXPECT_EQ(again.state.trace.size(), whole.state.trace.size()) << steps;
    EXPECT_EQ(again.state.counts.accepted, whole.state.counts.accepted) << steps;
  }
}

TEST(ConfirmedSearch, ThreadsDoNotMatter) {
  Course const course(racing_scenario(3));
  Placement const start = course.random_placement(1);
  SearchResult one;
  SearchResult two;
  with_threads(1, [&] { one = searched(course.problem(), start, options_for("cvar90")); });
  with_threads(2, [&] { two = searched(course.problem(), start, options_for("cvar90")); });
  EXPECT_EQ(one.placement, two.placement);
  EXPECT_EQ(one.sampled->value_ms, two.sampled->value_ms);
  EXPECT_EQ(one.state.counts.accepted, two.state.counts.accepted);
}

}  // namespace
}  // namespace spacemoe::testing
