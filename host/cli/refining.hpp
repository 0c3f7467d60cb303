#pragma once

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// The placement of the strategy `refined`, found while a line tells how far the search is. Throws
/// ScenarioError where memory does not suffice, and Interrupted.
Placement refine_with_progress(Scenario const& scenario, Backend& backend);

}  // namespace spacemoe
