#pragma once

#include <functional>
#include <utility>

#include "host/placement/strategies.hpp"
#include "host/search/problem.hpp"
#include "host/search/search.hpp"

namespace spacemoe {

/// Options as scenario.search has them.
SearchOptions search_options(SearchSettings const& settings);

/// The start that scenario.search names, number 0 of a random strategy's placements, or else best_start();
/// without replicas and spare gateways, which a search does not move.
std::pair<Strategy, Placement> search_start(SearchProblem const& problem);

/// The verified placement of the strategy `refined`. `progress` is told the share of the work that is done,
/// between rounds.
Placement refined(Scenario const& scenario, Backend& backend, std::function<void(double)> const& progress);

/// The start that a search takes by itself: the best by mean path latencies of `greedy`, `spacemoe` and
/// `staircase`, those that the scenario has room for. Throws the ScenarioError of `greedy` where none is.
std::pair<Strategy, Placement> best_start(SearchProblem const& problem);

}  // namespace spacemoe
