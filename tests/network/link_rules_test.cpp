#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include <gtest/gtest.h>

#include "host/network/link_geometry.hpp"
#include "host/network/network.hpp"
#include "tests/network/shells.hpp"

namespace spacemoe {
namespace {

constexpr double radius_km = 6371;

State at_rest(double radius, double latitude_deg, double longitude_deg) {
  double const lat = latitude_deg * std::numbers::pi / 180;
  double const lon = longitude_deg * std::numbers::pi / 180;
  State state;
  state.position_km = {radius * std::cos(lat) * std::cos(lon), radius * std::cos(lat) * std::sin(lon),
                       radius * std::sin(lat)};
  return state;
}

Removal removal(LinkRules const& rules, State const& a, State const& b,
                LinkKind kind = LinkKind::inter_plane) {
  return GeometricRules(rules, radius_km).removal(kind, a, b, link_length_km(a, b));
}

Vector3 direction(State const& a, State const& b) {
  double const length_km = link_length_km(a, b);
  return {(b.position_km.x - a.position_km.x) / length_km, (b.position_km.y - a.position_km.y) / length_km,
          (b.position_km.z - a.position_km.z) / length_km};
}

/// Least distance of the straight line between two satellites to the Earth's centre [km].
double least_distance_km(State const& a, State const& b) {
  Vector3 const& r = a.position_km;
  Vector3 const d = direction(a, b);
  double const along = std::clamp(-(r.x * d.x + r.y * d.y + r.z * d.z), 0.0, link_length_km(a, b));
  return std::hypot(r.x + along * d.x, r.y + along * d.y, r.z + along * d.z);
}

TEST(Latitude, EitherRemovesWithOneEndBeyondAndBothWithTwo) {
  LinkRules rules;
  rules.latitude_limit_deg = 60;
  for (double const sign : {1.0, -1.0}) {
    State const low = at_rest(6921, sign * 59.9, 0);
    State const high = at_rest(6921, sign * 60.1, 5);
    State const higher = at_rest(6921, sign * 70, 10);
    rules.latitude_rule = LatitudeRule::either;
    EXPECT_EQ(removal(rules, low, low), Removal::none);
    EXPECT_EQ(removal(rules, low, high), Removal::latitude);
    EXPECT_EQ(removal(rules, high, low), Removal::latitude);
    EXPECT_EQ(removal(rules, high, higher), Removal::latitude);
    rules.latitude_rule = LatitudeRule::both;
    EXPECT_EQ(removal(rules, low, high), Removal::none);
    EXPECT_EQ(removal(rules, high, low), Removal::none);
    EXPECT_EQ(removal(rules, high, higher), Removal::latitude);
  }
}

TEST(Latitude, LimitsLinksBetweenPlanesOnly) {
  LinkRules rules;
  rules.latitude_limit_deg = 60;
  State const a = at_rest(6921, 70, 0);
  State const b = at_rest(6921, 71, 5);
  EXPECT_EQ(removal(rules, a, b, LinkKind::intra_plane), Removal::none);
  EXPECT_EQ(removal(rules, a, b, LinkKind::inter_plane), Removal::latitude);
  EXPECT_EQ(removal(rules, a, b, LinkKind::seam), Removal::latitude);
}

TEST(LineOfSight, AgreesWithTheLeastDistanceOfTheChord) {
  std::mt19937 random(7);  // its words are the same everywhere; distributions are not
  auto const uniform = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random()) / 4294967296.0;
  };
  LinkRules rules;
  rules.grazing_altitude_km = 80;
  int hidden = 0;
  int visible = 0;
  for (int i = 0; i < 5000; ++i) {
    State const a = at_rest(radius_km + uniform(300, 1500), uniform(-90, 90), uniform(0, 60));
    State const b = at_rest(radius_km + uniform(300, 1500), uniform(-90, 90), uniform(0, 60));
    double const clearance_km = least_distance_km(a, b) - (radius_km + 80);
    if (std::abs(clearance_km) < 1e-6) continue;
    ++(clearance_km > 0 ? visible : hidden);
    ASSERT_EQ(removal(rules, a, b), clearance_km > 0 ? Removal::none : Removal::line_of_sight) << i;
  }
  EXPECT_GT(hidden, 500);
  EXPECT_GT(visible, 500);
}

