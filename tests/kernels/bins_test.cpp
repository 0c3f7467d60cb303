#include "kernels/bins.hpp"

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

TEST(Bins, EveryBinContainsItsBoundsAndNothingElse) {
  for (std::uint32_t bin = 0; bin + 1 < bin_count; ++bin) {
    ASSERT_EQ(bin_of(bin_lower(bin)), bin);
    ASSERT_EQ(bin_of(bin_lower(bin + 1) - 1), bin);
  }
  EXPECT_EQ(bin_of(~std::uint64_t{0}), bin_count - 1);
}

TEST(Bins, AreExactUpToNineBitsAndThenAtMostFourPerMilleWide) {
  for (std::uint64_t ns = 0; ns < 512; ++ns) ASSERT_EQ(bin_lower(bin_of(ns)), ns);
  for (std::uint32_t bin = 512; bin + 1 < bin_count; ++bin) {
    auto const lower = static_cast<double>(bin_lower(bin));
    ASSERT_LE((static_cast<double>(bin_lower(bin + 1)) - lower) / lower, 1.0 / 256);
  }
}

TEST(Bins, KnownValues) {
  EXPECT_EQ(bin_of(512), 512u);
  EXPECT_EQ(bin_of(513), 512u);
  EXPECT_EQ(bin_of(514), 513u);
  EXPECT_EQ(bin_of(1023), 767u);
  EXPECT_EQ(bin_of(1024), 768u);
  EXPECT_EQ(bin_lower(768), 1024u);
  EXPECT_EQ(bin_lower(769), 1028u);
}

}  // namespace
}  // namespace spacemoe
