#pragma once

#include <span>

#include "cuda/channel.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Backend::sample_tokens on the current device, through channels of that device.
LatencyTally cuda_sample_tokens(RoutingView const& routing, Seed seed, std::span<TokenCell const> cells,
                                Channels& channels);

/// Backend::sample_layers on the current device, through channels of that device.
LatencyTally cuda_sample_layers(Seed seed, std::span<LayerCell const> cells, Channels& channels);

}  // namespace spacemoe
