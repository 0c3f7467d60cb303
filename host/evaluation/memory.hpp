#pragma once

#include "host/evaluation/scenario.hpp"

// Memory [bytes] of what evaluations are made of, and others as well.

namespace spacemoe {

double wiring_bytes(Scenario const& scenario);

/// Links of all slots on planning outages, and expected latencies from the gateways of all strategies.
double planning_bytes(Scenario const& scenario);

/// One slot of a batch: links with latency, length and reason, then as a neighbour table, and path latencies
/// from so many sources.
double path_bytes(Scenario const& scenario, double sources);

}  // namespace spacemoe
