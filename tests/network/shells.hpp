#pragma once

#include <cstdint>

#include "host/constellation/constellation.hpp"
#include "host/network/link_rules.hpp"

namespace spacemoe {

inline Shell shell(std::uint32_t planes, std::uint32_t slots, std::uint32_t phasing) {
  Shell result;
  result.altitude_km = 550;
  result.inclination_deg = 87;
  result.planes = planes;
  result.satellites_per_plane = slots;
  result.phasing = phasing;
  return result;
}

inline Constellation on_sphere(Shell const& one) {
  return {EarthModel::sphere6371, Propagation::two_body, {one}};
}

inline Constellation paper_constellation() {
  return on_sphere(shell(33, 32, 18));
}

inline LinkRules with_seam(Seam seam) {
  LinkRules rules;
  rules.seam = seam;
  return rules;
}

}  // namespace spacemoe
