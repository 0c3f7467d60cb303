#pragma once

#include <cstdint>

#include "kernels/latency.hpp"

namespace spacemoe {

inline constexpr unsigned whole_warp = 0xffffffff;

/// The greatest value of the warp's lanes, which all call together.
__device__ inline std::uint32_t greatest_of_warp(std::uint32_t value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value = max(value, __shfl_xor_sync(whole_warp, value, distance));
  }
  return value;
}

/// Notes down the greatest of the warp's latencies; all its lanes call together.
__device__ inline void note_greatest(Nanoseconds* greatest, Nanoseconds latency) {
  Nanoseconds const of_warp = greatest_of_warp(latency);
  if (threadIdx.x % 32 == 0 && of_warp > 0) atomicMax(greatest, of_warp);
}

}  // namespace spacemoe
