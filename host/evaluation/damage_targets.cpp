#include "host/evaluation/damage_targets.hpp"

#include <algorithm>

#include "host/evaluation/costs.hpp"

namespace spacemoe {

DamageTargets damage_targets(Scenario const&, Network const&, ComputeTimes const&, Placement const& placement,
                             Backend&) {
  DamageTargets targets;
  std::vector<SatelliteId> gateways;
  add_gateways(placement, gateways);
  PathSources const distinct(std::move(gateways));
  targets.gateways.assign(distinct.ids().begin(), distinct.ids().end());
  return targets;
}

}  // namespace spacemoe
