#pragma once

#include <cstdint>
#include <string>

#include "kernels/routing.hpp"

namespace spacemoe {

/// How token latencies are drawn. Both ways draw from the same distribution, with different draws.
enum class Sampler : std::uint8_t {
  automatic,        ///< whichever is expected to be faster
  order_statistic,  ///< each layer's latency at once, from its exact distribution
  routing,          ///< the experts of each layer
};

/// What there is to draw in one cell (placement, slot) of a strategy.
struct SamplingWork {
  RoutingLaw law = RoutingLaw::plackett_luce;
  std::uint32_t layers = 0;
  double shared_layers = 0;  ///< of these, layers in which a host has several experts; a mean over placements
  std::uint32_t experts = 0;
  std::uint32_t top_k = 0;
  double tokens = 0;  ///< per cell
};

struct SamplerChoice {
  Sampler sampler = Sampler::routing;  ///< never `automatic`
  std::string reason;
};

/// The sampler wanted, or for `automatic` the one with the smaller estimate of its work: order-statistic
/// sampling must first work out every layer's distribution, which few tokens do not repay. The estimate is a
/// formula and no measurement, so that the draws, and with them the result, are the same everywhere.
SamplerChoice choose_sampler(Sampler wanted, SamplingWork const& work);

}  // namespace spacemoe