TEST(LineOfSight, NothingIsSeenFromBelowTheGrazingAltitude) {
  LinkRules rules;
  rules.grazing_altitude_km = 700;
  EXPECT_EQ(removal(rules, at_rest(6921, 0, 0), at_rest(6921, 0, 1)), Removal::line_of_sight);
}

TEST(LineOfSight, MeasuresFromTheRadiusOfTheEarthModel) {
  // Chords of a ring of 8 dip to a cos(pi/8) - R: 23.2 km on the sphere, 22.6 km on WGS 84.
  LinkRules rules;
  rules.grazing_altitude_km = 23;
  Shell const ring = shell(1, 8, 0);
  for (auto const model : {EarthModel::sphere6371, EarthModel::wgs84}) {
    Network const network({model, Propagation::two_body, {ring}}, rules, Seed{1});
    auto const expected = model == EarthModel::sphere6371 ? Removal::none : Removal::line_of_sight;
    for (Removal const found : network.snapshot(0, 0, Purpose::evaluation_outage).removal) {
      EXPECT_EQ(found, expected);
    }
  }
}

TEST(Range, RemovesWhatIsLonger) {
  State const a = at_rest(6921, 0, 0);
  State const b = at_rest(6921, 0, 10);
  LinkRules rules;
  rules.max_range_km = link_length_km(a, b);
  EXPECT_EQ(removal(rules, a, b), Removal::none);
  rules.max_range_km = *rules.max_range_km - 1e-6;
  EXPECT_EQ(removal(rules, a, b), Removal::range);
  EXPECT_EQ(removal(rules, a, b, LinkKind::intra_plane), Removal::range);
}

TEST(Pointing, RateIsTheDerivativeOfTheDirection) {
  for (auto const propagation : {Propagation::two_body, Propagation::j2_secular}) {
    Constellation const c{EarthModel::wgs84, propagation, {shell(5, 6, 2)}};
    double const step_s = 0.01;
    auto const before = states(c, 2000 - step_s);
    auto const now = states(c, 2000);
    auto const after = states(c, 2000 + step_s);
    for (std::size_t a = 0; a < now.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        Vector3 const d0 = direction(before[a], before[b]);
        Vector3 const d1 = direction(after[a], after[b]);
        double const slope = std::hypot(d1.x - d0.x, d1.y - d0.y, d1.z - d0.z) / (2 * step_s);
        ASSERT_NEAR(pointing_rate_rad_s(now[a], now[b]), slope, 1e-9 + 1e-6 * slope);
      }
    }
  }
}

TEST(Pointing, WithinAPlaneTheLineOfSightTurnsWithTheOrbit) {
  Constellation const c = paper_constellation();
  auto const at = states(c, 300);
  double const n_rad_s = 2 * std::numbers::pi / period_s(c, c.shells[0]);
  EXPECT_NEAR(pointing_rate_rad_s(at[0], at[1]), n_rad_s, 1e-12);
}

TEST(Pointing, KeepsOnlyRatesBelowTheLimit) {
  State const a = at_rest(6921, 0, 0);
  State b = at_rest(6921, 0, 10);
  b.velocity_km_s.z = 2;  // across the line of sight
  LinkRules rules;
  rules.max_pointing_rate_rad_s = 2 / link_length_km(a, b) * (1 + 1e-9);
  EXPECT_EQ(removal(rules, a, b), Removal::none);
  rules.max_pointing_rate_rad_s = 2 / link_length_km(a, b) * (1 - 1e-9);
  EXPECT_EQ(removal(rules, a, b), Removal::pointing);
}

