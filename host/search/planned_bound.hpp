#pragma once

#include <cstdint>
#include <functional>

#include "host/search/lower_bound.hpp"
#include "host/search/search.hpp"

namespace spacemoe {

/// The lower bound of the mean that a search plans with: over placements with the start's gateways where they
/// stay. Every activation profile has a bound of its own; their mean bounds the mean over profiles.
/// `progress` as in LowerBoundOptions.
LowerBound planned_bound(SearchProblem const& problem, SearchResult const& result, Placement const& start,
                         std::function<void(std::uint64_t done, std::uint64_t total)> progress);

}  // namespace spacemoe
