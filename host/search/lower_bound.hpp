#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/evaluation/scoring_tables.hpp"

namespace spacemoe {

/// What no placement can go below.
struct LowerBound {
  std::optional<double> mean_ms;  ///< of delivered tokens over the planning slots
  std::string kind;               ///< how it was found; README.md says what each kind means
  std::string reason_missing;     ///< why there is none
};

struct LowerBoundOptions {
  /// Share of the tokens that a placement may lose on the planning slots.
  double allowed_loss = 0;
  /// [layer]: then the bound holds for placements with these gateways only.
  std::optional<std::vector<SatelliteId>> fixed_gateways;
  /// Memory for the bounds of all pairs of gateways; where one matrix of them does not fit, hop counts must
  /// do.
  std::uint64_t matrix_bytes = std::uint64_t{256} << 20;
  /// Called between pieces of work by the calling thread; may throw.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// A lower bound of the mean token latency over all placements within the scenario's limits, where tokens
/// count as in ExactMixture, on the snapshots that a search plans on. The same bits whatever the backend and
/// the threads.
LowerBound lower_bound(Scenario const& scenario, SnapshotBatch const& planning_slots,
                       ComputeTimes const& compute, ScoringTables const& tables, Backend& backend,
                       LowerBoundOptions const& options);

}  // namespace spacemoe
