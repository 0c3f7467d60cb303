#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/damage/damaged_network.hpp"
#include "host/evaluation/backend.hpp"
#include "host/evaluation/planning_paths.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// Snapshots [first, first + count) of a scenario with outages of the given purpose.
SnapshotBatch snapshots(Scenario const& scenario, Network const& network, std::uint32_t first,
                        std::uint32_t count, Purpose outages);

/// The same snapshots after damage, and what is left of the satellites [slot].
struct DamagedSlots {
  SnapshotBatch batch;
  std::vector<SlotDamage> state;
};
DamagedSlots damaged_snapshots(Scenario const& scenario, Network const& network,
                               DamagedNetwork const& damaged, std::uint32_t first, std::uint32_t count,
                               Purpose outages);

/// The shell of the ring of subnets; absent in a listed network.
std::optional<RingShell> ring_shell(Scenario const& scenario);

/// Plans every placement of a scenario's strategies on planning outages.
class PlacementPlanner {
 public:
  /// All must outlive the planner; the paths are those of the scenario's network.
  PlacementPlanner(Scenario const& scenario, PlanningPaths& paths, ComputeTimes const& compute,
                   Backend& backend);

  /// As strategies and files give them: only those of files may have replicas or spare gateways.
  std::vector<Placement> placements(Strategy strategy);
  /// Adds the scenario's replicas and spare gateways; a placement that came with some is taken as it is.
  Placement with_redundancy(Placement placement);

 private:
  Scenario const& scenario_;
  PlanningContext context_;
  std::vector<double> chance_;  ///< [layer][expert]: of a token to draw the expert, once it is needed
};

}  // namespace spacemoe
