#pragma once

#include <cstdint>
#include <vector>

#include "kernels/routing.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

/// Chance that all `top_k` drawn experts are in a set, for every set of the experts (bits). At most 16
/// experts, all of positive weight. The chances of the sets that may be drawn come from summing over the
/// orders in which Plackett-Luce draws them, or from the products of conditional Poisson, and are then added
/// up over subsets: positive terms only, so every chance is good to about 1e-15 of itself.
std::vector<double> chance_within(RoutingLaw law, Span<double const> weights, std::uint32_t top_k);

}  // namespace spacemoe
