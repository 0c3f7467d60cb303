#pragma once

#include <cstdint>
#include <span>

#include "host/evaluation/scoring_tables.hpp"

namespace spacemoe {

/// Slots that are scored side by side.
inline constexpr std::uint32_t score_lanes = 8;

/// Scores one change in every slot; its experts are on different hosts [expert].
void score_change(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                  SatelliteId const* hosts, ScoreRows const& rows);

}  // namespace spacemoe
