#pragma once

#include <cstdint>
#include <span>

#include "host/placement/strategies.hpp"

namespace spacemoe {

/// Most replicas of an expert and most spare gateways of a layer.
inline constexpr std::uint32_t most_copies = 64;

/// Further copies of experts and further gateways, on top of what a strategy places.
struct Redundancy {
  std::uint32_t replicas = 0;        ///< further copies of every expert
  std::uint32_t replica_places = 0;  ///< further copies in all, to the experts that gain most by them
  double planned_loss = 0.1;         ///< chance that a copy is lost, on which replica_places are shared out
  std::uint32_t spare_gateways = 0;  ///< of every layer

  bool operator==(Redundancy const&) const = default;
};

bool is_none(Redundancy const& redundancy);

/// Adds spare gateways and replicas to a placement. `chance` [layer][expert] is that of a token to draw the
/// expert.
///
/// Spares are the free satellites nearest to the gateway. Of `replica_places`, each goes to the expert whose
/// next copy keeps most tokens: chance x planned_loss^copies. Every copy goes to the free satellite of least
/// expected latency that has no expert of the layer yet, so that no token ever waits for another expert where
/// it would not without replicas. All keep out of the planes in which the gateway's or the expert's other
/// copies are, as long as there are others. Throws ScenarioError when places do not suffice.
Placement with_redundancy(PlanningContext const& context, Redundancy const& redundancy,
                          std::span<double const> chance, Placement placement);

}  // namespace spacemoe
