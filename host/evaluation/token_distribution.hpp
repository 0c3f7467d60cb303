#pragma once

#include <vector>

#include "host/evaluation/layer_distribution.hpp"

namespace spacemoe {

/// Distribution of a sum of independent layers on a grid, mixed over cells. Each atom is split over its two
/// neighbouring grid points so that the mean is kept; a quantile is within layers * step of the true one.
class TokenDistribution {
 public:
  explicit TokenDistribution(double step_ns) : step_ns_(step_ns) {}

  /// Adds one cell: the convolution of its layers shifted by `fixed_ns`, with weight `weight` times the
  /// chance that every layer is reachable.
  void add(std::vector<LayerDistribution> const& layers, double fixed_ns, double weight);
  void add(TokenDistribution const& other);

  /// Total weight of deliverable tokens.
  double mass() const;
  /// Quantile [ns] of the deliverable tokens.
  double quantile_ns(double level) const;
  /// Chance that a deliverable token takes at most `latency_ns`.
  double cumulative(double latency_ns) const;

 private:
  double step_ns_;
  std::int64_t first_ = 0;  ///< grid index of mass_[0]
  std::vector<double> mass_;
};

}  // namespace spacemoe
