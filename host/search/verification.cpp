#include "host/search/verification.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "host/search/exact_effort.hpp"
#include "host/search/exact_scores.hpp"

namespace spacemoe {
namespace {

constexpr double ns_per_ms = 1e6;
constexpr std::uint32_t fewest_draws = 8;
constexpr std::uint32_t most_draws = 64;
/// 8, 16, 32 and 64 draws; an interval misses on one side with half of what its level leaves.
constexpr double looks = 4;
constexpr double level = 1 - 2 * 0.01 / looks;
/// On all draws it takes less to be refused for losses: of equals that stay in doubt so long, one of ten is.
constexpr double doubtful_level = 0.8;

/// One placement on one draw.
struct Figures {
  double value_ms;
  double lost;
};

Figures figures(ExactScorer& scorer, Placement const& placement, PlacementLimits const& limits,
                Objective const& objective) {
  CaseTotals const totals = Incumbent(scorer, Layout(placement, limits)).totals();
  return {value_ns(objective, totals) / ns_per_ms, lost_share(totals)};
}

/// Differences found - start on every draw.
struct Differences {
  std::vector<double> value_ms;  ///< of the draws on which both deliver some tokens
  std::vector<double> lost;

  void add(SearchProblem const& problem, Objective const& objective, Placement const& start,
           Placement const& found) {
    auto const number = static_cast<std::uint32_t>(lost.size());
    Scenario scenario = fresh_scenario(problem.scenario, FreshDraws::verification, number);
    scenario.search.outages = 1;
    SearchProblem const fresh(scenario, problem.backend);
    std::vector<SatelliteId> gateways = start.gateway;
    gateways.insert(gateways.end(), found.gateway.begin(), found.gateway.end());
    SnapshotBatch const slots = fresh.some_slots(verification_slots(fresh), number);
    ExactScorer scorer(fresh, slots, std::move(gateways));
    Figures const before = figures(scorer, start, problem.limits, objective);
    Figures const after = figures(scorer, found, problem.limits, objective);
    lost.push_back(after.lost - before.lost);
    if (std::isfinite(before.value_ms) && std::isfinite(after.value_ms)) {
      value_ms.push_back(after.value_ms - before.value_ms);
    }
  }
};

}  // namespace

Verdict verify(SearchProblem const& problem, Objective const& objective, Placement const& start,
               Placement const& found) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  Verdict verdict{false, 0, {unknown, unknown, unknown}};
  if (start == found) return verdict;
  Differences differences;
  for (std::uint32_t wanted = fewest_draws; wanted <= most_draws; wanted *= 2) {
    while (differences.lost.size() < wanted) differences.add(problem, objective, start, found);
    verdict.draws = wanted;
    bool const last = wanted == most_draws;
    Estimate const lost = estimate(differences.lost, last ? doubtful_level : level);
    bool const loses_more = !objective.lost_penalty_ms && lost.low > 0;
    if (differences.value_ms.size() > 1) verdict.difference_ms = estimate(differences.value_ms, level);
    verdict.better = verdict.difference_ms.high < 0 && !loses_more;
    // What is faster but seems to lose more has to show on all draws that it does not.
    bool const in_doubt = verdict.better && !objective.lost_penalty_ms && lost.mean > 0;
    if ((verdict.better && !in_doubt) || loses_more || verdict.difference_ms.low > 0) break;
  }
  return verdict;
}

SearchResult verified(SearchProblem const& problem, Objective const& objective, Placement const& start,
                      SearchResult result) {
  result.verdict = verify(problem, objective, start, result.placement);
  if (result.verdict.better) return result;
  result.placement = start;
  result.value_ms = result.start_ms;
  result.mean_ms = result.start_mean_ms;
  result.lost = result.start_lost;
  if (result.sampled) result.sampled->value_ms = result.sampled->start_ms;
  return result;
}

}  // namespace spacemoe
