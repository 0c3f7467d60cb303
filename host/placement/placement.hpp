#pragma once

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

/// Where the model lives: a gateway per MoE layer and a host per expert.
struct Placement {
  std::uint32_t layers = 0;
  std::uint32_t experts = 0;
  std::vector<SatelliteId> gateway;  ///< [layer]
  std::vector<SatelliteId> host;     ///< [layer][expert]

  SatelliteId host_of(std::uint32_t layer, std::uint32_t expert) const {
    return host[static_cast<std::size_t>(layer) * experts + expert];
  }
  /// g_{l+1}; after the last layer the first again (autoregressive ring).
  SatelliteId next_gateway(std::uint32_t layer) const { return gateway[(layer + 1) % layers]; }

  bool operator==(Placement const&) const = default;
};

/// What a placement must respect.
struct PlacementLimits {
  std::uint32_t satellites = 0;
  std::uint32_t capacity = 1;          ///< experts per satellite, over all layers
  bool gateways_host_experts = false;  ///< a gateway's places may be used for experts
};

/// Everything that is wrong with a placement: ids out of range, capacity exceeded, experts on gateways,
/// shapes. Empty: nothing.
std::vector<std::string> problems(Placement const& placement, PlacementLimits const& limits);

}  // namespace spacemoe
