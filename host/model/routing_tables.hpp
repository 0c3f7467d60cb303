#pragma once

#include <cstdint>
#include <vector>

#include "host/model/activation.hpp"
#include "kernels/routing.hpp"

namespace spacemoe {

/// Integer tables from which kernels draw experts; built once per model, independent of placement and slot.
class RoutingTables {
 public:
  /// Every layer needs at least `top_k` positive weights (validated before).
  RoutingTables(RoutingLaw law, ActivationWeights const& weights, std::uint32_t top_k);

  RoutingView view() const;

  /// The weights that are sampled, after rounding to integers that sum to 2^32 in each layer; exact results
  /// use these. [layer][expert], divided by 2^32.
  ActivationWeights sampled_weights() const;

 private:
  RoutingLaw law_;
  std::uint32_t layers_;
  std::uint32_t experts_;
  std::uint32_t top_k_;
  std::uint32_t column_bits_ = 0;
  std::vector<std::uint32_t> alias_;
  std::vector<std::uint32_t> weight_;
  std::vector<std::uint32_t> inclusion_;
  std::vector<ExpertIndex> order_;
};

}  // namespace spacemoe
