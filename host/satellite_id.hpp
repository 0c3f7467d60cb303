#pragma once

#include <cstddef>
#include <cstdint>

namespace spacemoe {

/// A satellite, counted from 0 over all shells: first of the shell + plane * satellites per plane + slot in
/// plane. In a network read from a file: a node.
enum class SatelliteId : std::uint32_t {};

constexpr std::size_t index(SatelliteId id) {
  return static_cast<std::size_t>(id);
}
constexpr SatelliteId satellite(std::size_t index) {
  return SatelliteId{static_cast<std::uint32_t>(index)};
}

}  // namespace spacemoe
