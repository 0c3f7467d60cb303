#pragma once

#include <cstdint>
#include <vector>

#include "host/placement/strategies.hpp"

namespace spacemoe {

/// Satellites that take the experts of a layer, where they take as many as they can.
std::uint32_t satellites_per_layer(std::uint32_t experts, std::uint32_t capacity);

/// Closed loops of gateways, [loop][layer], in which consecutive gateways sit at opposite corners of
/// rectangles of satellites: all satellites of a rectangle lie on shortest paths between the two, and all but
/// the two are places. The loops differ in the shape of their rectangles, which have about
/// `hosts_per_layer` places, and in the way they close. The last is a single satellite, which leaves
/// most room for experts.
std::vector<std::vector<SatelliteId>> staircase_loops(RingShell const& ring, std::uint32_t layers,
                                                      std::uint32_t hosts_per_layer);

}  // namespace spacemoe
