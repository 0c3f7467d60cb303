#include "host/evaluation/planning.hpp"

#include <algorithm>

#include <tbb/parallel_for.h>

namespace spacemoe {
namespace {

/// Far, but no farther than a detour.
constexpr LostPath twice_the_greatest{2, 0};

}  // namespace

std::optional<RingShell> ring_shell(Scenario const& scenario) {
  if (is_listed(scenario)) return std::nullopt;
  Shell const& shell = scenario.constellation.shells[scenario.ring_shell];
  return RingShell{first_satellite(scenario.constellation, scenario.ring_shell), shell.planes,
                   shell.satellites_per_plane};
}

SnapshotBatch snapshots(Scenario const& scenario, Network const& network, std::uint32_t first,
                        std::uint32_t count, Purpose outages) {
  std::vector<Snapshot> taken(count);
  tbb::parallel_for(std::uint32_t{0}, count, [&](std::uint32_t i) {
    taken[i] = network.snapshot(first + i, slot_time_s(scenario, first + i), outages);
  });
  return batch(network.wiring(), taken);
}

PlacementPlanner::PlacementPlanner(Scenario const& scenario, Network const& network,
                                   ComputeTimes const& compute, Backend& backend,
                                   std::uint32_t slots_per_batch)
    : scenario_(scenario), network_(network), backend_(backend), slots_per_batch_(slots_per_batch) {
  context_.limits = placement_limits(scenario);
  context_.aggregation = scenario.aggregation;
  context_.ring = ring_shell(scenario);
  context_.weights = &scenario.weights;
  context_.compute = &compute;
  context_.top_k = scenario.model.top_k;
  context_.slots = scenario.time.slots;
  context_.expected_latencies = [this](std::span<SatelliteId const> sources) {
    return expected_latencies(sources);
  };
  context_.seed = scenario.seed;
}

std::vector<Placement> PlacementPlanner::placements(Strategy strategy) {
  if (strategy == Strategy::file) return scenario_.file_placements;
  std::vector<Placement> planned;
  std::uint32_t const count = is_random(strategy) ? scenario_.random_placements : 1;
  for (std::uint32_t p = 0; p < count; ++p) planned.push_back(plan(strategy, context_, p));
  return planned;
}

std::vector<std::vector<std::uint64_t>> PlacementPlanner::expected_latencies(
    std::span<SatelliteId const> sources) {
  std::vector<SatelliteId> missing;
  for (SatelliteId const source : sources) {
    if (!rows_.contains(source) && std::ranges::find(missing, source) == missing.end())
      missing.push_back(source);
  }
  if (!missing.empty()) add_rows(missing);
  std::vector<std::vector<std::uint64_t>> rows;
  for (SatelliteId const source : sources) rows.push_back(rows_.at(source));
  return rows;
}

void PlacementPlanner::take_snapshots() {
  std::uint32_t const slots = scenario_.time.slots;
  for (std::uint32_t first = 0; first < slots; first += slots_per_batch_) {
    batches_.push_back(snapshots(scenario_, network_, first, std::min(slots_per_batch_, slots - first),
                                 Purpose::planning_outage));
  }
}

void PlacementPlanner::add_rows(std::vector<SatelliteId> const& sources) {
  if (batches_.empty()) take_snapshots();
  for (SatelliteId const source : sources) rows_[source].resize(satellites(scenario_));
  for (auto const& batch : batches_) {
    auto const sums = backend_.path_latencies(batch, sources)->sums(twice_the_greatest);
    auto sum = sums.begin();
    for (SatelliteId const source : sources) {
      for (std::uint64_t& row : rows_[source]) row = add_sums(row, *sum++);
    }
  }
}

}  // namespace spacemoe
