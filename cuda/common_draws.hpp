#pragma once

#include <span>
#include <vector>

#include "cuda/channel.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Backend::draw_common on the current device, through channels of that device.
std::vector<Nanoseconds> cuda_draw_common(Seed seed, std::span<CommonDraws const> draws, Channels& channels);

}  // namespace spacemoe
