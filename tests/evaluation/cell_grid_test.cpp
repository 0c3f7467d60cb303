#include "host/evaluation/cell_grid.hpp"

#include <set>
#include <utility>

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

TEST(CellGrid, SpreadsTokensEvenlyWithTheRemainderFirst) {
  CellGrid const grid(17, 2, 3);
  EXPECT_EQ(grid.cells(), 6u);
  std::uint64_t total = 0;
  for (std::uint32_t p = 0; p < 2; ++p) {
    for (std::uint32_t s = 0; s < 3; ++s) {
      EXPECT_EQ(grid.tokens(p, s), grid.cell(p, s) < 5 ? 3u : 2u);
      total += grid.tokens(p, s);
    }
  }
  EXPECT_EQ(total, 17u);
}

TEST(CellGrid, NumbersTheTokensOfASlotWithoutGapsOrRepeats) {
  CellGrid const grid(101, 4, 7);
  std::set<std::pair<std::uint32_t, std::uint64_t>> addresses;
  for (std::uint32_t s = 0; s < 7; ++s) {
    std::uint64_t next = 0;
    for (std::uint32_t p = 0; p < 4; ++p) {
      EXPECT_EQ(grid.first_token(p, s), next);
      for (std::uint64_t i = 0; i < grid.tokens(p, s); ++i) addresses.insert({s, next++});
    }
  }
  EXPECT_EQ(addresses.size(), 101u);
}

TEST(CellGrid, LeavesCellsEmptyWhenThereAreFewTokens) {
  CellGrid const grid(2, 1, 5);
  EXPECT_EQ(grid.tokens(0, 1), 1u);
  EXPECT_EQ(grid.tokens(0, 2), 0u);
}

}  // namespace
}  // namespace spacemoe
