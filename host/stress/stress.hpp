#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/damage/damage.hpp"
#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/search/comparison.hpp"
#include "host/stress/fates.hpp"

namespace spacemoe {

struct StressOptions {
  std::vector<DamageFamily> families;
  std::vector<double> levels;  ///< ascending, from 0 on
  std::uint32_t draws = 16;    ///< at least 2
  double penalty_ms = 1000;
  /// Also repair what is lost, sending at most so many bytes of weights; infinite: no limit.
  std::optional<double> repair_bytes;
  /// Finds the placement of the strategy `refined`; needed where the scenario names it.
  std::function<Placement()> refine;
  /// Called between levels with the work done and to do [evaluations of all strategies].
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// What repairs took, means over draws; latencies over those that deliver.
struct RepairFigures {
  double moved_experts = 0;
  double moved_gateways = 0;
  double migrated_bytes = 0;
  double migration_s = 0;
  Estimate during_mean_ms;        ///< of tokens that come while weights are on their way, under `drop`
  Estimate during_undeliverable;  ///< probability
};

/// What one strategy came to at one level of one family, over all draws. Latencies are NaN where nothing is
/// delivered; estimates are means over draws with Student's 95 % intervals.
struct StressPoint {
  FateTally tally;
  std::array<Estimate, loss_policies> mean_ms;          ///< over the draws that deliver; NaN below two
  std::array<std::uint32_t, loss_policies> delivering;  ///< draws that deliver tokens
  std::array<Estimate, loss_policies> undeliverable;    ///< probability
  double waited_ms = 0;                                 ///< mean over tokens that `wait` delivers
  double waiting = 0;                                   ///< share of them that waited
  double detours = 0;                                   ///< share of tokens delivered under `drop`
  std::vector<double> layer_lost;                       ///< [layer]: probability of an unreachable expert
  std::uint32_t weakest_layer = 0;                      ///< of greatest layer_lost
  SatelliteId weakest_host{};                           ///< whose experts tokens miss most often
  double weakest_host_lost = 0;                         ///< experts missed there per token
  std::optional<RepairFigures> repair;                  ///< of repaired placements
};

struct Stress {
  std::vector<DamageFamily> families;
  std::vector<double> levels;
  std::vector<std::string> placements;  ///< names of strategies, with redundancy and repaired where wanted
  std::uint32_t draws = 0;
  std::uint64_t tokens = 0;  ///< per draw and placement
  double penalty_ms = 0;
  std::vector<StressPoint> point;  ///< [family][level][placement]

  StressPoint const& at(std::size_t family, std::size_t level, std::size_t placement) const {
    return point[(family * levels.size() + level) * placements.size() + placement];
  }
};

/// Evaluates the placements of a scenario's strategies, planned without damage, on damaged networks. A draw
/// has damage, outages and tokens of its own, common to all families, levels and placements; a random
/// strategy has one placement per draw. Where the scenario asks for redundancy, placements are stressed
/// without it, too; where repair is wanted, each also as it is after that.
Stress stress(Scenario const& scenario, Backend& backend, StressOptions const& options);

}  // namespace spacemoe
