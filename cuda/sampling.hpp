#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cuda/channel.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Backend::sample_tokens on the current device, through channels of that device.
LatencyTally cuda_sample_tokens(RoutingView const& routing, Seed seed, std::span<TokenCell const> cells,
                                Channels& channels);

/// Backend::sample_layers on the current device, through channels of that device.
LatencyTally cuda_sample_layers(Seed seed, std::span<LayerCell const> cells, Channels& channels);

/// Backend::find_tokens on the current device, through channels of that device.
std::vector<std::uint64_t> cuda_find_tokens(RoutingView const& routing, Seed seed,
                                            std::span<TokenCell const> cells,
                                            std::span<std::uint32_t const> bins, Channels& channels);

/// Backend::find_layers on the current device, through channels of that device.
std::vector<std::uint64_t> cuda_find_layers(Seed seed, std::span<LayerCell const> cells,
                                            std::span<std::uint32_t const> bins, Channels& channels);

}  // namespace spacemoe
