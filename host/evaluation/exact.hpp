#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/layer_distribution.hpp"
#include "host/evaluation/result.hpp"
#include "host/evaluation/token_distribution.hpp"
#include "kernels/token.hpp"

namespace spacemoe {

/// Exact distribution of one cell: its layers, and the token moments given that the token is delivered.
struct ExactCell {
  double weight = 0;     ///< share of the strategy's tokens
  double delivered = 1;  ///< probability
  double mean_ns = 0;
  double variance_ns2 = 0;
  std::vector<double> layer_mean_ns;      ///< [layer], queued at the gateway's cost included
  std::vector<LayerDistribution> layers;  ///< [layer]
  double fixed_ns = 0;
};

/// `laws` holds one law per layer.
ExactCell exact_cell(std::span<LayerLaw const> laws, CostView const& cost, double weight);

/// Mixture of cells. Cells are added in the order of their slots, whatever computed them, so that the
/// floating-point sums do not depend on threads or batches.
class ExactMixture {
 public:
  /// The grid is chosen from the first cell that delivers tokens: 2^15 steps to its mean.
  void add(std::span<ExactCell const> cells);

  ExactResult result() const;

 private:
  double weight_ = 0;
  double delivered_ = 0;
  double sum_ns_ = 0;
  double squares_ns2_ = 0;
  double step_ns_ = 0;
  std::vector<double> layer_sum_ns_;
  std::vector<TokenDistribution> distribution_;  ///< one, once the grid is chosen
};

}  // namespace spacemoe
