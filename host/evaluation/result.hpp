#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/evaluation/network_loads.hpp"
#include "host/evaluation/sampler_choice.hpp"
#include "host/evaluation/tally.hpp"
#include "host/placement/placement.hpp"
#include "host/placement/strategies.hpp"

namespace spacemoe {

inline constexpr std::array<double, 4> quantile_levels{0.5, 0.9, 0.99, 0.999};
inline constexpr std::array<std::uint32_t, 4> quantile_per_mille{500, 900, 990, 999};
inline constexpr std::array<char const*, 4> quantile_names{"p50", "p90", "p99", "p99.9"};

/// A quantile as the bounds of its bin [ms], which are both the quantile itself where it was searched for,
/// with a 95 % binomial confidence interval.
struct Quantile {
  double lower_ms = 0, upper_ms = 0;
  double confidence_low_ms = 0, confidence_high_ms = 0;

  double middle_ms() const { return (lower_ms + upper_ms) / 2; }
};

using QuantileSet = std::array<Quantile, quantile_levels.size()>;

/// Exact figures of one strategy for the same cells as the sampled ones, layers independent within a slot.
struct ExactResult {
  double mean_ms = 0;  ///< over delivered tokens
  double standard_deviation_ms = 0;
  double undeliverable = 0;
  std::array<double, quantile_levels.size()> quantile_ms{};
  double grid_ms = 0;                 ///< step of the convolution; quantiles are within layers * step
  std::vector<double> layer_mean_ms;  ///< [layer]
};

struct StrategyResult {
  Strategy strategy{};
  std::vector<Placement> placements;
  SamplerChoice sampler;  ///< that drew the tokens, and why
  LatencyTally tally;     ///< cells [placement][slot]

  // Derived from the tally.
  std::uint64_t tokens = 0;
  std::uint64_t delivered = 0;
  double mean_ms = 0;
  double standard_deviation_ms = 0;
  double standard_error_ms = 0;
  std::optional<double> placement_spread_ms;  ///< of several placements
  QuantileSet quantiles{};
  std::vector<double> layer_mean_ms;  ///< [layer]
  double undeliverable = 0;           ///< probability
  double ratio_to_best = 0;

  std::optional<ExactResult> exact;
};

/// Wall time [s] of the parts of an evaluation.
struct Timing {
  double planning_s = 0;
  double snapshots_s = 0;
  double paths_s = 0;
  double costs_s = 0;
  double sampling_s = 0;
  double exact_s = 0;
  double total_s = 0;
};

struct Evaluation {
  std::uint32_t slots = 0;
  std::uint32_t layers = 0;
  std::uint32_t experts = 0;
  std::vector<StrategyResult> strategies;
  std::optional<NetworkLoads> load;  ///< [strategy]: of its first placement
  std::string backend;
  Timing timing;
};

}  // namespace spacemoe
