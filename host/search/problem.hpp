#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/evaluation/scoring_tables.hpp"

namespace spacemoe {

/// What a search plans on: all slots with planning outages, and activation profiles.
struct SearchProblem {
  /// As scenario.search says.
  SearchProblem(Scenario const& of, Backend& on);

  Scenario const& scenario;
  Backend& backend;
  Network network;
  ComputeTimes compute;
  PlacementLimits limits;
  std::optional<RingShell> ring;
  std::vector<ActivationWeights> profiles;  ///< as they are sampled; the scenario's first
  SnapshotBatch slots;                      ///< [outage draw][slot]

  /// Weights of all profiles together: each scaled to sum to 1 in every layer.
  ActivationWeights mean_profile() const;
  /// `count` snapshots, evenly spread, from number `first` on.
  SnapshotBatch some_slots(std::uint32_t count, std::uint32_t first = 0) const;
};

}  // namespace spacemoe
