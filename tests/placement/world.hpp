#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/placement/strategies.hpp"

namespace spacemoe::testing {

/// A planning context over a made-up metric: expected latency |a - b| per slot unless given otherwise.
struct World {
  ActivationWeights weights;
  ComputeTimes compute{MoeModel{}, [] {
                         ComputeSpec spec;
                         spec.expert_ms = {1};
                         spec.gateway_ms = {0};
                         spec.head_ms = 0;
                         return spec;
                       }()};
  PlanningContext context;

  World(std::uint32_t planes, std::uint32_t per_plane, std::uint32_t layers, std::uint32_t experts)
      : weights(uniform_weights(layers, experts)) {
    context.limits.satellites = planes * per_plane;
    context.ring = RingShell{satellite(0), planes, per_plane};
    for (std::uint32_t s = 0; s < planes * per_plane; ++s) context.plane.push_back(s / per_plane);
    context.weights = &weights;
    context.compute = &compute;
    context.slots = 2;
    context.seed = {7};
    context.expected_latencies = [this](std::span<SatelliteId const> sources) {
      std::vector<std::vector<std::uint64_t>> rows;
      for (SatelliteId const source : sources) {
        rows.emplace_back();
        for (std::size_t s = 0; s < context.limits.satellites; ++s) {
          auto const steps = s > index(source) ? s - index(source) : index(source) - s;
          rows.back().push_back(2 * 1000 * steps);
        }
      }
      return rows;
    };
  }

  Placement plan(Strategy strategy, std::uint32_t number = 0) const {
    return spacemoe::plan(strategy, context, number);
  }
};

}  // namespace spacemoe::testing
