#pragma once

#include <span>
#include <utility>
#include <vector>

#include "host/constellation/constellation.hpp"

namespace spacemoe {

/// Pairs (a < b, by a) of satellites that are each other's nearest among those of other shells within
/// `range_km`; of two at the same distance the lower id is nearer. `states` are those of all satellites.
std::vector<std::pair<SatelliteId, SatelliteId>> shell_pairs(Constellation const& constellation,
                                                             std::span<State const> states, double range_km);

}  // namespace spacemoe
