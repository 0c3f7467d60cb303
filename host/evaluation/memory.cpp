#include "host/evaluation/memory.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/layer_sampling.hpp"
#include "host/evaluation/planning.hpp"
#include "host/placement/staircase.hpp"
#include "kernels/bins.hpp"

namespace spacemoe {
namespace {

struct Sizes {
  double nodes;
  double ports;              ///< of every satellite
  double sources;            ///< at most
  double placements;         ///< over all strategies
  double widest_placements;  ///< of one strategy
  double experts;            ///< layers x experts
};

/// Ports of the neighbour table: every satellite has as many as the one with most links. A port for links
/// between shells counts twice, as its neighbours are kept with its latencies.
double ports_per_satellite(Scenario const& scenario) {
  if (!is_listed(scenario)) return scenario.links.between_shells == BetweenShells::nearest ? 6 : 4;
  std::vector<std::uint32_t> links(scenario.listed_nodes);
  for (auto const& link : scenario.listed_links) {
    ++links[index(link.a)];
    ++links[index(link.b)];
  }
  return std::max(1u, *std::ranges::max_element(links));
}

Sizes sizes(Scenario const& scenario) {
  double total = 0;
  double widest = 0;
  for (Strategy const strategy : scenario.strategies) {
    double const placements = strategy == Strategy::file
                                  ? static_cast<double>(scenario.file_placements.size())
                              : is_random(strategy) ? scenario.random_placements
                                                    : 1;
    total += placements;
    widest = std::max(widest, placements);
  }
  double const nodes = satellites(scenario);
  double const ports = ports_per_satellite(scenario);
  double const layers = scenario.weights.layers;
  return {nodes, ports, std::min(nodes, total * layers), total, widest, layers * scenario.weights.experts};
}

/// Gateways of all the loops among which `staircase` chooses.
double loop_gateways(Scenario const& scenario) {
  if (std::ranges::find(scenario.strategies, Strategy::staircase) == scenario.strategies.end()) return 0;
  MoeModel const& model = scenario.model;
  auto const loops = staircase_loops(*ring_shell(scenario), model.moe_layers,
                                     satellites_per_layer(model.experts, scenario.capacity));
  return static_cast<double>(loops.size()) * model.moe_layers;
}

/// Snapshot, path rows, and the costs of one strategy.
double slot_bytes(Scenario const& scenario, Sizes const& s, bool exact) {
  double const costs = s.widest_placements * s.experts * (4 + 8);
  double const distributions = exact ? s.widest_placements * s.experts * 16 : 0;
  return snapshot_bytes(scenario) + row_bytes(scenario, s.sources) + costs + distributions;
}

/// Tokens around the quantiles of all strategies, at most; below 8 s a bin is no wider than 2^24 ns.
double quantile_bytes(Scenario const& scenario, EvaluateOptions const& options) {
  if (!options.exact_quantiles) return 0;
  double const most = static_cast<double>(quantile_levels.size()) * (1 << 24);
  return static_cast<double>(scenario.strategies.size()) * 8 *
         std::min(static_cast<double>(scenario.tokens), most);
}

}  // namespace

double wiring_bytes(Scenario const& scenario) {
  double const port = sizeof(Link) + 2 * sizeof(std::uint32_t);
  return satellites(scenario) * (sizeof(State) + ports_per_satellite(scenario) * port);
}

double planning_bytes(Scenario const& scenario) {
  Sizes const s = sizes(scenario);
  double const rows = std::min(s.nodes, s.sources + loop_gateways(scenario));
  return scenario.time.slots * s.nodes * s.ports * 4 + rows * s.nodes * 8;
}

double snapshot_bytes(Scenario const& scenario) {
  return satellites(scenario) * ports_per_satellite(scenario) * (4 + 0.5 * (4 + 1 + 8));
}

double row_bytes(Scenario const& scenario, double sources) {
  constexpr double lanes = 63;  // filled up, at most
  return satellites(scenario) * (sources + lanes) * 4;
}

double race_bytes(Scenario const& scenario) {
  // The last node is log(37 * 2^32) at most.
  double const nodes = 28.1 / std::min(0.25, 0.7 / std::sqrt(scenario.model.top_k)) + 8;
  return sizes(scenario).experts * nodes * 8;
}

std::uint32_t slots_per_batch(Scenario const& scenario, EvaluateOptions const& options) {
  double const fit =
      static_cast<double>(options.batch_bytes) / slot_bytes(scenario, sizes(scenario), options.exact);
  return static_cast<std::uint32_t>(
      std::clamp(std::floor(fit), 1.0, static_cast<double>(scenario.time.slots)));
}

double evaluation_bytes(Scenario const& scenario, EvaluateOptions const& options) {
  Sizes const s = sizes(scenario);
  double const batch = slots_per_batch(scenario, options) * slot_bytes(scenario, s, options.exact);
  double const cells = s.placements * scenario.time.slots * sizeof(Moments);
  double const placements = s.placements * s.experts * (4 + 8 + 4 + 2 + 2 * sizeof(PathQuery));
  double const tables = s.experts * (8 + 8 + 4 * (1 + scenario.model.top_k)) + bin_count * 8.0;
  return batch + planning_bytes(scenario) + cells + placements + tables + race_bytes(scenario) +
         static_cast<double>(layer_table_bytes) + wiring_bytes(scenario) + quantile_bytes(scenario, options);
}

}  // namespace spacemoe
