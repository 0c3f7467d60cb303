#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/latency.hpp"

// Where the latencies of a plane's satellites from one source are kept: rows as ring_sweep.hpp takes them.

namespace spacemoe {

/// In memory, some distance apart.
class StridedRow {
 public:
  SPACEMOE_FN constexpr StridedRow(Nanoseconds* first, std::size_t stride, std::uint32_t slots)
      : first_(first), stride_(stride), slots_(slots) {}

  SPACEMOE_FN constexpr Nanoseconds& operator[](std::uint32_t slot) const {
    return first_[std::size_t{slot} * stride_];
  }
  SPACEMOE_FN constexpr std::uint32_t slots() const { return slots_; }

  SPACEMOE_FN constexpr Nanoseconds* first() const { return first_; }
  SPACEMOE_FN constexpr std::size_t stride() const { return stride_; }

  /// Makes slot `first` slot 0; the others follow.
  SPACEMOE_FN constexpr void turn(std::uint32_t first) const {
    if (first == 0) return;
    reverse(0, first);
    reverse(first, slots_);
    reverse(0, slots_);
  }

 private:
  SPACEMOE_FN constexpr void reverse(std::uint32_t begin, std::uint32_t end) const {
    for (; begin + 1 < end; ++begin, --end) {
      Nanoseconds const moved = (*this)[begin];
      (*this)[begin] = (*this)[end - 1];
      (*this)[end - 1] = moved;
    }
  }

  Nanoseconds* first_;
  std::size_t stride_;
  std::uint32_t slots_;
};

/// In registers, once all loops over its slots are unrolled.
template <std::uint32_t slot_count>
class RegisterRow {
 public:
  SPACEMOE_FN constexpr Nanoseconds& operator[](std::uint32_t slot) { return latency_[slot]; }
  static SPACEMOE_FN constexpr std::uint32_t slots() { return slot_count; }

  /// Makes slot `first` slot 0; the others follow.
  SPACEMOE_FN constexpr void turn(std::uint32_t first) { turn_by<1>(first); }

 private:
  /// Turns by the bits of `first` from `step` up, since registers cannot be indexed.
  template <std::uint32_t step>
  SPACEMOE_FN constexpr void turn_by(std::uint32_t first) {
    if constexpr (step < slot_count) {
      if ((first & step) != 0) {
        Nanoseconds turned[slot_count]{};
        SPACEMOE_UNROLL
        for (std::uint32_t slot = 0; slot < slot_count; ++slot) {
          turned[slot] = latency_[(slot + step) % slot_count];
        }
        SPACEMOE_UNROLL
        for (std::uint32_t slot = 0; slot < slot_count; ++slot) latency_[slot] = turned[slot];
      }
      turn_by<2 * step>(first);
    }
  }

  Nanoseconds latency_[slot_count]{};
};

}  // namespace spacemoe
