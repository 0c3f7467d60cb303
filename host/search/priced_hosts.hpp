#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/search/closed_walk.hpp"
#include "host/search/relaxed_layers.hpp"

namespace spacemoe {

/// Bound [ns] of a token's mean latency with given gateways [layer], by prices of the satellites' places;
/// `ways` has the paths from each of them. Empty where some layer finds too few hosts.
std::optional<double> priced_hosts(RelaxedLayers const& layers, Ways const& ways,
                                   std::span<std::size_t const> gateways, RowsDone const& done);

/// Rounds of prices, which are the rows that `done` counts.
inline constexpr std::uint32_t price_rounds = 200;

}  // namespace spacemoe
