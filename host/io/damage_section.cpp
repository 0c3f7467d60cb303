#include <charconv>
#include <chrono>
#include <string>

#include "host/damage/damage.hpp"
#include "host/io/number_text.hpp"
#include "host/io/scenario_sections.hpp"

namespace spacemoe {
namespace {

/// YYYY-MM-DD, a day that exists.
std::optional<std::chrono::year_month_day> parsed_date(std::string const& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  auto const number = [&](std::size_t first, std::size_t length) {
    int value = -1;
    char const* const end = text.data() + first + length;
    auto const [stop, error] = std::from_chars(text.data() + first, end, value);
    return error == std::errc() && stop == end ? value : -1;
  };
  int const year = number(0, 4);
  int const month = number(5, 2);
  int const day = number(8, 2);
  if (year < 0 || month < 0 || day < 0) return std::nullopt;
  std::chrono::year_month_day const date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return date;
}

void read_sun(TableReader& section, Damage& damage) {
  damage.sun_beta_deg = section.real("sun_beta_deg", {-90, 90});
  if (section.has("sun_beta_deg")) {
    section.refuse("sun_date", "sun_beta_deg gives the sun's direction", "give one of the two");
    return;
  }
  auto const text = section.text("sun_date");
  if (!text) return;
  auto const date = parsed_date(*text);
  if (!date || date->year() < std::chrono::year(1950) || date->year() > std::chrono::year(2050)) {
    section.complain("sun_date", quoted_excerpt(*text) + " is not a date between 1950 and 2050",
                     "write it as \"2026-03-20\"");
    return;
  }
  damage.sun_year = static_cast<int>(date->year());
  damage.sun_month = static_cast<unsigned>(date->month());
  damage.sun_day = static_cast<unsigned>(date->day());
}

}  // namespace

void read_damage(TableReader& root, Readiness ready, Scenario& scenario) {
  TableReader section = root.table("damage");
  Damage& damage = scenario.damage;
  for (std::size_t f = 0; f < damage_families; ++f) {
    auto const family = static_cast<DamageFamily>(f);
    if (ready.listed && needs_orbits(family)) {
      section.refuse(name(family), "network = \"edges\" has no orbits, and its links no rate");
    } else {
      damage[family] = section.real(name(family), {0, 1}).value_or(0);
    }
  }
  damage.draw = section.count("draw", 0, UINT32_MAX).value_or(0);
  if (ready.listed) {
    for (std::string_view const key :
         {"storm_latitude_deg", "storm_longitude_deg", "storm_drift_deg_h", "sun_date", "sun_beta_deg"}) {
      section.refuse(key, "network = \"edges\" has no orbits");
    }
  } else {
    damage.storm_latitude_deg = section.real("storm_latitude_deg", {-90, 90});
    damage.storm_longitude_deg = section.real("storm_longitude_deg", {-360, 360});
    damage.storm_drift_deg_h = section.real("storm_drift_deg_h", {-360, 360}).value_or(earth_turn_deg_h);
    read_sun(section, damage);
  }
  section.complain_of_the_rest();
}

}  // namespace spacemoe
