#include "host/stress/memory.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/memory.hpp"
#include "kernels/bins.hpp"

namespace spacemoe {
namespace {

constexpr double program_bytes = 28 << 20;  ///< with its libraries, and tallies of threads

/// Placements of a draw, one of each strategy, and what they are made of.
struct Sizes {
  double placements;  ///< bare and redundant ones; each may be repaired
  double layers;
  double experts;   ///< of all layers
  double copies;    ///< of experts, in a placement with redundancy
  double gateways;  ///< of a layer, likewise
};

Sizes sizes(Scenario const& scenario) {
  Redundancy const& redundancy = scenario.redundancy;
  auto const& given = scenario.file_placements;
  auto const bare = static_cast<double>(scenario.strategies.size());
  double const complete = !given.empty() && std::ranges::all_of(given, has_redundancy) ? 1 : 0;
  double const layers = scenario.weights.layers;
  double const experts = layers * scenario.weights.experts;
  Sizes s{bare + (is_none(redundancy) ? 0 : bare - complete), layers, experts,
          experts * (1 + redundancy.replicas) + redundancy.replica_places, 1.0 + redundancy.spare_gateways};
  for (Placement const& placement : given) {
    s.copies = std::max(s.copies, static_cast<double>(placement.host.size() + placement.replica.size()));
    std::vector<double> gateways(placement.layers, 1);
    for (SpareGateway const& spare : placement.spare) ++gateways[spare.layer];
    s.gateways = std::max(s.gateways, std::ranges::max(gateways));
  }
  return s;
}

/// Costs of a placement in one slot: of layers and experts, then the queues, hosts and paths of the copies
/// that serve, in vectors that double as they grow.
double cost_bytes(Sizes const& s) {
  auto const grown = static_cast<double>(std::bit_ceil(static_cast<std::uint64_t>(s.experts)));
  return 4 * s.layers + 4 * s.experts + (4 + 2 + 4) * grown + sizeof(SlotCosts);
}

/// Waits, detours and views of a placement in one slot.
double fate_bytes(Sizes const& s) {
  return (2 + 1) * s.experts + sizeof(CostView);
}

bool has_attack(Scenario const& scenario, StressOptions const& options) {
  return has_attack(scenario.damage) || std::ranges::any_of(options.families, is_attack);
}

/// Path latencies from which the load of a placement is computed, in a batch whose memory the backend keeps,
/// where something is attacked.
double load_path_bytes(Scenario const& scenario, StressOptions const& options, Sizes const& s) {
  if (!has_attack(scenario, options)) return 0;
  constexpr double batch_bytes = 64 << 20;
  double const slot = snapshot_bytes(scenario) + row_bytes(scenario, s.layers);
  return std::min(scenario.time.slots * slot, std::max(slot, batch_bytes));
}

/// What attacks aim at in every placement: gateways, hosts, satellites and links.
double target_bytes(Scenario const& scenario, StressOptions const& options, Sizes const& s) {
  if (!has_attack(scenario, options)) return 0;
  return 4 * (s.experts + s.layers + 4.0 * satellites(scenario)) * s.placements * scenario.random_placements;
}

/// A batch of slots with the paths that placements look up, in memory that the backend keeps.
double batch_bytes(Scenario const& scenario, StressOptions const& options, Sizes const& s) {
  double const placements = s.placements * (options.repair_bytes ? 2 : 1);
  double const sources = std::min<double>(satellites(scenario), placements * s.layers * s.gateways);
  double const queries = 4 * 2 * s.gateways * s.copies;
  double const placed = placements * s.copies * (2 * s.gateways * sizeof(PathQuery) + 32);
  return slots_per_batch(scenario, {}) * (snapshot_bytes(scenario) + row_bytes(scenario, sources) + queries) +
         placed;
}

/// What repairs are planned on: all slots, mean paths from every host and gateway, and those that are being
/// averaged, over four slots at a time, from the hosts of two layers.
double planned_repair_bytes(Scenario const& scenario, Sizes const& s) {
  double const nodes = satellites(scenario);
  double const ends = std::min(nodes, s.copies + s.layers);
  double const averaged = std::min(nodes, 2 * s.copies / s.layers);
  return scenario.time.slots * snapshot_bytes(scenario) + 4 * nodes * ends +
         nodes * averaged * (2 * 8 + 4 + 4 * 4);
}

/// What a draw of damage takes: costs of all slots, without damage and with it, and of what is repaired
/// before and after that.
double draw_bytes(Scenario const& scenario, StressOptions const& options, Sizes const& s) {
  double const repairs = options.repair_bytes ? 2 : 0;
  double const costs = (1 + std::max(1.0, repairs)) * s.placements * cost_bytes(s) + fate_bytes(s);
  double const planned = options.repair_bytes ? planned_repair_bytes(scenario, s) : 0;
  return scenario.time.slots * costs + planned;
}

/// Tallies of a point, its figures of every draw, and what is missed on each satellite.
double point_bytes(Scenario const& scenario, StressOptions const& options, Sizes const& s) {
  double const tally = static_cast<double>(loss_policies) * bin_count * sizeof(std::uint64_t);
  double const figures = 2.0 * loss_policies * options.draws * sizeof(double);
  return tally + figures + 8.0 * satellites(scenario) + 16 * s.layers;
}

}  // namespace

double stress_bytes(Scenario const& scenario, StressOptions const& options) {
  Sizes const s = sizes(scenario);
  double const points = static_cast<double>(options.families.size() * options.levels.size()) * s.placements *
                        (options.repair_bytes ? 2 : 1);
  double const sums = points * point_bytes(scenario, options, s);  // once more in the result
  double const paths = std::max(load_path_bytes(scenario, options, s), batch_bytes(scenario, options, s));
  return program_bytes + 2 * wiring_bytes(scenario) + 2 * race_bytes(scenario) + paths +
         target_bytes(scenario, options, s) + sums +
         std::max({planning_bytes(scenario), draw_bytes(scenario, options, s), sums});
}

}  // namespace spacemoe
