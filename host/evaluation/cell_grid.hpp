#pragma once

#include <cstdint>

namespace spacemoe {

/// How the tokens of a strategy spread over its cells (placement, slot): evenly, the remainder to the first
/// cells. The tokens of a slot are numbered through its placements, so that a token's address is (slot, index
/// in slot) and strategies share draws.
class CellGrid {
 public:
  CellGrid(std::uint64_t tokens, std::uint32_t placements, std::uint32_t slots)
      : base_(tokens / (std::uint64_t{placements} * slots)),
        remainder_(tokens % (std::uint64_t{placements} * slots)),
        placements_(placements),
        slots_(slots) {}

  std::uint32_t placements() const { return placements_; }
  std::uint32_t slots() const { return slots_; }
  std::uint64_t cells() const { return std::uint64_t{placements_} * slots_; }

  std::uint64_t cell(std::uint32_t placement, std::uint32_t slot) const {
    return std::uint64_t{placement} * slots_ + slot;
  }
  std::uint64_t tokens(std::uint32_t placement, std::uint32_t slot) const {
    return base_ + (cell(placement, slot) < remainder_ ? 1 : 0);
  }
  /// Index in its slot of the first token of a cell.
  std::uint64_t first_token(std::uint32_t placement, std::uint32_t slot) const {
    std::uint64_t first = 0;
    for (std::uint32_t p = 0; p < placement; ++p) first += tokens(p, slot);
    return first;
  }

 private:
  std::uint64_t base_;
  std::uint64_t remainder_;
  std::uint32_t placements_;
  std::uint32_t slots_;
};

}  // namespace spacemoe
