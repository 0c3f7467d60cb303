#pragma once

#include <cstdint>

#include "kernels/latency.hpp"

namespace spacemoe {

inline constexpr unsigned whole_warp = 0xffffffff;

/// Notes down the greatest of the warp's latencies; all its lanes call together.
__device__ inline void note_greatest(Nanoseconds* greatest, Nanoseconds latency) {
  for (int distance = 16; distance > 0; distance /= 2) {
    latency = max(latency, __shfl_xor_sync(whole_warp, latency, distance));
  }
  if (threadIdx.x % 32 == 0 && latency > 0) atomicMax(greatest, latency);
}

}  // namespace spacemoe
