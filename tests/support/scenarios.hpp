#pragma once

#include "host/evaluation/scenario.hpp"

namespace spacemoe::testing {

/// 6 planes x 5 satellites with lossy links, 4 layers of 5 experts, top 2, 2 ms per expert.
inline Scenario small_scenario() {
  Scenario scenario;
  scenario.title = "small";
  scenario.seed = {1};
  Shell shell;
  shell.name = "small";
  shell.altitude_km = 800;
  shell.inclination_deg = 60;
  shell.planes = 6;
  shell.satellites_per_plane = 5;
  shell.phasing = 1;
  scenario.constellation.shells = {shell};
  scenario.links.survival = 0.9;
  scenario.time.slots = 6;
  scenario.model.name = "small";
  scenario.model.layers = scenario.model.moe_layers = 4;
  scenario.model.experts = 5;
  scenario.model.top_k = 2;
  scenario.model.hidden_size = 64;
  scenario.model.expert_size = 128;
  scenario.model.hidden_state_bytes = 128;
  scenario.links.message_bit = 1024;
  scenario.weights = log_normal_weights(4, 5, 0.8, {1});
  scenario.compute.expert_ms = {2};
  scenario.compute.gateway_ms = {0.5};
  scenario.compute.head_ms = 1;
  scenario.strategies = {Strategy::rand_place, Strategy::rand_intra, Strategy::spacemoe, Strategy::greedy};
  scenario.random_placements = 3;
  scenario.tokens = 6000;
  scenario.capacity = 1;
  return scenario;
}

}  // namespace spacemoe::testing
