#pragma once

#include <cstdint>
#include <span>

#include "host/satellite_id.hpp"
#include "kernels/layer_score.hpp"

namespace spacemoe {

/// Slots that are scored side by side.
inline constexpr std::uint32_t score_lanes = 8;

/// Scores of one change [slot].
struct ScoreRows {
  double* mean_ns;
  double* variance_ns2;
  double* delivered;
};

/// Scores one change in every slot; its experts are on different hosts [expert].
void score_change(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                  SatelliteId const* hosts, ScoreRows const& rows);

}  // namespace spacemoe
