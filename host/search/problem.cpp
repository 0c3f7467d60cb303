#include "host/search/problem.hpp"

#include <algorithm>
#include <numeric>

#include <tbb/parallel_for.h>

#include "host/evaluation/planning.hpp"
#include "host/model/routing_tables.hpp"

namespace spacemoe {
namespace {

/// A second draw of outages has slot numbers of its own.
SnapshotBatch planning_slots(Scenario const& scenario, Network const& network, std::uint32_t outages) {
  std::uint32_t const slots = scenario.time.slots;
  SnapshotBatch all = snapshots(scenario, network, 0, slots, Purpose::planning_outage);
  all.latency_ns.reserve(outages * all.latency_ns.size());
  all.crossing.reserve(outages * all.crossing.size());
  for (std::uint32_t draw = 1; draw < outages; ++draw) {
    std::vector<Snapshot> taken(slots);
    tbb::parallel_for(std::uint32_t{0}, slots, [&](std::uint32_t slot) {
      taken[slot] =
          network.snapshot(draw * slots + slot, slot_time_s(scenario, slot), Purpose::planning_outage);
    });
    append(all, batch(network.wiring(), taken));
  }
  return all;
}

}  // namespace

SearchProblem::SearchProblem(Scenario const& of, Backend& on)
    : scenario(of),
      backend(on),
      network(make_network(of)),
      compute(of.model, of.compute),
      limits(placement_limits(of)),
      ring(ring_shell(of)),
      slots(planning_slots(of, network, of.search.outages)) {
  profiles.push_back(RoutingTables(of.law, of.weights, of.model.top_k).sampled_weights());
  for (auto const& topic : of.search.topics) {
    profiles.push_back(RoutingTables(of.law, topic, of.model.top_k).sampled_weights());
  }
}

ActivationWeights SearchProblem::mean_profile() const {
  ActivationWeights mean = profiles.front();
  for (double& weight : mean.weight) weight = 0;
  for (auto const& profile : profiles) {
    for (std::uint32_t l = 0; l < mean.layers; ++l) {
      double const sum = std::accumulate(profile.layer(l), profile.layer(l) + mean.experts, 0.0);
      for (std::uint32_t e = 0; e < mean.experts; ++e) {
        mean.weight[std::size_t{l} * mean.experts + e] += profile.layer(l)[e] / sum;
      }
    }
  }
  return mean;
}

SnapshotBatch SearchProblem::some_slots(std::uint32_t count, std::uint32_t first) const {
  if (count == slots.snapshots) return slots;
  SnapshotBatch some{slots.wiring};
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t const slot = (first + i * slots.snapshots / count) % slots.snapshots;
    append(some, part(slots, static_cast<std::uint32_t>(slot), 1));
  }
  return some;
}

}  // namespace spacemoe
