#pragma once

#include <cstdint>

#include "host/simd.hpp"

namespace spacemoe {

// Vectors for each instruction set's registers.
using Reals2 [[gnu::vector_size(16)]] = double;
using Reals4 [[gnu::vector_size(32)]] = double;
using Reals8 [[gnu::vector_size(64)]] = double;

// By pairs of neighbours, as a GPU's team adds.
SPACEMOE_BODY double sum_of(Reals2 const& r) {
  return r[0] + r[1];
}
SPACEMOE_BODY double sum_of(Reals4 const& r) {
  return (r[0] + r[1]) + (r[2] + r[3]);
}
SPACEMOE_BODY double sum_of(Reals8 const& r) {
  return ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
}

/// Quadrature nodes of a race side by side.
template <class Vector>
struct NodeLanes {
  using Real = Vector;
  static constexpr std::uint32_t count = sizeof(Real) / sizeof(double);

  /// As OneNode::exceeds: numbers that are not negative compare as their bits do.
  SPACEMOE_BODY static Real exceeds(Real const& a, Real const& b) {
    using Bits = decltype(a > b);
    return reinterpret_cast<Real>((reinterpret_cast<Bits>(b) - reinterpret_cast<Bits>(a)) >> 63 &
                                  reinterpret_cast<Bits>(Real{} + 1.0));
  }
  SPACEMOE_BODY static double total(Real const& nodes) { return sum_of(nodes); }
  SPACEMOE_BODY static Real loaded(double const* numbers) {
    Real nodes;
    __builtin_memcpy(&nodes, numbers, sizeof nodes);
    return nodes;
  }
  SPACEMOE_BODY static void store(Real const& nodes, double* numbers) {
    __builtin_memcpy(numbers, &nodes, sizeof nodes);
  }
};

}  // namespace spacemoe
