#pragma once

#include <cstdint>

#include "host/cpu/philox_lanes.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// One number for each of the tokens side by side.
struct LaneNumbers {
  alignas(64) std::uint32_t lane[philox_lanes];
};

/// A layer in which tokens [token, token + philox_lanes) draw their experts.
struct LayerDraw {
  RoutingView const& routing;
  CostView const& cost;
  Seed seed;
  std::uint32_t slot;
  std::uint32_t token;
  std::uint32_t layer;
};

/// Latency [ns] of each lane's slowest expert, where no host has several. Returns the lanes that ran out of
/// repeats, as bits: theirs is left to the kernel's function.
using SlowestPicks = std::uint32_t(LayerDraw const& at, LaneNumbers& slowest_ns);

#if defined(SPACEMOE_SIMD_X86)
SlowestPicks slowest_picks_avx512;
#endif

}  // namespace spacemoe
