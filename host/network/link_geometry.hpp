#pragma once

#include "host/constellation/constellation.hpp"
#include "host/network/link_rules.hpp"
#include "host/network/network.hpp"

namespace spacemoe {

/// Length of the chord between two satellites [km].
double link_length_km(State const& a, State const& b);

/// Angular rate of the line of sight in the inertial frame [rad/s]: |dr x dv| / |dr|^2.
double pointing_rate_rad_s(State const& a, State const& b);

/// The rules that look at where satellites are and how they move; everything but outages.
class GeometricRules {
 public:
  GeometricRules(LinkRules const& rules, double earth_radius_km);

  /// The first rule that removes a link of length |a - b| [km].
  Removal removal(LinkKind kind, State const& a, State const& b, double length_km) const;

 private:
  bool beyond_latitude(State const& a, State const& b) const;
  bool below_horizon(State const& a, State const& b, double length_km) const;

  LinkRules rules_;
  double sin_latitude_limit_ = 1;
  double grazing_radius_km_ = 0;
};

}  // namespace spacemoe
