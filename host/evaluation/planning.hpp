#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// Snapshots [first, first + count) of a scenario with outages of the given purpose.
SnapshotBatch snapshots(Scenario const& scenario, Network const& network, std::uint32_t first,
                        std::uint32_t count, Purpose outages);

/// The shell of the ring of subnets; absent in a listed network.
std::optional<RingShell> ring_shell(Scenario const& scenario);

/// Plans every placement of a scenario's strategies on planning outages. Keeps the snapshots of all slots,
/// once a strategy asks for latencies.
class PlacementPlanner {
 public:
  PlacementPlanner(Scenario const& scenario, Network const& network, ComputeTimes const& compute,
                   Backend& backend, std::uint32_t slots_per_batch);

  std::vector<Placement> placements(Strategy strategy);

 private:
  std::vector<std::vector<std::uint64_t>> expected_latencies(std::span<SatelliteId const> sources);
  void take_snapshots();
  void add_rows(std::vector<SatelliteId> const& sources);

  Scenario const& scenario_;
  Network const& network_;
  Backend& backend_;
  std::uint32_t slots_per_batch_;
  std::vector<SnapshotBatch> batches_;
  std::map<SatelliteId, std::vector<std::uint64_t>> rows_;
  PlanningContext context_;
};

}  // namespace spacemoe
