#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/layer_distribution.hpp"
#include "kernels/order_statistic.hpp"
#include "kernels/token.hpp"

namespace spacemoe {

/// Columns that a layer's table has at least: short tables cost no more to look up, and the more columns
/// belong to a single atom, the fewer words need all their bytes.
inline constexpr std::uint32_t least_column_bits = 6;

/// Distributions of the layer latencies of one placement in one slot, in the integers that kernels draw from:
/// each atom owns words in proportion to its probability, to within 2^-32 and at least one.
class LayerTables {
 public:
  /// `layers` holds one distribution per layer; `fixed_ns` is paid once per token.
  LayerTables(std::span<LayerDistribution const> layers, std::uint64_t fixed_ns);

  LayerTablesView view() const;

 private:
  std::uint32_t layers_;
  std::uint32_t column_bits_ = least_column_bits;
  std::uint64_t fixed_ns_;
  std::vector<std::uint32_t> alias_;
  std::vector<Nanoseconds> latency_ns_;
};

}  // namespace spacemoe
