#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/layer_score.hpp"

namespace spacemoe {

/// The exponential race of one layer at the nodes of its quadrature, in blocks of `race_lanes`.
struct RaceView {
  std::size_t experts = 0;
  std::uint32_t top_k = 0;
  std::span<double const> weight;  ///< [block][lane], of the quadrature
  std::span<double const> absent;  ///< [block][expert][lane]: chance of no arrival before the node's time
};

/// Sum over the quadrature of (chance that at least top_k of the first m of `order` have arrived) (chance
/// that none of the others has), for m from 1; `order` has every expert, and for all of them the sum is left
/// at 0. Times the weight of the others this is the chance that the first top_k arrivals are among the first
/// m. The same bits by every instruction set, being + - * in one order.
void race_sweep(RaceView const& race, std::span<std::uint32_t const> order, std::span<double> sums);

}  // namespace spacemoe
