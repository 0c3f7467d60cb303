#pragma once

#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/philox.hpp"

namespace spacemoe {

/// What a random word is for. Part of every draw's address, so that no two purposes ever share words.
/// Values are part of the result format: never renumber.
enum class Purpose : std::uint32_t {
  token_routing = 1,
  evaluation_outage = 2,
  planning_outage = 3,
  gateway_placement = 4,
  expert_placement = 5,
  activation_weights = 6,
  token_layers = 7,
  common_layers = 8,
  fresh_seed = 9,
  search = 10,
  sweep_design = 11,
  damaged_satellite = 12,
  damaged_plane = 13,
  damaged_link = 14,
  damaged_gateway = 15,
  damaged_region = 16,
};

/// The scenario's seed.
struct Seed {
  std::uint64_t value = 0;
};

/// The four words at an address. The address is the identity of the draw: no stream depends on a thread,
/// chunk, rank or device.
SPACEMOE_FN constexpr Words4 draw(Seed seed, Purpose purpose, std::uint32_t a, std::uint32_t b,
                                  std::uint32_t c) {
  return philox4x32({{a, b, c, static_cast<std::uint32_t>(purpose)}},
                    {{static_cast<std::uint32_t>(seed.value), static_cast<std::uint32_t>(seed.value >> 32)}});
}

/// Uniform integer in [0, bound) from 64 random bits, biased by at most bound / 2^64: the upper 64 bits of
/// the product.
SPACEMOE_FN constexpr std::uint64_t bounded(std::uint32_t high, std::uint32_t low, std::uint64_t bound) {
  std::uint64_t const bound_high = bound >> 32;
  std::uint64_t const bound_low = bound & 0xffffffff;
  std::uint64_t const middle = high * bound_low + ((low * bound_low) >> 32);
  return high * bound_high + (middle >> 32) + ((low * bound_high + (middle & 0xffffffff)) >> 32);
}

}  // namespace spacemoe
