#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/damage/damaged_network.hpp"
#include "tests/support/graphs.hpp"

namespace spacemoe::testing {

/// Attacks on a network without a model: every so many satellites and links.
inline DamageTargets some_targets(Wiring const& wiring) {
  DamageTargets targets;
  for (std::uint32_t id = 0; id < wiring.nodes; ++id) {
    if (id % 3 == 0) targets.gateways.push_back(satellite(id));
    if (id % 4 == 1) targets.hosts.push_back(satellite(id));
    if (id % 5 == 2) targets.busiest_satellites.push_back(satellite(id));
  }
  for (std::uint32_t link = 0; link < wiring.links.size(); link += 2) targets.busiest_links.push_back(link);
  return targets;
}

/// What is left of a network in slots ten minutes apart.
inline Graph damaged(std::string name, std::shared_ptr<Network const> network, Damage const& damage,
                     std::uint32_t snapshots) {
  DamagedNetwork const broken(*network, damage, Seed{8}, some_targets(network->wiring()));
  std::vector<Snapshot> taken;
  for (std::uint32_t slot = 0; slot < snapshots; ++slot) {
    double const time_s = 600.0 * slot;
    taken.push_back(network->snapshot(slot, time_s, Purpose::evaluation_outage));
    broken.apply(broken.at(time_s), time_s, taken.back());
  }
  SnapshotBatch links = batch(network->wiring(), taken);
  return {std::move(name), std::move(network), std::move(links)};
}

/// Damage of every family that removes satellites or links or slows links down: light, heavy and total; and
/// several at once.
inline std::vector<Damage> damages() {
  struct Case {
    DamageFamily family;
    double level;
    std::uint32_t draw;
  };
  std::vector<Damage> all;
  for (auto const& [family, level, draw] :
       {Case{DamageFamily::satellites, 0.1, 0}, Case{DamageFamily::satellites, 0.4, 5},
        Case{DamageFamily::satellites, 1, 0}, Case{DamageFamily::planes, 0.3, 0},
        Case{DamageFamily::planes, 0.5, 2}, Case{DamageFamily::links, 0.1, 0},
        Case{DamageFamily::links, 0.4, 1}, Case{DamageFamily::links, 1, 0},
        Case{DamageFamily::latitude, 0.3, 0}, Case{DamageFamily::latitude, 1, 0},
        Case{DamageFamily::storm, 0.1, 0}, Case{DamageFamily::storm, 0.5, 1},
        Case{DamageFamily::gateways, 0.5, 0}, Case{DamageFamily::gateways, 0.5, 3},
        Case{DamageFamily::hosts, 0.5, 0}, Case{DamageFamily::busiest_satellites, 0.5, 0},
        Case{DamageFamily::busiest_links, 0.7, 0}, Case{DamageFamily::link_rate, 0.6, 0}}) {
    Damage& damage = all.emplace_back();
    damage[family] = level;
    damage.draw = draw;
  }
  Damage& several = all.emplace_back();
  for (auto const family : {DamageFamily::satellites, DamageFamily::planes, DamageFamily::links,
                            DamageFamily::latitude, DamageFamily::storm, DamageFamily::link_rate}) {
    several[family] = 0.1;
  }
  several.draw = 7;
  return all;
}

inline std::string described(Damage const& damage) {
  std::string text = " draw " + std::to_string(damage.draw);
  for (std::size_t f = 0; f < damage_families; ++f) {
    if (damage.level[f] == 0) continue;
    text += ", " + std::string(name(static_cast<DamageFamily>(f))) + " " + std::to_string(damage.level[f]);
  }
  return text;
}

inline bool needs_orbits(Damage const& damage) {
  for (std::size_t f = 0; f < damage_families; ++f) {
    if (damage.level[f] > 0 && needs_orbits(static_cast<DamageFamily>(f))) return true;
  }
  return false;
}

/// Two slots of shells of all kinds, each under all damage.
inline std::vector<Graph> damaged_shells() {
  LinkRules rules;
  rules.survival = 0.97;
  rules.message_bit = 1e8;  // a millisecond per hop: a loss of rate changes which path is the shortest
  auto const seam = [&](Seam which) {
    LinkRules with = rules;
    with.seam = which;
    with.star_seam = true;
    return with;
  };
  LinkRules phased = seam(Seam::wrap_phased);
  phased.inter_plane_partner = InterPlanePartner::nearest_phase;
  LinkRules linked = phased;
  linked.between_shells = BetweenShells::nearest;
  linked.between_shells_range_km = 2500;
  linked.grazing_altitude_km = 80;
  Shell alternating{"alternating", 600, 97, 8, 7, 0};
  alternating.phasing_rule = PhasingRule::alternating;
  std::vector<Shell> many;
  for (std::uint32_t i = 0; i < 9; ++i) {
    many.push_back({"", 340.0 + 40 * i, 33.0 + 8 * i, 3 + i % 3, 4 + i % 4, i % 3,
                    i % 4 == 3 ? Pattern::star : Pattern::delta});
  }
  std::vector<Graph> const whole{
      shells("cut seam", {{"delta", 550, 87, 9, 8, 5}}, seam(Seam::cut), 0),
      shells("phased seam, odd planes", {{"delta", 550, 53, 11, 9, 7}}, seam(Seam::wrap_phased), 0),
      shells("nearest phase", {{"delta", 1200, 70, 7, 13, 6}}, phased, 0),
      shells("seam of a star", {{"star", 1100, 88, 6, 11, 1, Pattern::star}}, seam(Seam::wrap), 0),
      shells("alternating", {alternating}, seam(Seam::wrap), 0),
      shells("links between shells",
             {{"a", 550, 53, 8, 9, 5}, {"b", 600, 88, 5, 10, 1, Pattern::star}, {"c", 580, 40, 6, 9, 3}},
             linked, 0),
      shells("links between tiny shells",
             {{"a", 550, 53, 3, 4, 1}, {"b", 600, 60, 4, 3, 1}, {"c", 580, 40, 2, 5}}, linked, 0),
      shells("links between nine shells", many, linked, 0)};
  std::vector<Graph> all;
  for (Graph const& graph : whole) {
    for (Damage const& damage : damages()) {
      all.push_back(damaged(graph.name + described(damage), graph.network, damage, 2));
    }
  }
  return all;
}

/// Two slots of listed networks, each under all damage that needs no orbits.
inline std::vector<Graph> damaged_lists() {
  std::vector<Graph> all;
  for (Graph const& graph : {line(30), random_graph(60, 110, 11), random_graph(36, 300, 12)}) {
    for (Damage const& damage : damages()) {
      if (needs_orbits(damage)) continue;
      all.push_back(damaged(graph.name + described(damage), graph.network, damage, 2));
    }
  }
  return all;
}

}  // namespace spacemoe::testing
