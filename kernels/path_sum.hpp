#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/latency.hpp"
#include "kernels/span.hpp"

// Path latencies from a source to every satellite, summed over snapshots.

namespace spacemoe {

/// Above any sum of finite paths; sums are clipped to it, so that two of them can be added.
inline constexpr std::uint64_t forbidden_ns = std::uint64_t{1} << 62;

/// What a satellite without a path in a snapshot adds to a sum.
struct LostPath {
  std::uint32_t times_greatest;  ///< so often the greatest finite latency from the source in that snapshot
  std::uint64_t more_ns;         ///< and so much more; `forbidden_ns` makes the sum at least that

  SPACEMOE_FN constexpr std::uint64_t ns(Nanoseconds greatest) const {
    return times_greatest * std::uint64_t{greatest} + more_ns;
  }
};

SPACEMOE_FN constexpr std::uint64_t add_sums(std::uint64_t a, std::uint64_t b) {
  return a + b < forbidden_ns ? a + b : forbidden_ns;
}

/// A sum with one more snapshot, in which a lost path counts as `lost_ns`.
SPACEMOE_FN constexpr std::uint64_t add_path(std::uint64_t sum, Nanoseconds latency, std::uint64_t lost_ns) {
  return add_sums(sum, latency == unreachable ? lost_ns : latency);
}

/// Adds the latencies from a source to every satellite in one snapshot.
SPACEMOE_FN constexpr void add_row(Span<Nanoseconds const> row, LostPath lost, Span<std::uint64_t> sum) {
  Nanoseconds greatest = 0;
  for (std::size_t i = 0; i < row.size(); ++i) greatest = greater_finite(greatest, row[i]);
  std::uint64_t const lost_ns = lost.ns(greatest);
  for (std::size_t i = 0; i < row.size(); ++i) sum[i] = add_path(sum[i], row[i], lost_ns);
}

}  // namespace spacemoe
