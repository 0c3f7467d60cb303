#pragma once

#include <cstdint>
#include <vector>

#include "host/evaluation/layer_distribution.hpp"
#include "kernels/common_draw.hpp"

namespace spacemoe {

/// A layer's latency distribution in the integers from which common draws are made: each latency owns the
/// words up to its share of 2^32, to within one word; those without a word are left out.
class LayerSteps {
 public:
  explicit LayerSteps(LayerDistribution const& layer);

  LayerStepsView view() const { return {up_to_, latency_ns_}; }

 private:
  void add(double up_to, Nanoseconds latency_ns);

  std::vector<std::uint32_t> up_to_;
  std::vector<Nanoseconds> latency_ns_;
};

}  // namespace spacemoe