TEST(Pointing, BetweenUnphasedPlanesTheLineOfSightTurnsWithTheLongitude) {
  // Without phasing (F = 0) neighbours share their latitude, so the line of sight points east and turns with
  // the longitude: n cos i / cos^2 latitude, at most n / cos i = 0.021 rad/s.
  Constellation const c = on_sphere(shell(33, 32, 0));
  double const n_rad_s = 2 * std::numbers::pi / period_s(c, c.shells[0]);
  double const cos_i = std::cos(87 * std::numbers::pi / 180);
  double const time_s = 321;
  auto const at = states(c, time_s);
  auto const expected_rad_s = [&](SatelliteId a) {
    double const sin_latitude = at[index(a)].position_km.z / 6921;
    return n_rad_s * cos_i / (1 - sin_latitude * sin_latitude);
  };
  std::uint32_t kept = 0;
  std::uint32_t removed = 0;
  for (double const limit_rad_s : {0.12, 0.12 * std::numbers::pi / 180}) {
    LinkRules rules;
    rules.max_pointing_rate_rad_s = limit_rad_s;
    Network const network(c, rules, Seed{1});
    auto const snapshot = network.snapshot(0, time_s, Purpose::evaluation_outage);
    for (std::size_t i = 0; i < snapshot.removal.size(); ++i) {
      Link const& link = network.wiring().links[i];
      bool const between = link.kind == LinkKind::inter_plane;
      bool const too_fast = between && expected_rad_s(link.a) > limit_rad_s;
      ++(too_fast ? removed : kept);
      ASSERT_EQ(snapshot.removal[i], too_fast ? Removal::pointing : Removal::none);
      if (between) {
        ASSERT_NEAR(pointing_rate_rad_s(at[index(link.a)], at[index(link.b)]), expected_rad_s(link.a), 1e-10);
      }
    }
  }
  EXPECT_GT(kept, 3000u);
  EXPECT_GT(removed, 100u);  // all of them by 0.12 deg/s; 0.12 rad/s never binds
  EXPECT_LT(n_rad_s / cos_i, 0.12);
}

TEST(Removal, NamesTheFirstRuleThatApplies) {
  State const a = at_rest(6921, 70, 0);
  State b = at_rest(6921, -70, 90);
  b.velocity_km_s = {3, 4, 5};
  LinkRules rules;
  rules.latitude_limit_deg = 60;
  rules.grazing_altitude_km = 80;
  rules.max_range_km = 100;
  rules.max_pointing_rate_rad_s = 1e-9;
  EXPECT_EQ(removal(rules, a, b), Removal::latitude);
  rules.latitude_limit_deg.reset();
  EXPECT_EQ(removal(rules, a, b), Removal::line_of_sight);
  rules.grazing_altitude_km.reset();
  EXPECT_EQ(removal(rules, a, b), Removal::range);
  rules.max_range_km.reset();
  EXPECT_EQ(removal(rules, a, b), Removal::pointing);
  rules.max_pointing_rate_rad_s.reset();
  EXPECT_EQ(removal(rules, a, b), Removal::none);
}

TEST(Removal, GeometryComesBeforeOutages) {
  LinkRules rules;
  rules.max_range_km = 1400;  // above the hop within a plane of 1356.8 km
  rules.survival = 0;
  Network const network(paper_constellation(), rules, Seed{1});
  auto const snapshot = network.snapshot(0, 0, Purpose::evaluation_outage);
  std::uint32_t by_range = 0;
  for (std::size_t i = 0; i < snapshot.removal.size(); ++i) {
    EXPECT_EQ(snapshot.latency_ns[i], unreachable);
    bool const too_long = snapshot.length_km[i] > 1400;
    by_range += too_long ? 1 : 0;
    EXPECT_EQ(snapshot.removal[i], too_long ? Removal::range : Removal::outage);
  }
  EXPECT_GT(by_range, 0u);
}

TEST(Removal, MoreRangeNeverRemovesMore) {
  LinkRules rules;
  std::uint32_t previous = 0;
  for (double const range_km : {500.0, 1000.0, 1350.0, 1400.0, 3000.0, 1e5}) {
    rules.max_range_km = range_km;
    Network const network(paper_constellation(), rules, Seed{1});
    std::uint32_t kept = 0;
    for (auto const& of :
         link_statistics(network.wiring(), network.snapshot(0, 0, Purpose::evaluation_outage))) {
      kept += of.links;
    }
    EXPECT_GE(kept, previous);
    previous = kept;
  }
  EXPECT_EQ(previous, 33u * 32 + 32u * 32);
}

}  // namespace
}  // namespace spacemoe
