#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "host/constellation/constellation.hpp"

namespace spacemoe {

/// Kinds of damage. The level of each is a share, from 0 (whole) to 1; README.md says of what.
enum class DamageFamily : std::uint8_t {
  satellites,  ///< each satellite is lost with this probability
  planes,      ///< each plane is lost, with all its satellites, with this probability
  links,       ///< each link is lost with this probability
  latitude,    ///< links between planes that end in the polar caps, which cover this share of a sphere
  storm,       ///< satellites above a cap that covers this share of a sphere, while they are there
  eclipse,     ///< share of its compute rate that a satellite loses in the Earth's shadow
  gateways,    ///< attack: share of the gateways, in drawn order
  hosts,       ///< attack: share of the hosts, the most used first
  busiest_satellites,  ///< attack: share of the satellites with traffic, the busiest first
  busiest_links,       ///< attack: share of the links with traffic, the busiest first
  link_rate,           ///< share of the rate that every link loses
  compute_rate,        ///< share of the compute rate that every satellite loses
};
inline constexpr std::size_t damage_families = 12;

std::string_view name(DamageFamily family);
/// Whether what is damaged depends on the placement.
bool is_attack(DamageFamily family);
/// Whether draws of the family differ.
bool is_drawn(DamageFamily family);
/// Whether the family needs orbits, which a listed network does not have.
bool needs_orbits(DamageFamily family);

/// Turn of the Earth [deg/h]: what the centre of a storm that stays above one place moves by.
inline constexpr double earth_turn_deg_h = 15.041067;

/// What is broken in every slot, or in some.
struct Damage {
  std::array<double, damage_families> level{};
  std::uint32_t draw = 0;  ///< number of the draw of what is drawn; draws of one seed are independent

  // Centre of the storm at time 0, in the inertial frame; drawn where they are not given.
  std::optional<double> storm_latitude_deg;
  std::optional<double> storm_longitude_deg;
  double storm_drift_deg_h = earth_turn_deg_h;  ///< eastward

  /// Day of the sun's direction; at its 12:00 UT. The vernal equinox is the x axis.
  std::int32_t sun_year = 2026;
  std::uint32_t sun_month = 3;
  std::uint32_t sun_day = 20;
  /// Elevation of the sun above plane 0 of the first shell instead, over its ascending node.
  std::optional<double> sun_beta_deg;

  double& operator[](DamageFamily family) { return level[static_cast<std::size_t>(family)]; }
  double operator[](DamageFamily family) const { return level[static_cast<std::size_t>(family)]; }
  bool operator==(Damage const&) const = default;
};

/// Families above level 0, by name, with their levels.
std::vector<std::pair<std::string_view, double>> broken(Damage const& damage);
/// Whether anything is broken at all.
bool is_whole(Damage const& damage);
/// Whether something is broken that depends on the placement.
bool has_attack(Damage const& damage);

/// Unit vector from the Earth to the sun in the inertial frame, to 0.01 deg between 1950 and 2050: low
/// precision formulas of the Astronomical Almanac, page C5; or by `sun_beta_deg`.
Vector3 sun_direction(Damage const& damage, Constellation const& constellation);

}  // namespace spacemoe
