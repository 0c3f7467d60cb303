#include "host/evaluation/planning.hpp"

#include <utility>

#include <tbb/parallel_for.h>

#include "host/evaluation/load.hpp"

namespace spacemoe {

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

DamagedSlots damaged_snapshots(Scenario const& scenario, Network const& network,
                               DamagedNetwork const& damaged, std::uint32_t first, std::uint32_t count,
                               Purpose outages) {
  std::vector<Snapshot> taken(count);
  DamagedSlots result{{}, std::vector<SlotDamage>(count)};
  tbb::parallel_for(std::uint32_t{0}, count, [&](std::uint32_t i) {
    double const time_s = slot_time_s(scenario, first + i);
    taken[i] = network.snapshot(first + i, time_s, outages);
    result.state[i] = damaged.at(time_s);
    damaged.apply(result.state[i], time_s, taken[i]);
  });
  result.batch = batch(network.wiring(), taken);
  return result;
}

namespace {

/// Number of each satellite's plane, counted over all shells.
std::vector<std::uint32_t> planes_of_satellites(Constellation const& constellation) {
  std::vector<std::uint32_t> planes;
  std::uint32_t plane = 0;
  for (Shell const& shell : constellation.shells) {
    for (std::uint32_t p = 0; p < shell.planes; ++p, ++plane) {
      planes.insert(planes.end(), shell.satellites_per_plane, plane);
    }
  }
  return planes;
}

}  // namespace

PlacementPlanner::PlacementPlanner(Scenario const& scenario, PlanningPaths& paths,
                                   ComputeTimes const& compute, Backend& backend)
    : scenario_(scenario) {
  context_.limits = placement_limits(scenario);
  context_.aggregation = scenario.aggregation;
  context_.ring = ring_shell(scenario);
  context_.plane = planes_of_satellites(scenario.constellation);
  context_.weights = &scenario.weights;
  context_.compute = &compute;
  context_.top_k = scenario.model.top_k;
  context_.slots = scenario.time.slots;
  context_.expected_latencies = [&paths, &backend](std::span<SatelliteId const> sources) {
    return paths.from(sources, backend);
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

Placement PlacementPlanner::with_redundancy(Placement placement) {
  if (has_redundancy(placement) || is_none(scenario_.redundancy)) return placement;
  if (chance_.empty()) chance_ = inclusion(scenario_);
  return spacemoe::with_redundancy(context_, scenario_.redundancy, chance_, std::move(placement));
}

}  // namespace spacemoe
