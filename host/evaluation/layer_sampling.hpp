#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/layer_distribution.hpp"

namespace spacemoe {

/// Tables of layer latencies that are held at a time [bytes].
inline constexpr std::size_t layer_table_bytes = std::size_t{64} << 20;

/// As Backend::sample_tokens, by order statistic: works out the distributions of the cells' layers, some
/// cells at a time, and draws from them. `laws` holds one law per layer.
LatencyTally sample_by_layers(Backend& backend, std::span<LayerLaw const> laws, Seed seed,
                              std::span<TokenCell const> cells);

/// As Backend::find_tokens, by order statistic.
std::vector<std::uint64_t> find_by_layers(Backend& backend, std::span<LayerLaw const> laws, Seed seed,
                                          std::span<TokenCell const> cells,
                                          std::span<std::uint32_t const> bins);

}  // namespace spacemoe
