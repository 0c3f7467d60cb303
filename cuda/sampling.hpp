#pragma once

#include <span>

#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Backend::sample_tokens on the current device.
LatencyTally cuda_sample_tokens(RoutingView const& routing, Seed seed, std::span<TokenCell const> cells);

/// Backend::sample_layers on the current device.
LatencyTally cuda_sample_layers(Seed seed, std::span<LayerCell const> cells);

}  // namespace spacemoe
