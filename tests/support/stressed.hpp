#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "host/stress/stress.hpp"

namespace spacemoe::testing {

/// Figures of a point with `lost` of 8 tokens under `drop`.
inline StressPoint stressed_point(std::uint64_t lost) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  StressPoint point;
  for (std::size_t p = 0; p < loss_policies; ++p) {
    std::uint64_t const delivered = p == 0 ? 8 - lost : 8;
    auto& policy = point.tally.policy[p];
    policy.moments = {8, delivered, (Uint128{1} << 64) + 10 * p, (Uint128{2} << 64) + p};
    policy.histogram[3000 + 100 * p] = delivered;
    point.mean_ms[p] = {12.5 + static_cast<double>(p), 11, 14};
    point.delivering[p] = 2;
    double const share = static_cast<double>(8 - delivered) / 8;
    point.undeliverable[p] = {share, std::max(share - 0.25, 0.0), std::min(share + 0.25, 1.0)};
  }
  if (lost == 8) {
    point.mean_ms[0] = {none, none, none};
    point.delivering[0] = 0;
  }
  point.waited_ms = 3000;
  point.waiting = 0.5;
  point.detours = lost == 8 ? none : 0.125;
  point.layer_lost = {0.0625, static_cast<double>(lost) / 8};
  point.weakest_layer = 1;
  point.weakest_host = satellite(17);
  point.weakest_host_lost = static_cast<double>(lost) / 4;
  return point;
}

/// Two draws of 4 tokens on two layers at two levels: "greedy", and the same repaired.
inline Stress repaired_stress() {
  Stress stress{{DamageFamily::storm}, {0, 0.5}, {"greedy", "greedy, repaired"}, 2, 4, 750, {}};
  stress.point = {stressed_point(0), stressed_point(0), stressed_point(8), stressed_point(4)};
  stress.point[1].repair = RepairFigures{0, 0, 0, 0, {12.5, 11, 14}, {0, 0, 0}};
  stress.point[3].repair = RepairFigures{1.5, 0.5, 66e6, 0.25, {20, 18, 22}, {0.75, 0.5, 1}};
  return stress;
}

inline StressOptions repair_options() {
  StressOptions options;
  options.repair_bytes = 100e6;
  return options;
}

}  // namespace spacemoe::testing
