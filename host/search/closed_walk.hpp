#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "host/search/relaxed_layers.hpp"

namespace spacemoe {

/// Called after some rows of work are done; may throw.
using RowsDone = std::function<void(std::uint64_t rows)>;

/// The least cost [ns] of each layer between every two gateways when it has all satellites to itself.
class PairBounds {
 public:
  /// Layers are put into classes so that the matrices take at most `bytes`, one at least; a class draws its
  /// first m experts together as often as any of its layers. Costs far beyond the least one are clipped.
  PairBounds(RelaxedLayers const& layers, Ways const& ways, std::uint64_t bytes, RowsDone const& done);

  /// Costs [next gateway] of a layer from a gateway; `unreachable` where there is no way.
  std::span<Nanoseconds const> from(std::uint32_t layer, std::size_t gateway) const {
    return std::span(matrix_[class_[layer]]).subspan(gateway * satellites_, satellites_);
  }

 private:
  void fill_rows(RelaxedLayers const& layers, Ways const& ways, std::size_t gateway);

  std::uint32_t satellites_;
  std::vector<std::uint32_t> class_;              ///< [layer]
  std::vector<std::vector<double>> chance_;       ///< [class][m]
  std::vector<std::vector<Nanoseconds>> matrix_;  ///< [class][gateway][next gateway]
  std::uint64_t limit_ns_;
};

/// Cost [ns] of the best walk g_0, ..., g_{L-1}, g_0 of gateways where layer l costs `pairs` between g_l and
/// g_{l+1}, with the compute at the gateways; empty where there is none.
std::optional<std::uint64_t> best_closed_walk(RelaxedLayers const& layers, PairBounds const& pairs,
                                              RowsDone const& done);

}  // namespace spacemoe
