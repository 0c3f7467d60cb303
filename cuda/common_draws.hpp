#pragma once

#include <span>
#include <vector>

#include "cuda/device_stream.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Backend::draw_common on the stream's device, which must be the current one.
std::vector<Nanoseconds> cuda_draw_common(Seed seed, std::span<CommonDraws const> draws,
                                          DeviceStream const& stream);

}  // namespace spacemoe
