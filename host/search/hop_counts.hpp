#pragma once

#include <optional>

#include "host/network/network.hpp"
#include "host/search/relaxed_layers.hpp"

namespace spacemoe {

/// Bound [ns] of a token's mean latency from how many satellites there are within how many hops, each taking
/// as long as the fastest link of any slot. Empty where no satellite has enough others around it.
std::optional<double> hop_counts(RelaxedLayers const& layers, SnapshotBatch const& slots);

}  // namespace spacemoe
