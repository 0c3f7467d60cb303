#pragma once

#include <iosfwd>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// Prints orbits, conventions, links, paths, model, placement, memory, and a warning for every unusual
/// choice.
void describe(std::ostream& out, Scenario const& scenario, Backend& backend);

/// Plans the first placement of each strategy that needs no search, and prints what it loads.
void describe_loads(std::ostream& out, Scenario const& scenario, Backend& backend);

}  // namespace spacemoe
