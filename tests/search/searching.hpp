#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "host/cpu/cpu_backend.hpp"
#include "host/errors.hpp"
#include "host/evaluation/planning.hpp"
#include "host/search/refined.hpp"
#include "host/search/search.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {

/// Gives a scenario a model of so many layers and experts, and every satellite a rate of its own.
inline void set_model(Scenario& scenario, std::uint32_t layers, std::uint32_t experts, std::uint32_t top_k) {
  scenario.model.layers = scenario.model.moe_layers = layers;
  scenario.model.experts = experts;
  scenario.model.top_k = top_k;
  scenario.weights = log_normal_weights(layers, experts, 0.8, {1});
  scenario.compute = {};
  for (std::uint32_t s = 0; s < satellites(scenario); ++s) {
    scenario.compute.satellite_rate_flop_s.push_back(1e8 * (1 + s % 3));
  }
}

/// A listed ring of 8 satellites, no two links alike, with one layer of 4 experts.
inline Scenario ring_scenario(std::uint32_t top_k) {
  Scenario scenario = small_scenario();
  scenario.constellation.shells.clear();
  scenario.links = {};
  scenario.listed_nodes = 8;
  for (std::uint32_t i = 0; i < 8; ++i) {
    scenario.listed_links.push_back({satellite(std::min(i, (i + 1) % 8)), satellite(std::max(i, (i + 1) % 8)),
                                     1'000'000 + 70'000 * (i * 5 % 7)});
  }
  scenario.time.slots = 1;
  set_model(scenario, 1, 4, top_k);
  return scenario;
}

/// A shell of 6 x 8 satellites with 2 layers of 3 experts.
inline Scenario walker_scenario(std::uint32_t top_k) {
  Scenario scenario = small_scenario();
  scenario.constellation.shells.front().satellites_per_plane = 8;
  scenario.links.survival = 1;
  scenario.time.slots = 3;
  set_model(scenario, 2, 3, top_k);
  return scenario;
}

/// Every strategy that a scenario has room for, with its first placement.
inline std::vector<std::pair<Strategy, Placement>> all_starts(SearchProblem const& problem) {
  PlanningPaths paths(problem.scenario, problem.network);
  PlacementPlanner planner(problem.scenario, paths, problem.compute, problem.backend);
  std::vector<std::pair<Strategy, Placement>> starts;
  for (Strategy const strategy : all_strategies()) {
    if (!is_planned(strategy) || (needs_shell(strategy) && !problem.ring)) continue;
    try {
      starts.emplace_back(strategy, planner.placements(strategy).front());
    } catch (ScenarioError const&) {  // no room
    }
  }
  return starts;
}

inline SearchResult searched(SearchProblem const& problem, Placement const& start,
                             SearchOptions const& options) {
  Search search(problem, start, options);
  while (search.step()) {
  }
  return search.result();
}

}  // namespace spacemoe::testing
