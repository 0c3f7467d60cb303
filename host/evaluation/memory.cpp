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

/// What placements consist of.
struct Parts {
  double placements = 0;
  double gateways = 0;  ///< of all layers, with spares
  double copies = 0;    ///< of all experts
  double queries = 0;   ///< paths in a slot, at most

  Parts& operator+=(Parts const& other) {
    placements += other.placements;
    gateways += other.gateways;
    copies += other.copies;
    queries += other.queries;
    return *this;
  }
};

struct Sizes {
  double nodes;
  double ports;    ///< of every satellite
  double sources;  ///< at most
  Parts all;       ///< of all strategies
  Parts widest;    ///< of the strategy with most
  double experts;  ///< layers x experts
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

/// Paths lead from every gateway of a layer to every copy of its experts, from there to every gateway where
/// outputs meet, and, where that is the layer's own, on to every one of the next.
Parts parts(double layers, double gateways_per_layer, double copies) {
  return {1, layers * gateways_per_layer, copies,
          2 * copies * gateways_per_layer + layers * gateways_per_layer * gateways_per_layer};
}

Parts planned_parts(Scenario const& scenario) {
  Redundancy const& redundancy = scenario.redundancy;
  double const layers = scenario.weights.layers;
  double const experts = layers * scenario.weights.experts;
  return parts(layers, 1.0 + redundancy.spare_gateways,
               experts * (1.0 + redundancy.replicas) + redundancy.replica_places);
}

Parts given_parts(Scenario const& scenario, Placement const& placement) {
  if (!has_redundancy(placement)) return planned_parts(scenario);
  std::vector<double> gateways(placement.layers, 1);
  for (SpareGateway const& spare : placement.spare) ++gateways[spare.layer];
  return parts(placement.layers, *std::ranges::max_element(gateways),
               static_cast<double>(placement.host.size() + placement.replica.size()));
}

Parts parts_of(Scenario const& scenario, Strategy strategy) {
  Parts sum;
  if (strategy == Strategy::file) {
    for (Placement const& placement : scenario.file_placements) sum += given_parts(scenario, placement);
  } else {
    std::uint32_t const placements = is_random(strategy) ? scenario.random_placements : 1;
    for (std::uint32_t p = 0; p < placements; ++p) sum += planned_parts(scenario);
  }
  return sum;
}

Sizes sizes(Scenario const& scenario) {
  Parts all;
  Parts widest;
  for (Strategy const strategy : scenario.strategies) {
    Parts const parts = parts_of(scenario, strategy);
    all += parts;
    if (parts.queries > widest.queries) widest = parts;
  }
  double const nodes = satellites(scenario);
  double const ports = ports_per_satellite(scenario);
  double const experts = static_cast<double>(scenario.weights.layers) * scenario.weights.experts;
  return {nodes, ports, std::min(nodes, all.gateways), all, widest, experts};
}

/// Gateways of all the loops among which `staircase` chooses.
double loop_gateways(Scenario const& scenario) {
  if (std::ranges::find(scenario.strategies, Strategy::staircase) == scenario.strategies.end()) return 0;
  MoeModel const& model = scenario.model;
  auto const loops = staircase_loops(*ring_shell(scenario), model.moe_layers,
                                     satellites_per_layer(model.experts, scenario.capacity));
  return static_cast<double>(loops.size()) * model.moe_layers;
}

/// Rows of the gateways of one placement, satellites by latency and what is on them, while it gets its
/// redundancy.
double redundancy_bytes(Scenario const& scenario, Sizes const& s) {
  if (is_none(scenario.redundancy)) return 0;
  return scenario.weights.layers * s.nodes * (sizeof(std::uint64_t) + sizeof(SatelliteId) + 1);
}

/// Snapshot, path rows, and the costs of one strategy.
double slot_bytes(Scenario const& scenario, Sizes const& s, bool exact) {
  double const costs = s.widest.placements * s.experts * (4 + 10) + s.widest.queries * 4;
  double const distributions = exact ? s.widest.placements * s.experts * 16 : 0;
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
  return scenario.time.slots * s.nodes * s.ports * 4 + rows * s.nodes * 8 + redundancy_bytes(scenario, s);
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
  double const cells = s.all.placements * scenario.time.slots * sizeof(Moments);
  double const placements = s.all.placements * s.experts * (4 + 8 + 4 + 2) +
                            s.all.copies * (16 + sizeof(Replica)) + s.all.queries * sizeof(PathQuery);
  double const tables = s.experts * (8 + 8 + 4 * (1 + scenario.model.top_k)) + bin_count * 8.0;
  return batch + planning_bytes(scenario) + cells + placements + tables + race_bytes(scenario) +
         static_cast<double>(layer_table_bytes) + wiring_bytes(scenario) + quantile_bytes(scenario, options);
}

}  // namespace spacemoe
