#pragma once

#include <cstdint>

#include "kernels/function.hpp"

namespace spacemoe {

/// A latency behind the backend line [ns], below 2^31. Integers make min-plus exact and associative, so every
/// shortest-path algorithm gives the same bits in every order.
using Nanoseconds = std::uint32_t;

/// "No path". Adding any latency to it stays below 2^32, so a sum may be clipped after the addition.
inline constexpr Nanoseconds unreachable = 0x7fffffff;

/// a + b, clipped to `unreachable`; both at most `unreachable`.
SPACEMOE_FN constexpr Nanoseconds add_latency(Nanoseconds a, Nanoseconds b) {
  Nanoseconds const sum = a + b;
  return sum < unreachable ? sum : unreachable;
}

/// Best known latency of a node after its neighbour offers a way through a link of latency `link`.
/// `best` is at most `unreachable`, so an unreachable neighbour never improves it.
SPACEMOE_FN constexpr Nanoseconds relax(Nanoseconds best, Nanoseconds neighbor, Nanoseconds link) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  if (!__builtin_is_constant_evaluated()) return __viaddmin_u32(neighbor, link, best);  // one instruction
#endif
  Nanoseconds const offered = neighbor + link;
  return offered < best ? offered : best;
}

/// The greater of two latencies, of which `b` does not count where it is `unreachable`.
SPACEMOE_FN constexpr Nanoseconds greater_finite(Nanoseconds a, Nanoseconds b) {
  // One more than `unreachable` is the least of all signed numbers.
  auto const one_more_a = static_cast<std::int32_t>(a + 1);
  auto const one_more_b = static_cast<std::int32_t>(b + 1);
  return static_cast<Nanoseconds>((one_more_a < one_more_b ? one_more_b : one_more_a) - 1);
}

}  // namespace spacemoe
