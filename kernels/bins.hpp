#pragma once

#include <cstdint>

#include "kernels/function.hpp"

namespace spacemoe {

/// Log-linear latency bins: exponent and top 8 mantissa bits of the nanoseconds, at most 0.4 % wide. They do
/// not depend on the data, so histograms of batches, ranks and sweep points add.
inline constexpr std::uint32_t mantissa_bits = 8;
inline constexpr std::uint32_t bin_count = (64 - mantissa_bits + 1) << mantissa_bits;

/// Bits up to the highest set one.
SPACEMOE_FN constexpr std::uint32_t bit_width(std::uint64_t number) {
#if defined(__CUDA_ARCH__)
  return 64u - static_cast<std::uint32_t>(__clzll(static_cast<long long>(number)));
#else
  return number == 0 ? 0 : 64u - static_cast<std::uint32_t>(__builtin_clzll(number));
#endif
}

/// The bin that holds a latency [ns]; latencies below 256 ns have bins of their own.
SPACEMOE_FN constexpr std::uint32_t bin_of(std::uint64_t latency_ns) {
  if (latency_ns < (1u << mantissa_bits)) return static_cast<std::uint32_t>(latency_ns);
  std::uint32_t const shift = bit_width(latency_ns) - 1 - mantissa_bits;
  return (shift << mantissa_bits) + static_cast<std::uint32_t>(latency_ns >> shift);
}

/// Least latency [ns] of a bin; the bin ends below bin_lower(bin + 1).
SPACEMOE_FN constexpr std::uint64_t bin_lower(std::uint32_t bin) {
  if (bin < (2u << mantissa_bits)) return bin;
  std::uint32_t const shift = (bin >> mantissa_bits) - 1;
  return static_cast<std::uint64_t>(bin - (shift << mantissa_bits)) << shift;
}

}  // namespace spacemoe
