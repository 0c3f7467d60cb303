#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "host/constellation/constellation.hpp"

namespace spacemoe {
namespace {

constexpr double pi = std::numbers::pi;

double rad(double deg) {
  return deg * pi / 180;
}

double norm(Vector3 const& v) {
  return std::hypot(v.x, v.y, v.z);
}

Vector3 minus(Vector3 const& a, Vector3 const& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}

double distance_km(State const& a, State const& b) {
  return norm(minus(a.position_km, b.position_km));
}

Shell shell(double altitude_km, double inclination_deg, std::uint32_t planes, std::uint32_t slots,
            std::uint32_t phasing) {
  Shell result;
  result.altitude_km = altitude_km;
  result.inclination_deg = inclination_deg;
  result.planes = planes;
  result.satellites_per_plane = slots;
  result.phasing = phasing;
  return result;
}

Shell paper_shell() {
  return shell(550, 87, 33, 32, 18);
}

Constellation on_sphere(Shell const& one) {
  return {EarthModel::sphere6371, Propagation::two_body, {one}};
}

/// A point on a circle of radius a, turned by the inclination about x, then by the RAAN about z.
Vector3 rotated(double a_km, double raan_rad, double inclination_rad, double u_rad) {
  Vector3 const flat{a_km * std::cos(u_rad), a_km * std::sin(u_rad), 0};
  Vector3 const tilted{flat.x, flat.y * std::cos(inclination_rad), flat.y * std::sin(inclination_rad)};
  return {tilted.x * std::cos(raan_rad) - tilted.y * std::sin(raan_rad),
          tilted.x * std::sin(raan_rad) + tilted.y * std::cos(raan_rad), tilted.z};
}

void expect_near(Vector3 const& a, Vector3 const& b, double tolerance) {
  EXPECT_NEAR(a.x, b.x, tolerance);
  EXPECT_NEAR(a.y, b.y, tolerance);
  EXPECT_NEAR(a.z, b.z, tolerance);
}

/// Drift of the node [deg/day], from where the first satellite is after whole turns: at its node again.
double node_drift_deg_day(Shell const& one) {
  Constellation const c{EarthModel::wgs84, Propagation::j2_secular, {one}};
  double const time_s = period_s(c, one);
  Vector3 const r = states(c, time_s).front().position_km;
  EXPECT_NEAR(r.z, 0, 1e-6);
  return std::atan2(r.y, r.x) * 180 / pi * 86400 / time_s;
}

TEST(Earth, ModelsHaveTheirPublishedConstants) {
  Earth const wgs84 = earth(EarthModel::wgs84);
  EXPECT_EQ(wgs84.radius_km, 6378.137);
  EXPECT_EQ(wgs84.mu_km3_s2, 398600.4418);
  EXPECT_EQ(wgs84.j2, 1.08262668e-3);
  Earth const wgs72 = earth(EarthModel::wgs72);
  EXPECT_EQ(wgs72.radius_km, 6378.135);
  EXPECT_EQ(wgs72.mu_km3_s2, 398600.8);
  EXPECT_EQ(wgs72.j2, 1.082616e-3);
  Earth const sphere = earth(EarthModel::sphere6371);
  EXPECT_EQ(sphere.radius_km, 6371.0);
  EXPECT_EQ(sphere.mu_km3_s2, 398600.4418);
  EXPECT_EQ(sphere.j2, 1.08262668e-3);
}

TEST(Orbit, PaperShellHasItsRadiusAndPeriod) {
  Constellation const c = on_sphere(paper_shell());
  EXPECT_EQ(semi_major_axis_km(c, paper_shell()), 6921);
  EXPECT_NEAR(period_s(c, paper_shell()) / 60, 95.50, 0.005);
}

TEST(Orbit, EarthModelSetsRadiusAndPeriod) {
  for (auto const model : {EarthModel::wgs84, EarthModel::wgs72, EarthModel::sphere6371}) {
    Constellation const c{model, Propagation::two_body, {paper_shell()}};
    double const a_km = earth(model).radius_km + 550;
    EXPECT_NEAR(norm(states(c, 1234).front().position_km), a_km, 1e-8);
    EXPECT_NEAR(period_s(c, paper_shell()), 2 * pi * std::sqrt(a_km * a_km * a_km / earth(model).mu_km3_s2),
                1e-9);
  }
}

TEST(Orbit, IntraPlaneHopOfThePaperIsItsChord) {
  Constellation const c = on_sphere(paper_shell());
  auto const at = states(c, 777);
  for (std::size_t plane = 0; plane < 33; ++plane) {
    for (std::size_t slot = 0; slot < 32; ++slot) {
      double const hop_km = distance_km(at[plane * 32 + slot], at[plane * 32 + (slot + 1) % 32]);
      ASSERT_NEAR(hop_km, 2 * 6921 * std::sin(pi / 32), 1e-8);
    }
  }
  double const hop_km = distance_km(at[0], at[1]);
  EXPECT_NEAR(hop_km, 1356.8, 0.05);
  EXPECT_NEAR(hop_km / light_speed_km_s * 1e3, 4.526, 0.0005);
  EXPECT_NEAR(32 * hop_km / light_speed_km_s * 1e3, 144.8, 0.05);
}

TEST(Orbit, PositionsAreRotationsOfACircleInPlaneMajorOrder) {
  Shell one = shell(700, 63, 5, 7, 3);
  one.raan0_deg = 20;
  Constellation const c = on_sphere(one);
  double const time_s = 321;
  auto const at = states(c, time_s);
  ASSERT_EQ(at.size(), 35u);
  double const n_rad_s = std::sqrt(398600.4418 / std::pow(7071.0, 3));
  for (std::size_t plane = 0; plane < 5; ++plane) {
    for (std::size_t slot = 0; slot < 7; ++slot) {
      double const p = static_cast<double>(plane);
      double const u_deg = 360 * static_cast<double>(slot) / 7 + 360 * 3 * p / 35;
      expect_near(at[plane * 7 + slot].position_km,
                  rotated(7071, rad(20 + 360 * p / 5), rad(63), rad(u_deg) + n_rad_s * time_s), 1e-8);
    }
  }
}

TEST(Orbit, DeltaSpreadsPlanesOverTheCircleAndStarOverHalf) {
  for (auto const& [pattern, spread_deg] : {std::pair{Pattern::delta, 360.0}, {Pattern::star, 180.0}}) {
    Shell one = shell(550, 87, 6, 4, 0);
    one.pattern = pattern;
    auto const at = states(on_sphere(one), 0);
    for (std::size_t plane = 0; plane < 6; ++plane) {
      double const raan_rad = rad(spread_deg * static_cast<double>(plane) / 6);
      expect_near(at[plane * 4].position_km, {6921 * std::cos(raan_rad), 6921 * std::sin(raan_rad), 0}, 1e-8);
    }
  }
}

TEST(Orbit, PhasingRulesPlaceTheFirstSatelliteOfAPlane) {
  Shell one = shell(550, 53, 6, 10, 2);
  for (std::uint32_t plane = 0; plane < 6; ++plane) EXPECT_NEAR(phase_deg(one, plane), 12.0 * plane, 1e-12);
  one.phasing_rule = PhasingRule::alternating;
  for (std::uint32_t plane = 0; plane < 6; ++plane) EXPECT_EQ(phase_deg(one, plane), plane % 2 * 18.0);
}

TEST(Orbit, WalkerPhaseIsContinuousAcrossTheSeam) {
  Shell const one = paper_shell();
  double const beyond_last_deg = phase_deg(one, 33);
  EXPECT_NEAR(beyond_last_deg, 18 * 360.0 / 32, 1e-9);  // F whole slots
}

TEST(Orbit, SpeedIsTheCircularSpeed) {
  for (State const& s : states(on_sphere(paper_shell()), 4000)) {
    ASSERT_NEAR(norm(s.velocity_km_s), std::sqrt(398600.4418 / 6921), 1e-10);
  }
}

TEST(Orbit, VelocityIsTheDerivativeOfThePosition) {
  for (auto const propagation : {Propagation::two_body, Propagation::j2_secular}) {
    Constellation const c{EarthModel::wgs84, propagation, {shell(550, 53, 5, 6, 2)}};
    double const step_s = 0.1;
    auto const before = states(c, 3000 - step_s);
    auto const now = states(c, 3000);
    auto const after = states(c, 3000 + step_s);
    for (std::size_t i = 0; i < now.size(); ++i) {
      Vector3 const moved_km = minus(after[i].position_km, before[i].position_km);
      Vector3 const slope{moved_km.x / (2 * step_s), moved_km.y / (2 * step_s), moved_km.z / (2 * step_s)};
      expect_near(now[i].velocity_km_s, slope, 1e-7);  // truncation: a n^3 h^2 / 6 = 1.5e-8 km/s
    }
  }
}

TEST(Orbit, OnePeriodLaterEverythingIsWhereItWas) {
  Constellation const c = on_sphere(paper_shell());
  auto const start = states(c, 100);
  auto const later = states(c, 100 + period_s(c, paper_shell()));
  for (std::size_t i = 0; i < start.size(); ++i) {
    ASSERT_LT(distance_km(start[i], later[i]), 1e-7);
  }
}

TEST(Orbit, OneSlotOfThePeriodLaterEachSatelliteIsWhereTheNextWas) {
  Constellation const c = on_sphere(paper_shell());
  auto const start = states(c, 100);
  auto const later = states(c, 100 + period_s(c, paper_shell()) / 32);
  for (std::size_t i = 0; i < start.size(); ++i) {
    std::size_t const next = i / 32 * 32 + (i + 1) % 32;
    ASSERT_LT(distance_km(later[i], start[next]), 1e-7);
  }
}

TEST(Orbit, DistancesDoNotDependOnWhereTheFirstPlaneIs) {
  Shell turned = paper_shell();
  turned.raan0_deg = 77;
  auto const a = states(on_sphere(paper_shell()), 500);
  auto const b = states(on_sphere(turned), 500);
  EXPECT_GT(distance_km(a[0], b[0]), 1000);
  for (std::size_t i = 0; i < a.size(); i += 5) {
    for (std::size_t j = 0; j < a.size(); j += 7) {
      ASSERT_NEAR(distance_km(a[i], a[j]), distance_km(b[i], b[j]), 1e-8);
    }
  }
}

TEST(J2, SunSynchronousOrbitFollowsTheSun) {
  // 800 km needs 98.6 deg: the node turns once in a year of 365.2422 days.
  EXPECT_NEAR(node_drift_deg_day(shell(800, 98.6, 1, 1, 0)), 360 / 365.2422, 0.005);
}

TEST(J2, NodeDriftsWestOnProgradeOrbitsAndRestsOnPolarOnes) {
  // -9.96 deg/day (R/a)^3.5 cos i, the textbook figure for circular orbits.
  double const expected = -9.96 * std::pow(6378.137 / 6928.137, 3.5) * std::cos(rad(53));
  EXPECT_NEAR(node_drift_deg_day(shell(550, 53, 1, 1, 0)), expected, 0.01);
  EXPECT_NEAR(node_drift_deg_day(shell(550, 90, 1, 1, 0)), 0, 1e-9);
}

TEST(J2, TurnsOfTheArgumentOfLatitudeKeepTheirClosedForm) {
  double const k = 1.5 * 1.08262668e-3 * std::pow(6378.137 / 6928.137, 2);
  for (auto const& [inclination_deg, factor] : {std::pair{0.0, 3.0}, {60.0, 0.0}, {90.0, -1.0}}) {
    Shell const one = shell(550, inclination_deg, 1, 1, 0);
    double const kepler_s = period_s({EarthModel::wgs84, Propagation::two_body, {one}}, one);
    double const nodal_s = period_s({EarthModel::wgs84, Propagation::j2_secular, {one}}, one);
    EXPECT_NEAR(nodal_s * (1 + k * factor), kepler_s, 1e-8) << inclination_deg;
  }
}

TEST(J2, OneSlotOfThePeriodLaterTheShellIsItselfTurnedAboutTheAxis) {
  Shell const one = shell(550, 53, 6, 8, 2);
  Constellation const c{EarthModel::wgs84, Propagation::j2_secular, {one}};
  auto const start = states(c, 50);
  auto const later = states(c, 50 + 40 * period_s(c, one) / 8);
  EXPECT_GT(distance_km(start[0], later[0]), 100);  // five turns: slot 0 is back, its node is not
  for (std::size_t i = 0; i < start.size(); ++i) {
    for (std::size_t j = 0; j < start.size(); ++j) {
      ASSERT_NEAR(distance_km(start[i], start[j]), distance_km(later[i], later[j]), 1e-7);
    }
  }
}

TEST(Shells, FollowEachOtherAndKeepTheirOwnRates) {
  Shell const low = shell(340, 53, 4, 5, 1);
  Shell const high = shell(1200, 87.9, 3, 7, 2);
  for (auto const propagation : {Propagation::two_body, Propagation::j2_secular}) {
    Constellation const both{EarthModel::wgs72, propagation, {low, high}};
    EXPECT_EQ(satellite_count(low), 20u);
    EXPECT_EQ(satellite_count(both), 41u);
    EXPECT_EQ(index(first_satellite(both, 0)), 0u);
    EXPECT_EQ(index(first_satellite(both, 1)), 20u);
    auto const at = states(both, 900);
    auto const alone = states({EarthModel::wgs72, propagation, {high}}, 900);
    ASSERT_EQ(at.size(), 41u);
    for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(distance_km(at[20 + i], alone[i]), 0);
  }
}

}  // namespace
}  // namespace spacemoe
