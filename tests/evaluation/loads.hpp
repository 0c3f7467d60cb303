#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/load.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe::testing {

inline constexpr double message_bit = 800;
inline constexpr double expert_s = 2e-3;
inline constexpr double gateway_s = 0.5e-3;
inline constexpr double head_s = 1e-3;

/// No network yet; messages and compute times as above.
inline Scenario plain_scenario() {
  Scenario scenario;
  scenario.seed = {3};
  scenario.links.message_bit = message_bit;
  scenario.compute.expert_ms = {1e3 * expert_s};
  scenario.compute.gateway_ms = {1e3 * gateway_s};
  scenario.compute.head_ms = 1e3 * head_s;
  return scenario;
}

/// Nodes 0 to n - 1 in a row, or in a ring, 1 us apart.
inline Scenario listed_scenario(std::uint32_t nodes, bool ring) {
  Scenario scenario = plain_scenario();
  scenario.listed_nodes = nodes;
  for (std::uint32_t i = 0; i + 1 < nodes; ++i) {
    scenario.listed_links.push_back({SatelliteId{i}, SatelliteId{i + 1}, 1000});
  }
  if (ring) scenario.listed_links.push_back({SatelliteId{0}, SatelliteId{nodes - 1}, 1000});
  return scenario;
}

/// Satellites 0 and 1 at opposite ends of an orbit, linked to each other, and 2 of another shell above 0,
/// linked to that.
inline Scenario stacked_scenario() {
  Scenario scenario = plain_scenario();
  scenario.constellation.shells = {{"below", 550, 60, 1, 2, 0}, {"above", 600, 60, 1, 1, 0}};
  scenario.links.between_shells = BetweenShells::nearest;
  scenario.links.between_shells_range_km = 100;
  return scenario;
}

/// Gives the scenario layers of experts, `top_k` drawn, with these weights [layer][expert].
inline void set_model(Scenario& scenario, std::uint32_t layers, std::uint32_t top_k,
                      std::vector<double> weight) {
  auto const experts = static_cast<std::uint32_t>(weight.size() / layers);
  scenario.model.layers = scenario.model.moe_layers = layers;
  scenario.model.experts = experts;
  scenario.model.top_k = top_k;
  scenario.weights = {layers, experts, std::move(weight)};
}

inline Placement placed(std::uint32_t layers, std::vector<std::uint32_t> const& gateways,
                        std::vector<std::uint32_t> const& hosts) {
  Placement placement{layers, static_cast<std::uint32_t>(hosts.size()) / layers, {}, {}};
  for (auto const g : gateways) placement.gateway.push_back(SatelliteId{g});
  for (auto const h : hosts) placement.host.push_back(SatelliteId{h});
  return placement;
}

/// What is attacked under DamageFamily::hosts.
inline DamageTargets hosts(std::vector<SatelliteId> ids) {
  DamageTargets targets;
  targets.hosts = std::move(ids);
  return targets;
}

/// On the scenario's network with its damage, of which `targets` are attacked.
inline PlacementLoad load_of(Scenario const& scenario, Placement const& placement,
                             DamageTargets const& targets = {}) {
  Network const network = make_network(scenario);
  std::optional<DamagedNetwork> damaged;
  if (!is_whole(scenario.damage)) damaged.emplace(network, scenario.damage, scenario.seed, targets);
  return expected_load(scenario, network, ComputeTimes(scenario.model, scenario.compute), placement,
                       *make_cpu_backend(), damaged ? &*damaged : nullptr);
}

}  // namespace spacemoe::testing
