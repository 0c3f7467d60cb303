#include "host/damage/damaged_network.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

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

TEST(Damage, DrawsAndSeedsDiffer) {
  Network const network = paper_network();
  auto const lost = [&](std::uint32_t number, std::uint64_t seed) {
    return DamagedNetwork(network, at_level(DamageFamily::satellites, 0.5, number), Seed{seed}).at(0).off;
  };
  EXPECT_NE(lost(0, 1), lost(1, 1));
  EXPECT_NE(lost(0, 1), lost(0, 2));
  EXPECT_EQ(lost(3, 1), lost(3, 1));
}

TEST(Damage, PlanesAreLostWhole) {
  Network const network = paper_network();
  auto const state = DamagedNetwork(network, at_level(DamageFamily::planes, 0.3), Seed{1}).at(0);
  for (std::size_t i = 0; i < state.off.size(); ++i) {
    EXPECT_EQ(state.off[i], state.off[i / per_plane * per_plane]);
  }
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
