#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "host/satellite_id.hpp"

namespace spacemoe {

/// Where the outputs of a layer's experts meet.
enum class Aggregation : std::uint8_t {
  next_gateway,  ///< experts send on to the gateway of the next layer
  own_gateway,   ///< experts return to their gateway, which forwards
};

/// A further copy of an expert. Of all copies whose satellite works, the one of least latency serves.
struct Replica {
  std::uint32_t layer = 0;
  std::uint32_t expert = 0;
  SatelliteId host{};

  bool operator==(Replica const&) const = default;
};

/// A further gateway of a layer, for when those before it do not work.
struct SpareGateway {
  std::uint32_t layer = 0;
  SatelliteId satellite{};

  bool operator==(SpareGateway const&) const = default;
};

/// Where the model lives: a gateway per MoE layer and a host per expert.
struct Placement {
  std::uint32_t layers = 0;
  std::uint32_t experts = 0;
  std::vector<SatelliteId> gateway;      ///< [layer]
  std::vector<SatelliteId> host;         ///< [layer][expert]
  std::vector<Replica> replica = {};     ///< by layer and expert
  std::vector<SpareGateway> spare = {};  ///< by layer, then in the order in which they step in

  SatelliteId host_of(std::uint32_t layer, std::uint32_t expert) const {
    return host[static_cast<std::size_t>(layer) * experts + expert];
  }
  /// g_{l+1}; after the last layer the first again (autoregressive ring).
  SatelliteId next_gateway(std::uint32_t layer) const { return gateway[(layer + 1) % layers]; }

  bool operator==(Placement const&) const = default;
};

/// Whether a placement has replicas or spare gateways.
inline bool has_redundancy(Placement const& placement) {
  return !placement.replica.empty() || !placement.spare.empty();
}

/// What a placement must respect.
struct PlacementLimits {
  std::uint32_t satellites = 0;
  std::uint32_t capacity = 1;          ///< experts per satellite, over all layers
  bool gateways_host_experts = false;  ///< a gateway's places may be used for experts
};

/// The arrays of a placement.
enum class PlacementPart : std::uint8_t { gateway, host, replica, spare };

/// What is wrong with one satellite of a placement.
struct PlacementProblem {
  PlacementPart part;
  std::size_t number;  ///< in the array of that part
  std::string what;
  std::string remedy;
};

/// Every satellite, layer and expert that does not exist, the first copy past each satellite's capacity,
/// copies of an expert and gateways of a layer on one satellite, and gateways that host experts though they
/// may not. Gateways and hosts have the placement's shape; replicas and spares may come in any order.
std::vector<PlacementProblem> problems(Placement const& placement, PlacementLimits const& limits);

/// Puts replicas and spare gateways in the order that Placement asks for; spares of a layer keep theirs.
void sort_redundancy(Placement& placement);

}  // namespace spacemoe
