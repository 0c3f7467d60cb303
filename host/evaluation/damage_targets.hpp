#pragma once

#include "host/damage/damaged_network.hpp"
#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// What attacks on a placement aim at: its gateways; its hosts by the experts that a token is expected to run
/// there; satellites and links by the traffic that a token is expected to bring them without damage. Ties go
/// to the lower number.
DamageTargets damage_targets(Scenario const& scenario, Network const& network, ComputeTimes const& compute,
                             Placement const& placement, Backend& backend);

}  // namespace spacemoe
