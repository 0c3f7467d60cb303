#include "host/search/planned_bound.hpp"

#include <utility>

namespace spacemoe {

LowerBound planned_bound(SearchProblem const& problem, SearchResult const& result, Placement const& start,
                         std::function<void(std::uint64_t done, std::uint64_t total)> progress) {
  auto const profiles = static_cast<double>(problem.profiles.size());
  LowerBoundOptions options;
  options.allowed_loss = result.lost * profiles;  // all of it may fall on one profile
  if (!problem.scenario.search.move_gateways) options.fixed_gateways = start.gateway;
  options.progress = std::move(progress);
  LowerBound mean;
  double sum_ms = 0;
  for (ActivationWeights const& profile : problem.profiles) {
    ScoringTables const tables(problem.scenario.law, profile, problem.scenario.model.top_k, problem.compute,
                               problem.limits.satellites);
    mean = lower_bound(problem.scenario, problem.slots, problem.compute, tables, problem.backend, options);
    if (!mean.mean_ms) return mean;
    sum_ms += *mean.mean_ms;
  }
  mean.mean_ms = sum_ms / profiles;
  return mean;
}

}  // namespace spacemoe
