#pragma once

#include "host/evaluation/scenario.hpp"

// Memory [bytes] of what evaluations are made of, and others as well.

namespace spacemoe {

double wiring_bytes(Scenario const& scenario);

/// Links of all slots on planning outages, expected latencies from the gateways of all strategies, and what
/// giving them redundancy takes.
double planning_bytes(Scenario const& scenario);

/// Links of one slot with latency, length and reason, then as a neighbour table.
double snapshot_bytes(Scenario const& scenario);

/// Path latencies in one slot from so many sources to all satellites.
double row_bytes(Scenario const& scenario, double sources);

/// Chances of the expert race at every node of its quadrature.
double race_bytes(Scenario const& scenario);

}  // namespace spacemoe
