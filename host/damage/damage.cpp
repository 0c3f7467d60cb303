#include "host/damage/damage.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

namespace spacemoe {
namespace {

struct FamilyTraits {
  std::string_view name;
  bool attack;
  bool drawn;
  bool orbits;
};

constexpr std::array<FamilyTraits, damage_families> traits{{
    {"satellites", false, true, false},
    {"planes", false, true, true},
    {"links", false, true, false},
    {"latitude", false, false, true},
    {"storm", false, true, true},
    {"eclipse", false, false, true},
    {"gateways", true, true, false},
    {"hosts", true, false, false},
    {"busiest_satellites", true, false, false},
    {"busiest_links", true, false, false},
    {"link_rate", false, false, true},
    {"compute_rate", false, false, false},
}};

FamilyTraits const& traits_of(DamageFamily family) {
  return traits.at(static_cast<std::size_t>(family));
}

double radians(double degrees) {
  return degrees * (std::numbers::pi / 180);
}

/// Days from 2000-01-01 12:00 to noon of a date.
double days_since_j2000(Damage const& damage) {
  using namespace std::chrono;
  sys_days const day{year{damage.sun_year} / month{damage.sun_month} / std::chrono::day{damage.sun_day}};
  sys_days const start{year{2000} / January / 1};
  return static_cast<double>((day - start).count());
}

Vector3 almanac_direction(double days) {
  double const anomaly = radians(357.528 + 0.9856003 * days);
  double const longitude =
      radians(280.460 + 0.9856474 * days + 1.915 * std::sin(anomaly) + 0.020 * std::sin(2 * anomaly));
  double const obliquity = radians(23.439 - 0.0000004 * days);
  return {std::cos(longitude), std::cos(obliquity) * std::sin(longitude),
          std::sin(obliquity) * std::sin(longitude)};
}

/// Over the ascending node of plane 0, raised towards the normal of the plane.
Vector3 raised_direction(double beta_deg, Shell const& shell) {
  double const beta = radians(beta_deg);
  double const node = radians(shell.raan0_deg);
  double const tilt = radians(shell.inclination_deg);
  return {std::cos(beta) * std::cos(node) + std::sin(beta) * std::sin(node) * std::sin(tilt),
          std::cos(beta) * std::sin(node) - std::sin(beta) * std::cos(node) * std::sin(tilt),
          std::sin(beta) * std::cos(tilt)};
}

}  // namespace

std::string_view name(DamageFamily family) {
  return traits_of(family).name;
}

bool is_attack(DamageFamily family) {
  return traits_of(family).attack;
}

bool is_drawn(DamageFamily family) {
  return traits_of(family).drawn;
}

bool needs_orbits(DamageFamily family) {
  return traits_of(family).orbits;
}

std::vector<std::pair<std::string_view, double>> broken(Damage const& damage) {
  std::vector<std::pair<std::string_view, double>> levels;
  for (std::size_t f = 0; f < damage_families; ++f) {
    if (damage.level[f] > 0) levels.emplace_back(traits[f].name, damage.level[f]);
  }
  return levels;
}

bool is_whole(Damage const& damage) {
  return std::ranges::all_of(damage.level, [](double level) { return level == 0; });
}

bool has_attack(Damage const& damage) {
  for (std::size_t f = 0; f < damage_families; ++f) {
    if (traits[f].attack && damage.level[f] > 0) return true;
  }
  return false;
}

Vector3 sun_direction(Damage const& damage, Constellation const& constellation) {
  if (damage.sun_beta_deg) return raised_direction(*damage.sun_beta_deg, constellation.shells.front());
  return almanac_direction(days_since_j2000(damage));
}

}  // namespace spacemoe
