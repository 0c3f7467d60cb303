#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/satellite_id.hpp"

namespace spacemoe {

inline constexpr double light_speed_km_s = 299792.458;

enum class EarthModel : std::uint8_t { wgs84, wgs72, sphere6371 };

struct Earth {
  double radius_km;
  double mu_km3_s2;
  double j2;
};

Earth earth(EarthModel model);

/// How the planes spread: over 360 deg (delta) or 180 deg (star).
enum class Pattern : std::uint8_t { delta, star };

/// Phase of plane p's first satellite: 360 F p / T (walker), or half a slot in odd planes (alternating).
enum class PhasingRule : std::uint8_t { walker, alternating };

enum class Propagation : std::uint8_t { two_body, j2_secular };

/// One Walker shell i:T/P/F of circular orbits.
struct Shell {
  std::string name;
  double altitude_km = 0;
  double inclination_deg = 0;
  std::uint32_t planes = 0;
  std::uint32_t satellites_per_plane = 0;
  std::uint32_t phasing = 0;  ///< F, in [0, planes - 1]; unused when phasing_rule is alternating
  Pattern pattern = Pattern::delta;
  PhasingRule phasing_rule = PhasingRule::walker;
  double raan0_deg = 0;

  bool operator==(Shell const&) const = default;
};

struct Constellation {
  EarthModel earth = EarthModel::wgs84;
  Propagation propagation = Propagation::two_body;
  std::vector<Shell> shells;

  bool operator==(Constellation const&) const = default;
};

/// Reads `D:550:53.0:1584/72/39` (delta or star : altitude km : inclination deg : T/P/F), several joined by
/// `+`. Each shell is named by its text. Throws std::invalid_argument with every reason (malformed, T not a
/// multiple of P, F outside [0, P - 1], ...).
std::vector<Shell> parse_walker(std::string_view text);

std::size_t satellite_count(Shell const& shell);
std::size_t satellite_count(Constellation const& constellation);

/// Id of the first satellite of a shell.
SatelliteId first_satellite(Constellation const& constellation, std::size_t shell);

double semi_major_axis_km(Constellation const& constellation, Shell const& shell);

/// Time of one turn of the argument of latitude [s]; nodal when J2 is on.
double period_s(Constellation const& constellation, Shell const& shell);

/// Argument of latitude of the first satellite of a plane at time 0, relative to plane 0 [deg].
double phase_deg(Shell const& shell, std::uint32_t plane);

struct Vector3 {
  double x = 0, y = 0, z = 0;
};

struct State {
  Vector3 position_km;    ///< inertial, Earth-centred
  Vector3 velocity_km_s;  ///< time derivative of the position
};

/// States of all satellites [by id] at a time [s] after the epoch; formulas in README.md.
std::vector<State> states(Constellation const& constellation, double time_s);

}  // namespace spacemoe
