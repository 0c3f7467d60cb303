#include "host/search/refined.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "host/errors.hpp"
#include "host/evaluation/costs.hpp"
#include "host/evaluation/planning.hpp"
#include "host/search/mean_model.hpp"
#include "host/search/verification.hpp"

namespace spacemoe {
namespace {

/// Latency [ns] by the mean model.
double mean_model_ns(MeanModel const& model, Layout const& layout) {
  std::vector<std::uint32_t> order(layout.experts());
  std::vector<double> cost_ns(layout.experts());
  std::iota(order.begin(), order.end(), 0u);
  double sum_ns = 0;
  for (std::uint32_t l = 0; l < layout.layers(); ++l) {
    model.cost_experts(layout, l, order, cost_ns);
    sum_ns += model.layer_ns(layout, l, cost_ns);
  }
  return sum_ns;
}

}  // namespace

SearchOptions search_options(SearchSettings const& settings) {
  SearchOptions options;
  options.objective = objective_named(settings.objective).value();
  options.objective.worst_case = settings.worst_case;
  options.objective.lost_penalty_ms = settings.lost_penalty_ms;
  options.move_gateways = settings.move_gateways;
  options.moves = settings.moves;
  return options;
}

std::pair<Strategy, Placement> search_start(SearchProblem const& problem) {
  if (problem.scenario.search.start.empty()) return best_start(problem);
  Strategy const strategy = strategy_named(problem.scenario.search.start).value();
  PlanningPaths paths(problem.scenario, problem.network);
  PlacementPlanner planner(problem.scenario, paths, problem.compute, problem.backend);
  Placement start = planner.placements(strategy).front();
  start.replica.clear();
  start.spare.clear();
  return {strategy, std::move(start)};
}

std::pair<Strategy, Placement> best_start(SearchProblem const& problem) {
  PlanningPaths paths(problem.scenario, problem.network);
  PlacementPlanner planner(problem.scenario, paths, problem.compute, problem.backend);
  std::vector<std::pair<Strategy, Placement>> starts;
  std::optional<ScenarioError> refusal;
  for (Strategy const strategy : {Strategy::greedy, Strategy::spacemoe, Strategy::staircase}) {
    if (needs_shell(strategy) && !problem.ring) continue;
    try {
      starts.emplace_back(strategy, planner.placements(strategy).front());
    } catch (ScenarioError const& error) {
      if (!refusal) refusal = error;
    }
  }
  if (starts.empty()) throw *refusal;
  std::vector<SatelliteId> gateways;
  for (auto const& [strategy, start] : starts) {
    gateways.insert(gateways.end(), start.gateway.begin(), start.gateway.end());
  }
  PathSources const sources(std::move(gateways));
  MeanModel const model(problem, sources.ids());
  return *std::ranges::min_element(starts, {}, [&](auto const& start) {
    return mean_model_ns(model, Layout(start.second, problem.limits));
  });
}

Placement refined(Scenario const& scenario, Backend& backend, std::function<void(double)> const& progress) {
  SearchProblem const problem(scenario, backend);
  Placement const start = search_start(problem).second;
  Search search(problem, start, search_options(scenario.search));
  while (search.step()) progress(search.progress());
  return verified(problem, search_options(scenario.search).objective, start, search.result()).placement;
}

}  // namespace spacemoe
