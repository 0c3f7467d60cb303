#pragma once

#include <vector>

#include "host/constellation/constellation.hpp"
#include "host/network/link_rules.hpp"
#include "host/network/network.hpp"

namespace spacemoe {

/// +Grid of every shell; a port more where the rules link shells. Throws std::invalid_argument for a seam
/// across a star that the rules do not insist on.
Wiring grid_wiring(Constellation const& constellation, LinkRules const& rules);

/// Turns every link so that a < b and sorts them. Throws std::invalid_argument for self-links, duplicates,
/// ids that are not below `nodes` and latencies outside [1, unreachable - 1] ns.
std::vector<ListedLink> ordered_links(std::uint32_t nodes, std::vector<ListedLink> links);

/// Wiring of ordered links; ports follow their order, the degree is the greatest of all nodes.
Wiring listed_wiring(std::uint32_t nodes, std::vector<ListedLink> const& links);

}  // namespace spacemoe
