#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/bins.hpp"

namespace spacemoe {

__extension__ using Uint128 = unsigned __int128;

/// Exact integer moments of the token latencies [ns] of one cell; they add.
struct Moments {
  std::uint64_t tokens = 0;
  std::uint64_t delivered = 0;
  Uint128 sum_ns = 0;           ///< over delivered tokens
  Uint128 sum_squares_ns2 = 0;  ///< over delivered tokens

  Moments& operator+=(Moments const& other);
  bool operator==(Moments const&) const = default;
};

/// What sampling leaves behind: integers that add in any order.
struct LatencyTally {
  std::vector<Moments> cell;                ///< [cell]
  std::vector<std::uint64_t> histogram;     ///< [bin], delivered tokens of all cells
  std::vector<std::uint64_t> layer_sum_ns;  ///< [layer], over the delivered tokens of all cells

  bool operator==(LatencyTally const&) const = default;
};

LatencyTally empty_tally(std::size_t cells, std::size_t layers);

/// Adds the histogram and the layer sums of a part; its cells are left to the caller.
void add_counts(LatencyTally& sum, LatencyTally const& part);

}  // namespace spacemoe
