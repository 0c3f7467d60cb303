#pragma once

#include <cstdint>
#include <optional>

#include "host/search/closed_walk.hpp"
#include "host/search/relaxed_layers.hpp"

namespace spacemoe {

/// Bound [ns] of a token's mean latency from every two consecutive layers, whose experts may not share
/// places. Empty where there is one layer, where there are too few hosts, or where the lists of hosts between
/// gateways would take more than `bytes`.
std::optional<double> windows_of_two(RelaxedLayers const& layers, Ways const& ways, PairBounds const& pairs,
                                     std::uint64_t bytes, RowsDone const& done);

}  // namespace spacemoe
