#include "host/damage/damaged_network.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <span>

#include <gtest/gtest.h>

#include "host/errors.hpp"
#include "tests/network/shells.hpp"

namespace spacemoe {
namespace {

constexpr std::uint32_t planes = 33;
constexpr std::uint32_t per_plane = 32;
constexpr double radius_km = 6371;
constexpr double altitude_km = 550;

LinkRules rules() {
  LinkRules all;
  all.message_bit = 4096 * 16;
  return all;
}

Network paper_network() {
  return {paper_constellation(), rules(), Seed{1}};
}

Damage at_level(DamageFamily family, double level, std::uint32_t number = 0) {
  Damage damage;
  damage[family] = level;
  damage.draw = number;
  return damage;
}

std::size_t off(SlotDamage const& state) {
  return static_cast<std::size_t>(std::ranges::count(state.off, 1));
}

std::size_t off(Network const& network, Damage const& damage, double time_s = 0) {
  return off(DamagedNetwork(network, damage, Seed{1}).at(time_s));
}

Snapshot damaged_snapshot(Network const& network, Damage const& damage, double time_s = 0,
                          DamageTargets const& targets = {}) {
  DamagedNetwork const damaged(network, damage, Seed{1}, targets);
  Snapshot snapshot = network.snapshot(0, time_s, Purpose::evaluation_outage);
  damaged.apply(damaged.at(time_s), time_s, snapshot);
  return snapshot;
}

std::size_t damaged_links(Snapshot const& snapshot) {
  return static_cast<std::size_t>(std::ranges::count(snapshot.removal, Removal::damage));
}

TEST(Damage, NothingAtLevelZeroAllAtLevelOne) {
  Network const network = paper_network();
  EXPECT_TRUE(is_whole({}));
  EXPECT_EQ(off(network, {}), 0u);
  EXPECT_EQ(damaged_links(damaged_snapshot(network, {})), 0u);
  for (auto const family : {DamageFamily::satellites, DamageFamily::planes, DamageFamily::storm}) {
    EXPECT_EQ(off(network, at_level(family, 1)), planes * per_plane) << name(family);
  }
  for (auto const family : {DamageFamily::satellites, DamageFamily::links, DamageFamily::link_rate}) {
    EXPECT_EQ(damaged_links(damaged_snapshot(network, at_level(family, 1))), network.wiring().links.size())
        << name(family);
  }
}

TEST(Damage, LevelOneSparesNobodyAtTheVeryEdge) {
  // Satellites on the equator in slot 0 of every plane, and storms centred opposite to a satellite.
  Network const network(on_sphere(shell(6, 12, 0)), rules(), Seed{1});
  Snapshot const polar = damaged_snapshot(network, at_level(DamageFamily::latitude, 1));
  for (std::size_t i = 0; i < polar.removal.size(); ++i) {
    bool const between_planes = network.wiring().links[i].kind != LinkKind::intra_plane;
    EXPECT_EQ(polar.removal[i] == Removal::damage, between_planes) << i;
  }
  for (State const& state : states(network.constellation(), 0)) {
    auto const& r = state.position_km;
    Damage damage = at_level(DamageFamily::storm, 1);
    damage.storm_latitude_deg = -std::asin(r.z / std::hypot(r.x, r.y, r.z)) * 180 / std::numbers::pi;
    damage.storm_longitude_deg = std::atan2(-r.y, -r.x) * 180 / std::numbers::pi;
    EXPECT_EQ(off(network, damage), 72u);
  }
}

TEST(Damage, RandomLossesHaveTheirProbability) {
  Network const network = paper_network();
  double const links = static_cast<double>(network.wiring().links.size());
  double satellites = 0, lost_planes = 0, lost_links = 0;
  constexpr int draws = 200;
  for (std::uint32_t d = 0; d < draws; ++d) {
    satellites += static_cast<double>(off(network, at_level(DamageFamily::satellites, 0.2, d)));
    lost_planes += static_cast<double>(off(network, at_level(DamageFamily::planes, 0.2, d))) / per_plane;
    lost_links +=
        static_cast<double>(damaged_links(damaged_snapshot(network, at_level(DamageFamily::links, 0.2, d))));
  }
  auto const near = [](double count, double trials) {
    return std::abs(count - 0.2 * trials) < 4 * std::sqrt(trials * 0.2 * 0.8);
  };
  EXPECT_TRUE(near(satellites, draws * planes * per_plane)) << satellites;
  EXPECT_TRUE(near(lost_planes, draws * planes)) << lost_planes;
  EXPECT_TRUE(near(lost_links, draws * links)) << lost_links;
}

TEST(Damage, WhatIsLostStaysLostAtHigherLevels) {
  Network const network = paper_network();
  for (auto const family : {DamageFamily::satellites, DamageFamily::planes, DamageFamily::storm}) {
    auto const some = DamagedNetwork(network, at_level(family, 0.1), Seed{1}).at(100).off;
    auto const more = DamagedNetwork(network, at_level(family, 0.3), Seed{1}).at(100).off;
    for (std::size_t i = 0; i < some.size(); ++i) EXPECT_LE(some[i], more[i]) << name(family);
    EXPECT_NE(some, more) << name(family);
  }
}

/// Targets for all attacks.
DamageTargets some_targets() {
  DamageTargets targets;
  for (std::uint32_t i = 0; i < 50; ++i) {
    targets.gateways.push_back(satellite(20 * i));
    targets.hosts.push_back(satellite(20 * i + 7));
    targets.busiest_satellites.push_back(satellite(1000 - 3 * i));
    targets.busiest_links.push_back(40 * i);
  }
  return targets;
}

/// The paper's shell with lossy links, and another with links between the two.
Network linked_network() {
  Constellation both = paper_constellation();
  both.shells.push_back({"other", 600, 70, 20, 30, 3});
  LinkRules linked = rules();
  linked.between_shells = BetweenShells::nearest;
  linked.between_shells_range_km = 1500;
  linked.survival = 0.9;
  return {both, linked, Seed{1}};
}

/// Latency of every link, those between shells last; damage and outages make it unreachable.
std::vector<Nanoseconds> latencies(Snapshot const& snapshot) {
  std::vector<Nanoseconds> all = snapshot.latency_ns;
  for (CrossingLink const& link : snapshot.crossing) all.push_back(link.latency_ns);
  return all;
}

TEST(Damage, GrowsWithTheLevelInEveryFamily) {
  Network const network = linked_network();
  DamageTargets const targets = some_targets();
  constexpr double time_s = 100;
  for (std::size_t f = 0; f < damage_families; ++f) {
    auto const family = static_cast<DamageFamily>(f);
    for (std::uint32_t const number : {0u, 1u}) {
      std::vector<Nanoseconds> less_ns = latencies(damaged_snapshot(network, {}, time_s));
      SlotDamage less = DamagedNetwork(network, {}, Seed{1}).at(time_s);
      less.in_shadow.assign(less.off.size(), 0);
      for (double const level : {0.02, 0.1, 0.3, 0.31, 0.9, 1.0}) {
        Damage const damage = at_level(family, level, number);
        auto const more_ns = latencies(damaged_snapshot(network, damage, time_s, targets));
        SlotDamage const more = DamagedNetwork(network, damage, Seed{1}, targets).at(time_s);
        EXPECT_TRUE(std::ranges::equal(less_ns, more_ns, std::ranges::less_equal())) << name(family) << level;
        EXPECT_TRUE(std::ranges::equal(less.off, more.off, std::ranges::less_equal())) << name(family);
        for (std::size_t i = 0; i < less.off.size(); ++i) {
          EXPECT_LE(less.slowdown_of(satellite(i)), more.slowdown_of(satellite(i))) << name(family);
        }
        less_ns = more_ns;
        less = more;
      }
    }
  }
}

TEST(Damage, OfSeveralFamiliesIsTheUnionOfEach) {
  Network const network = linked_network();
  DamageTargets const targets = some_targets();
  constexpr double time_s = 300;
  Damage together;
  together.draw = 4;
  std::vector<std::uint8_t> off(network.wiring().nodes, 0);
  Snapshot const whole = network.snapshot(0, time_s, Purpose::evaluation_outage);
  std::vector<Nanoseconds> expected = latencies(whole);
  double slowdown = 1, shadow_slowdown = 1;
  for (std::size_t f = 0; f < damage_families; ++f) {
    auto const family = static_cast<DamageFamily>(f);
    together.level[f] = 0.05 + 0.01 * static_cast<double>(f);
    Damage const alone = at_level(family, together.level[f], 4);
    SlotDamage const state = DamagedNetwork(network, alone, Seed{1}, targets).at(time_s);
    auto const lost = latencies(damaged_snapshot(network, alone, time_s, targets));
    for (std::size_t i = 0; i < off.size(); ++i) off[i] |= state.off[i];
    for (std::size_t i = 0; i < expected.size(); ++i) {
      // Slower links add to what is left of the others.
      Nanoseconds const longer =
          family == DamageFamily::link_rate && lost[i] != unreachable ? lost[i] - latencies(whole)[i] : 0;
      expected[i] = lost[i] == unreachable ? unreachable : add_latency(expected[i], longer);
    }
    slowdown *= state.slowdown;
    shadow_slowdown *= state.shadow_slowdown;
  }
  SlotDamage const state = DamagedNetwork(network, together, Seed{1}, targets).at(time_s);
  EXPECT_EQ(state.off, off);
  EXPECT_EQ(state.slowdown, slowdown);
  EXPECT_EQ(state.shadow_slowdown, shadow_slowdown);
  Snapshot const snapshot = damaged_snapshot(network, together, time_s, targets);
  EXPECT_EQ(latencies(snapshot), expected);
  // What an outage took before is not counted as damage.
  for (std::size_t i = 0; i < whole.removal.size(); ++i) {
    if (whole.removal[i] == Removal::none) continue;
    EXPECT_EQ(snapshot.removal[i], whole.removal[i]);
  }
}

TEST(Damage, IsTheSameWhateverElseThereIs) {
  // In one shell alone and with another behind it, with other links, at other times and after other draws.
  Damage damage = at_level(DamageFamily::satellites, 0.2, 3);
  damage[DamageFamily::planes] = damage[DamageFamily::links] = 0.1;
  Network const linked = linked_network();
  Network const alone(paper_constellation(), rules(), Seed{1});
  SlotDamage const before = DamagedNetwork(alone, damage, Seed{1}).at(0);
  for (std::uint32_t number : {0u, 1u, 2u}) {
    damage.draw = number;
    EXPECT_NE(DamagedNetwork(alone, damage, Seed{1}).at(0).off, before.off);
  }
  damage.draw = 3;
  DamagedNetwork const among(linked, damage, Seed{1});
  for (double const time_s : {5000.0, 0.0}) {
    auto const off = among.at(time_s).off;
    EXPECT_TRUE(std::ranges::equal(std::span(off).first(before.off.size()), before.off));
  }
  Snapshot const small = damaged_snapshot(alone, damage);
  Snapshot const large = damaged_snapshot(linked, damage, 700);
  for (std::size_t i = 0; i < small.removal.size(); ++i) {
    EXPECT_EQ(linked.wiring().links[i].a, alone.wiring().links[i].a);
    if (large.removal[i] == Removal::outage) continue;
    EXPECT_EQ(small.removal[i], large.removal[i]) << i;
  }
}

TEST(Damage, DrawsAndSeedsDiffer) {
  Network const network = paper_network();
  DamageTargets const targets = some_targets();
  for (auto const family : {DamageFamily::satellites, DamageFamily::planes, DamageFamily::links,
                            DamageFamily::storm, DamageFamily::gateways}) {
    auto const left = [&](std::uint32_t number, std::uint64_t seed) {
      DamagedNetwork const damaged(network, at_level(family, 0.3, number), Seed{seed}, targets);
      Snapshot snapshot = network.snapshot(0, 0, Purpose::evaluation_outage);
      damaged.apply(damaged.at(0), 0, snapshot);
      return snapshot.latency_ns;
    };
    EXPECT_NE(left(0, 1), left(1, 1)) << name(family);
    EXPECT_NE(left(0, 1), left(0, 2)) << name(family);
    EXPECT_EQ(left(3, 1), left(3, 1)) << name(family);
  }
}

TEST(Damage, PlanesAreLostWholeInEveryShellOnItsOwn) {
  Constellation two = paper_constellation();
  two.shells.push_back(two.shells.front());
  Network const network(two, rules(), Seed{1});
  auto const off = DamagedNetwork(network, at_level(DamageFamily::planes, 0.3), Seed{1}).at(0).off;
  for (std::size_t i = 0; i < off.size(); ++i) EXPECT_EQ(off[i], off[i / per_plane * per_plane]);
  auto const all = std::span(off);
  EXPECT_FALSE(std::ranges::equal(all.first(off.size() / 2), all.last(off.size() / 2)));
}

TEST(Damage, LostSatellitesLoseTheirLinks) {
  Network const network = paper_network();
  DamagedNetwork const damaged(network, at_level(DamageFamily::satellites, 0.2), Seed{1});
  SlotDamage const state = damaged.at(0);
  Snapshot const snapshot = damaged_snapshot(network, at_level(DamageFamily::satellites, 0.2));
  for (std::size_t i = 0; i < snapshot.removal.size(); ++i) {
    Link const& link = network.wiring().links[i];
    bool const lost = state.off[index(link.a)] != 0 || state.off[index(link.b)] != 0;
    EXPECT_EQ(snapshot.removal[i] == Removal::damage, lost);
    EXPECT_EQ(snapshot.latency_ns[i] == unreachable, lost);
  }
}

TEST(Damage, MeetsLinksBetweenShellsAsWell) {
  Constellation both = paper_constellation();
  both.shells.push_back({"other", 600, 70, 20, 30, 3});
  LinkRules nearest = rules();
  nearest.between_shells = BetweenShells::nearest;
  nearest.between_shells_range_km = 1500;
  Network const network(both, nearest, Seed{1});
  auto const whole = damaged_snapshot(network, {}).crossing;
  ASSERT_GT(whole.size(), 200u);

  Damage const satellites = at_level(DamageFamily::satellites, 0.3);
  DamagedNetwork const damaged(network, satellites, Seed{1});
  std::size_t lost = 0;
  for (CrossingLink const& link : damaged_snapshot(network, satellites).crossing) {
    bool const expected = damaged.is_lost(link.a) || damaged.is_lost(link.b);
    EXPECT_EQ(link.removal == Removal::damage, expected);
    EXPECT_EQ(link.latency_ns == unreachable, expected);
    lost += expected ? 1u : 0u;
  }
  EXPECT_NEAR(static_cast<double>(lost), 0.51 * static_cast<double>(whole.size()), 40);

  lost = 0;
  for (CrossingLink const& link : damaged_snapshot(network, at_level(DamageFamily::links, 0.2)).crossing) {
    lost += link.removal == Removal::damage ? 1u : 0u;
  }
  EXPECT_NEAR(static_cast<double>(lost), 0.2 * static_cast<double>(whole.size()), 30);

  auto const slower = damaged_snapshot(network, at_level(DamageFamily::link_rate, 0.5)).crossing;
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(slower[i].latency_ns, whole[i].latency_ns + 655);
}

TEST(Damage, PolarCapsCoverTheirShare) {
  // Beyond 60 deg lies 1 - sin 60 of a sphere.
  Network const network = paper_network();
  double const share = 1 - std::sin(60 * std::numbers::pi / 180);
  Snapshot const snapshot = damaged_snapshot(network, at_level(DamageFamily::latitude, share), 77);
  auto const where = states(paper_constellation(), 77);
  auto const beyond = [&](SatelliteId id) {
    auto const& r = where[index(id)].position_km;
    return std::asin(std::abs(r.z) / (radius_km + altitude_km)) * 180 / std::numbers::pi > 60;
  };
  for (std::size_t i = 0; i < snapshot.removal.size(); ++i) {
    Link const& link = network.wiring().links[i];
    bool const lost = link.kind != LinkKind::intra_plane && (beyond(link.a) || beyond(link.b));
    EXPECT_EQ(snapshot.removal[i] == Removal::damage, lost);
  }
}

TEST(Damage, StormCoversItsShareAndTurnsWithTheEarth) {
  Network const network = paper_network();
  Damage damage = at_level(DamageFamily::storm, 0.05);
  damage.storm_latitude_deg = 0;
  damage.storm_longitude_deg = 90;
  double const angle = std::acos(1 - 2 * 0.05);
  for (double const time_s : {0.0, 6 * 3600.0}) {
    double const longitude = std::numbers::pi / 2 + 15.041067 * time_s / 3600 * std::numbers::pi / 180;
    auto const where = states(paper_constellation(), time_s);
    auto const state = DamagedNetwork(network, damage, Seed{1}).at(time_s);
    for (std::size_t i = 0; i < where.size(); ++i) {
      auto const& r = where[i].position_km;
      double const cosine =
          (r.x * std::cos(longitude) + r.y * std::sin(longitude)) / (radius_km + altitude_km);
      EXPECT_EQ(state.off[i] != 0, std::acos(cosine) <= angle) << i;
    }
    EXPECT_GT(off(state), 0u);
  }
}

TEST(Damage, StormStandsWhereItIsToldTo) {
  Damage damage = at_level(DamageFamily::storm, 0.03);
  damage.storm_latitude_deg = -40;
  damage.storm_longitude_deg = 200;
  damage.storm_drift_deg_h = -30;
  auto const rad = [](double deg) { return deg * std::numbers::pi / 180; };
  SlotDamage const state = DamagedNetwork(paper_network(), damage, Seed{1}).at(1800);  // 15 deg farther west
  auto const where = states(paper_constellation(), 1800);
  for (std::size_t i = 0; i < where.size(); ++i) {
    auto const& r = where[i].position_km;
    double const north = std::asin(r.z / (radius_km + altitude_km)) - rad(-40);
    double const east = std::atan2(r.y, r.x) - rad(185);
    double const haversine = std::pow(std::sin(north / 2), 2) + std::cos(rad(-40)) * std::hypot(r.x, r.y) /
                                                                    (radius_km + altitude_km) *
                                                                    std::pow(std::sin(east / 2), 2);
    EXPECT_EQ(state.off[i] != 0, haversine <= 0.03) << i;  // of an angle, that is the share of its cap
  }
  EXPECT_NEAR(static_cast<double>(off(state)), 0.03 * planes * per_plane, 10);
}

TEST(Damage, DrawnStormsAreEvenOnTheSphere) {
  // The mean share of satellites in the cap is the share that the cap covers.
  Network const network = paper_network();
  double sum = 0, squares = 0;
  constexpr int draws = 400;
  for (std::uint32_t d = 0; d < draws; ++d) {
    double const share =
        static_cast<double>(off(network, at_level(DamageFamily::storm, 0.1, d))) / (planes * per_plane);
    sum += share;
    squares += share * share;
  }
  double const mean = sum / draws;
  EXPECT_NEAR(mean, 0.1, 4 * std::sqrt((squares / draws - mean * mean) / draws));
}

TEST(Damage, ShadowLastsAsLongAsGeometrySays) {
  // A circular orbit is in the Earth's shadow for acos(sqrt(h^2 + 2 R h) / ((R + h) cos beta)) / pi of a
  // turn.
  Constellation const one_plane = on_sphere(shell(1, 3600, 0));
  Network const network(one_plane, {}, Seed{1});
  double const reach = std::sqrt(altitude_km * altitude_km + 2 * radius_km * altitude_km);
  for (double const beta_deg : {0.0, 30.0, -50.0, 80.0}) {
    Damage damage = at_level(DamageFamily::eclipse, 1);
    damage.sun_beta_deg = beta_deg;
    SlotDamage const state = DamagedNetwork(network, damage, Seed{1}).at(0);
    double const cosine = reach / ((radius_km + altitude_km) * std::cos(beta_deg * std::numbers::pi / 180));
    double const expected = cosine < 1 ? std::acos(cosine) / std::numbers::pi : 0;
    double const share = static_cast<double>(std::ranges::count(state.in_shadow, 1)) / 3600;
    EXPECT_NEAR(share, expected, 1.0 / 3600) << beta_deg;
    for (std::size_t i = 0; i < 3600; ++i) EXPECT_EQ(state.computes(satellite(i)), state.in_shadow[i] == 0);
    EXPECT_EQ(off(state), 0u);
  }
}

TEST(Damage, SunStandsOverTheFirstPlanesNode) {
  Shell tilted = shell(5, 9, 2);
  tilted.inclination_deg = 53;
  tilted.raan0_deg = 77;
  Constellation const constellation = on_sphere(tilted);
  auto const at_node = states(constellation, 0).front();
  auto const unit = [](Vector3 const& v) {
    double const length = std::hypot(v.x, v.y, v.z);
    return Vector3{v.x / length, v.y / length, v.z / length};
  };
  Vector3 const r = unit(at_node.position_km), v = unit(at_node.velocity_km_s);
  Vector3 const normal{r.y * v.z - r.z * v.y, r.z * v.x - r.x * v.z, r.x * v.y - r.y * v.x};
  auto const dot = [](Vector3 const& a, Vector3 const& b) { return a.x * b.x + a.y * b.y + a.z * b.z; };
  for (double const beta_deg : {-90.0, -20.0, 0.0, 65.0}) {
    Damage damage;
    damage.sun_beta_deg = beta_deg;
    Vector3 const sun = sun_direction(damage, constellation);
    double const beta = beta_deg * std::numbers::pi / 180;
    EXPECT_NEAR(dot(sun, normal), std::sin(beta), 1e-12);
    EXPECT_NEAR(dot(sun, r), std::cos(beta), 1e-12);
  }
}

TEST(Damage, SunStandsWhereTheAlmanacSays) {
  // Declination 23.44 deg at the June solstice and -23.43 deg at the December one; right ascension 90 and
  // 270.
  Damage damage;
  auto const at = [&](std::uint32_t month, std::uint32_t day) {
    damage.sun_month = month;
    damage.sun_day = day;
    return sun_direction(damage, paper_constellation());
  };
  auto const declination = [](Vector3 const& v) { return std::asin(v.z) * 180 / std::numbers::pi; };
  EXPECT_NEAR(declination(at(6, 21)), 23.44, 0.01);
  EXPECT_NEAR(declination(at(12, 21)), -23.43, 0.01);
  EXPECT_NEAR(declination(at(3, 20)), 0, 0.1);
  EXPECT_GT(at(3, 20).x, 0.9999);
  EXPECT_LT(at(9, 23).x, -0.999);
  EXPECT_GT(at(6, 21).y, 0.9);
  Vector3 const v = at(8, 1);
  EXPECT_NEAR(v.x * v.x + v.y * v.y + v.z * v.z, 1, 1e-12);
}

TEST(Damage, SlowerSatellitesAndLinks) {
  Network const network = paper_network();
  Damage damage = at_level(DamageFamily::compute_rate, 0.75);
  damage[DamageFamily::eclipse] = 0.5;
  damage.sun_beta_deg = 0;
  SlotDamage const state = DamagedNetwork(network, damage, Seed{1}).at(0);
  auto const shadowed =
      static_cast<std::size_t>(std::ranges::find(state.in_shadow, 1) - state.in_shadow.begin());
  auto const lit = static_cast<std::size_t>(std::ranges::find(state.in_shadow, 0) - state.in_shadow.begin());
  EXPECT_DOUBLE_EQ(state.slowdown_of(satellite(lit)), 4);
  EXPECT_DOUBLE_EQ(state.slowdown_of(satellite(shadowed)), 8);

  // 655.36 ns per hop at the whole rate, four times as much at a quarter of it.
  Snapshot const whole = damaged_snapshot(network, {});
  Snapshot const slow = damaged_snapshot(network, at_level(DamageFamily::link_rate, 0.75));
  for (std::size_t i = 0; i < whole.latency_ns.size(); ++i) {
    EXPECT_EQ(slow.latency_ns[i] - whole.latency_ns[i], 1966u);
  }
}

TEST(Damage, OnlySendingTakesLongerOnSlowerLinks) {
  LinkRules with_forwarding = rules();
  with_forwarding.forwarding_ns = 50'000;
  Network const network(paper_constellation(), with_forwarding, Seed{1});
  Snapshot const whole = damaged_snapshot(network, {});
  Snapshot const slow = damaged_snapshot(network, at_level(DamageFamily::link_rate, 0.75));
  for (std::size_t i = 0; i < whole.latency_ns.size(); ++i) {
    EXPECT_EQ(slow.latency_ns[i] - whole.latency_ns[i], 1966u);
    EXPECT_GT(whole.latency_ns[i], 50'000u);
  }
}

TEST(Damage, RefusesLinksThatTakeTooLong) {
  // 655.36 ns x level / (1 - level) and a propagation of milliseconds, at a limit of 2.147 s.
  Network const network = paper_network();
  Snapshot const slow = damaged_snapshot(network, at_level(DamageFamily::link_rate, 1 - 3.1e-7));
  EXPECT_GT(slow.latency_ns[0], 2'000'000'000u);
  EXPECT_EQ(damaged_links(slow), 0u);
  for (double const level : {1 - 3.053e-7, 1 - 3e-7, 1 - 1e-9}) {
    EXPECT_THROW(damaged_snapshot(network, at_level(DamageFamily::link_rate, level)), ScenarioError) << level;
  }
}

TEST(Damage, AttacksHitTheFirstTargets) {
  Network const network = paper_network();
  DamageTargets targets;
  targets.hosts = {satellite(7), satellite(3), satellite(9), satellite(1)};
  targets.busiest_links = {40, 2, 5};
  targets.gateways = {satellite(100), satellite(200), satellite(300), satellite(400)};
  Damage damage = at_level(DamageFamily::hosts, 0.5);
  damage[DamageFamily::busiest_links] = 1.0 / 3;
  DamagedNetwork const damaged(network, damage, Seed{1}, targets);
  EXPECT_TRUE(damaged.is_lost(satellite(7)) && damaged.is_lost(satellite(3)));
  EXPECT_EQ(off(damaged.at(0)), 2u);
  Damage const links_only = at_level(DamageFamily::busiest_links, 1.0 / 3);
  Snapshot const snapshot = damaged_snapshot(network, links_only, 0, targets);
  EXPECT_EQ(damaged_links(snapshot), 1u);
  EXPECT_EQ(snapshot.removal[40], Removal::damage);

  // A quarter of the gateways, each as likely as the others.
  std::array<int, 4> hits{};
  for (std::uint32_t d = 0; d < 400; ++d) {
    DamagedNetwork const attacked(network, at_level(DamageFamily::gateways, 0.25, d), Seed{1}, targets);
    EXPECT_EQ(off(attacked.at(0)), 1u);
    for (std::size_t g = 0; g < 4; ++g) hits[g] += attacked.is_lost(targets.gateways[g]) ? 1 : 0;
  }
  for (int const count : hits) EXPECT_NEAR(count, 100, 4 * std::sqrt(400 * 0.25 * 0.75));
}

}  // namespace
}  // namespace spacemoe
