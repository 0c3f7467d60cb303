#pragma once

#include <cstdint>

#include "host/simd.hpp"
#include "kernels/latency.hpp"

namespace spacemoe {

/// A register of latencies that is `bytes` wide.
template <std::uint32_t bytes>
struct RegisterOf;
template <>
struct RegisterOf<16> {
  using Type [[gnu::vector_size(16), gnu::may_alias]] = Nanoseconds;
};
template <>
struct RegisterOf<32> {
  using Type [[gnu::vector_size(32), gnu::may_alias]] = Nanoseconds;
};
template <>
struct RegisterOf<64> {
  using Type [[gnu::vector_size(64), gnu::may_alias]] = Nanoseconds;
};

/// Latencies [ns] of one satellite from `width` sources, side by side in registers of `bytes` bytes.
template <std::uint32_t bytes, std::uint32_t width>
class Lanes {
  using Register = typename RegisterOf<bytes>::Type;
  static constexpr std::uint32_t registers = width * sizeof(Nanoseconds) / bytes;

 public:
  SPACEMOE_BODY static Lanes from(Nanoseconds const* row) {
    Lanes lanes;
    for (std::uint32_t r = 0; r < registers; ++r) lanes.part_[r] = reinterpret_cast<Register const*>(row)[r];
    return lanes;
  }
  SPACEMOE_BODY static Lanes all(Nanoseconds latency) {
    Lanes lanes;
    for (auto& part : lanes.part_) part = Register{} + latency;
    return lanes;
  }
  SPACEMOE_BODY void store(Nanoseconds* row) const {
    for (std::uint32_t r = 0; r < registers; ++r) reinterpret_cast<Register*>(row)[r] = part_[r];
  }
  /// Fetches a row that will soon be stored.
  SPACEMOE_BODY static void prefetch(Nanoseconds const* row) {
    constexpr std::uint32_t cache_line = 64 / sizeof(Nanoseconds);
    for (std::uint32_t lane = 0; lane < width; lane += cache_line) __builtin_prefetch(row + lane, 1);
  }

  /// Takes the way through a neighbour where it is shorter; relax() of kernels/latency.hpp in every lane.
  SPACEMOE_BODY void relax(Lanes const& neighbor, Nanoseconds link) {
    for (std::uint32_t r = 0; r < registers; ++r) {
      Register const offered = neighbor.part_[r] + link;
      part_[r] = offered < part_[r] ? offered : part_[r];
    }
  }

  /// Remembers whether any lane changed.
  class Changes {
   public:
    SPACEMOE_BODY void note(Lanes const& before, Lanes const& after) {
      for (std::uint32_t r = 0; r < registers; ++r) bits_ |= before.part_[r] ^ after.part_[r];
    }
    SPACEMOE_BODY bool any() const {
      Nanoseconds bits = 0;
      for (std::uint32_t i = 0; i < bytes / sizeof(Nanoseconds); ++i) bits |= bits_[i];
      return bits != 0;
    }

   private:
    Register bits_{};
  };

  SPACEMOE_BODY static bool differ(Lanes const& a, Lanes const& b) {
    Changes changes;
    changes.note(a, b);
    return changes.any();
  }

 private:
  Register part_[registers];
};

}  // namespace spacemoe
