#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/evaluation/result.hpp"
#include "host/placement/strategies.hpp"

namespace spacemoe {

/// What a sweep keeps of a strategy at a point; figures as in StrategyResult.
struct StrategyRecord {
  Strategy strategy{};
  std::uint64_t tokens = 0;
  std::uint64_t delivered = 0;
  double mean_ms = 0;
  double standard_deviation_ms = 0;
  double standard_error_ms = 0;
  std::optional<double> placement_spread_ms;
  double undeliverable = 0;
  double ratio_to_best = 0;
  std::array<Quantile, quantile_levels.size()> quantiles{};
  std::vector<double> layer_mean_ms;     ///< [layer]
  std::uint32_t first_bin = 0;           ///< of those that hold tokens
  std::vector<std::uint64_t> histogram;  ///< [bin - first_bin] up to the last that holds tokens
};

/// What a sweep keeps of a point, once it is done or has failed.
struct PointRecord {
  std::uint64_t point = 0;
  std::string failure;                     ///< why it cannot run; empty where it ran
  std::vector<StrategyRecord> strategies;  ///< none where it failed
  double elapsed_s = 0;                    ///< wall time

  bool failed() const { return !failure.empty(); }
};

PointRecord record_of(std::uint64_t point, Evaluation const& evaluation, double elapsed_s);

}  // namespace spacemoe
