#include "host/search/exact_effort.hpp"

#include <algorithm>

#include "host/search/objective.hpp"
#include "kernels/layer_score.hpp"

namespace spacemoe {
namespace {

constexpr double pass_ns = 2e9;
constexpr double descents_ns = 60e9;
constexpr double final_ns = 20e9;
constexpr double layers_per_move = 1.5;
constexpr std::uint32_t fewest_slots = 8;
constexpr std::uint64_t fewest_neighbours = 256;
constexpr std::uint64_t wanted_neighbours = 1024;
constexpr std::uint64_t most_neighbours = 16384;

/// About what one thread takes for a layer in a slot.
double layer_ns(SearchProblem const& problem) {
  Scenario const& scenario = problem.scenario;
  double const size = static_cast<double>(scenario.model.experts) * scenario.model.top_k;
  bool const race = scenario.law == RoutingLaw::plackett_luce && scenario.model.top_k > 1;
  if (problem.limits.capacity > 1) return size * (race ? 1500 : 100);
  if (scenario.model.experts <= max_subset_experts) return 40;
  return size * (race ? 15 : 5);
}

/// About what screening a move takes for a case, besides: quantiles of a mixture of normals are searched for.
double screen_ns(SearchProblem const& problem) {
  Measure const measure = objective_named(problem.scenario.search.objective).value().measure;
  return measure == Measure::quantile || measure == Measure::tail_mean ? 150 : 0;
}

/// About what scoring two placements takes for a slot.
double pair_ns(SearchProblem const& problem) {
  return 2 * layer_ns(problem) * static_cast<double>(problem.profiles.size()) *
         problem.scenario.weights.layers;
}

}  // namespace

ExactEffort exact_effort(SearchProblem const& problem, std::size_t gateways) {
  auto const profiles = static_cast<double>(problem.profiles.size());
  double const move_ns = (layer_ns(problem) * layers_per_move + screen_ns(problem)) * profiles;
  double const slot_bytes = 4.0 * static_cast<double>(gateways) * problem.limits.satellites * profiles;
  double const slots = std::min({static_cast<double>(problem.slots.snapshots), exact_table_bytes / slot_bytes,
                                 std::max<double>(fewest_slots, pass_ns / move_ns / wanted_neighbours)});
  ExactEffort effort{};
  effort.slots = static_cast<std::uint32_t>(std::max(1.0, slots));
  double const scored_ns = move_ns * effort.slots;
  effort.neighbours =
      std::clamp(static_cast<std::uint64_t>(pass_ns / scored_ns), fewest_neighbours, most_neighbours);
  effort.moves = std::max(effort.neighbours, static_cast<std::uint64_t>(descents_ns / scored_ns));
  effort.final_slots = std::max(effort.slots, static_cast<std::uint32_t>(std::min<double>(
                                                  problem.slots.snapshots, final_ns / pair_ns(problem))));
  return effort;
}

std::uint32_t verification_slots(SearchProblem const& problem) {
  double const slots = final_ns / 32 / pair_ns(problem);
  return std::clamp(static_cast<std::uint32_t>(std::min(slots, 1e9)), 1u, problem.slots.snapshots);
}

}  // namespace spacemoe
