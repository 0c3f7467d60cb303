#pragma once

#include <cstdint>
#include <vector>

#include "host/evaluation/layer_distribution.hpp"

namespace spacemoe {

/// Distribution of a sum of independent layers on a grid, mixed over cells. Each atom is split over its two
/// neighbouring grid points so that the mean is kept; a quantile is within layers * step of the true one.
class TokenDistribution {
 public:
  explicit TokenDistribution(double step_ns) : step_ns_(step_ns) {}

  /// Adds one cell: the convolution of its layers shifted by `fixed_ns`, with weight `weight` times the
  /// chance that every layer is reachable. At least one layer.
  void add(std::vector<LayerDistribution> const& layers, double fixed_ns, double weight);
  /// Adds the cells of another distribution of the same step (else throws std::logic_error).
  void add(TokenDistribution const& other);

  /// Total weight of deliverable tokens.
  double mass() const;
  /// Quantile [ns] of the deliverable tokens: the least grid point at which cumulative() reaches `level`. NaN
  /// where there are none.
  double quantile_ns(double level) const;
  /// Chance that a deliverable token takes at most `latency_ns`; NaN where there are none.
  double cumulative(double latency_ns) const;

 private:
  void add_grid(std::int64_t first, std::vector<double> const& mass, double weight);

  double step_ns_;
  std::int64_t first_ = 0;    ///< grid index of mass_[0]
  std::vector<double> mass_;  ///< [grid point]
};

}  // namespace spacemoe
