#pragma once

#include "host/damage/damaged_network.hpp"
#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// What attacks on a placement aim at: its gateways; its hosts by the experts that a token is expected to run
/// there; satellites by the traffic that a token is expected to bring them, over their terminals to other
/// shells, too; links of the wiring by the same. All without damage. Ties go to the lower number.
DamageTargets damage_targets(Scenario const& scenario, Network const& network, ComputeTimes const& compute,
                             Placement const& placement, Backend& backend);

}  // namespace spacemoe
