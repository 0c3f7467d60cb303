#include "host/constellation/constellation.hpp"

#include <cmath>
#include <numbers>

namespace spacemoe {
namespace {

double radians(double degrees) {
  return degrees * (std::numbers::pi / 180);
}

/// How fast the circular orbits of a shell turn.
struct Rates {
  double argument_of_latitude_rad_s;
  double raan_rad_s;
};

Rates rates(Constellation const& constellation, Shell const& shell) {
  Earth const body = earth(constellation.earth);
  double const a_km = semi_major_axis_km(constellation, shell);
  double const n_rad_s = std::sqrt(body.mu_km3_s2 / (a_km * a_km * a_km));
  if (constellation.propagation == Propagation::two_body) return {n_rad_s, 0};
  double const ratio = body.radius_km / a_km;
  double const strength = 1.5 * body.j2 * ratio * ratio;
  double const cos_i = std::cos(radians(shell.inclination_deg));
  return {n_rad_s * (1 + strength * (4 * cos_i * cos_i - 1)), -n_rad_s * strength * cos_i};
}

double raan_deg(Shell const& shell, std::uint32_t plane) {
  double const spread_deg = shell.pattern == Pattern::delta ? 360 : 180;
  return shell.raan0_deg + spread_deg * plane / shell.planes;
}

/// A plane at one instant: the directions at which its argument of latitude is 0 and 90 deg.
struct PlaneAxes {
  Vector3 node;
  Vector3 apex;
};

PlaneAxes plane_axes(double raan_rad, double inclination_rad) {
  double const cos_o = std::cos(raan_rad);
  double const sin_o = std::sin(raan_rad);
  double const cos_i = std::cos(inclination_rad);
  return {{cos_o, sin_o, 0}, {-sin_o * cos_i, cos_o * cos_i, std::sin(inclination_rad)}};
}

Vector3 combine(double p, Vector3 const& a, double q, Vector3 const& b) {
  return {p * a.x + q * b.x, p * a.y + q * b.y, p * a.z + q * b.z};
}

State state(PlaneAxes const& axes, double a_km, double u_rad, Rates const& rate) {
  double const cos_u = std::cos(u_rad);
  double const sin_u = std::sin(u_rad);
  State result;
  result.position_km = combine(a_km * cos_u, axes.node, a_km * sin_u, axes.apex);
  double const speed_km_s = a_km * rate.argument_of_latitude_rad_s;
  result.velocity_km_s = combine(-speed_km_s * sin_u, axes.node, speed_km_s * cos_u, axes.apex);
  // The drift of the node carries the whole plane around the Earth's axis.
  result.velocity_km_s.x -= rate.raan_rad_s * result.position_km.y;
  result.velocity_km_s.y += rate.raan_rad_s * result.position_km.x;
  return result;
}

void append_states(Constellation const& constellation, Shell const& shell, double time_s,
                   std::vector<State>& result) {
  Rates const rate = rates(constellation, shell);
  double const a_km = semi_major_axis_km(constellation, shell);
  for (std::uint32_t plane = 0; plane < shell.planes; ++plane) {
    PlaneAxes const axes = plane_axes(radians(raan_deg(shell, plane)) + rate.raan_rad_s * time_s,
                                      radians(shell.inclination_deg));
    double const phase = phase_deg(shell, plane);
    for (std::uint32_t slot = 0; slot < shell.satellites_per_plane; ++slot) {
      double const u0_deg = 360.0 * slot / shell.satellites_per_plane + phase;
      double const u_rad = radians(u0_deg) + rate.argument_of_latitude_rad_s * time_s;
      result.push_back(state(axes, a_km, u_rad, rate));
    }
  }
}

}  // namespace

Earth earth(EarthModel model) {
  switch (model) {
    case EarthModel::wgs72:
      return {6378.135, 398600.8, 1.082616e-3};
    case EarthModel::sphere6371:
      return {6371.0, 398600.4418, 1.08262668e-3};
    case EarthModel::wgs84:
      break;
  }
  return {6378.137, 398600.4418, 1.08262668e-3};
}

std::size_t satellite_count(Shell const& shell) {
  return static_cast<std::size_t>(shell.planes) * shell.satellites_per_plane;
}

std::size_t satellite_count(Constellation const& constellation) {
  std::size_t count = 0;
  for (Shell const& shell : constellation.shells) count += satellite_count(shell);
  return count;
}

SatelliteId first_satellite(Constellation const& constellation, std::size_t shell) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < shell; ++i) first += satellite_count(constellation.shells[i]);
  return satellite(first);
}

double semi_major_axis_km(Constellation const& constellation, Shell const& shell) {
  return earth(constellation.earth).radius_km + shell.altitude_km;
}

double period_s(Constellation const& constellation, Shell const& shell) {
  return 2 * std::numbers::pi / rates(constellation, shell).argument_of_latitude_rad_s;
}

double phase_deg(Shell const& shell, std::uint32_t plane) {
  if (shell.phasing_rule == PhasingRule::alternating) {
    return plane % 2 == 1 ? 180.0 / shell.satellites_per_plane : 0;
  }
  return 360.0 * shell.phasing * plane / static_cast<double>(satellite_count(shell));
}

std::vector<State> states(Constellation const& constellation, double time_s) {
  std::vector<State> result;
  result.reserve(satellite_count(constellation));
  for (Shell const& shell : constellation.shells) append_states(constellation, shell, time_s, result);
  return result;
}

}  // namespace spacemoe
