#include "host/network/link_geometry.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spacemoe {
namespace {

Vector3 difference(Vector3 const& a, Vector3 const& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}

double squared_norm(Vector3 const& v) {
  return v.x * v.x + v.y * v.y + v.z * v.z;
}

Vector3 cross(Vector3 const& a, Vector3 const& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

/// Distance from a satellite to where its line of sight touches the sphere [km]; 0 from below the sphere.
double tangent_km(Vector3 const& position_km, double sphere_radius_km) {
  double const squared = squared_norm(position_km) - sphere_radius_km * sphere_radius_km;
  return std::sqrt(std::max(squared, 0.0));
}

}  // namespace

double link_length_km(State const& a, State const& b) {
  return std::sqrt(squared_norm(difference(a.position_km, b.position_km)));
}

double pointing_rate_rad_s(State const& a, State const& b) {
  Vector3 const dr_km = difference(b.position_km, a.position_km);
  Vector3 const dv_km_s = difference(b.velocity_km_s, a.velocity_km_s);
  return std::sqrt(squared_norm(cross(dr_km, dv_km_s))) / squared_norm(dr_km);
}

GeometricRules::GeometricRules(LinkRules const& rules, double earth_radius_km) : rules_(rules) {
  if (rules.latitude_limit_deg) {
    sin_latitude_limit_ = std::sin(*rules.latitude_limit_deg * (std::numbers::pi / 180));
  }
  if (rules.grazing_altitude_km) grazing_radius_km_ = earth_radius_km + *rules.grazing_altitude_km;
}

Removal GeometricRules::removal(LinkKind kind, State const& a, State const& b, double length_km) const {
  bool const between_planes = kind == LinkKind::inter_plane || kind == LinkKind::seam;
  if (rules_.latitude_limit_deg && between_planes && beyond_latitude(a, b)) return Removal::latitude;
  if (rules_.grazing_altitude_km && below_horizon(a, b, length_km)) return Removal::line_of_sight;
  if (rules_.max_range_km && length_km > *rules_.max_range_km) return Removal::range;
  if (rules_.max_pointing_rate_rad_s && pointing_rate_rad_s(a, b) >= *rules_.max_pointing_rate_rad_s) {
    return Removal::pointing;
  }
  return Removal::none;
}

bool GeometricRules::beyond_latitude(State const& a, State const& b) const {
  auto const beyond = [this](Vector3 const& r) {
    return std::abs(r.z) > sin_latitude_limit_ * std::sqrt(squared_norm(r));
  };
  bool const first = beyond(a.position_km);
  bool const second = beyond(b.position_km);
  return rules_.latitude_rule == LatitudeRule::either ? first || second : first && second;
}

bool GeometricRules::below_horizon(State const& a, State const& b, double length_km) const {
  return length_km >
         tangent_km(a.position_km, grazing_radius_km_) + tangent_km(b.position_km, grazing_radius_km_);
}

}  // namespace spacemoe
