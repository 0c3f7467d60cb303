#include "kernels/latency.hpp"

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

TEST(Latency, SumsAreClippedNotWrapped) {
  EXPECT_EQ(add_latency(1, 2), 3u);
  EXPECT_EQ(add_latency(unreachable, 0), unreachable);
  EXPECT_EQ(add_latency(unreachable, unreachable), unreachable);
  EXPECT_EQ(add_latency(unreachable - 1, 1), unreachable);
  EXPECT_EQ(add_latency(unreachable - 2, 1), unreachable - 1);
}

TEST(Latency, RelaxTakesTheBetterOffer) {
  EXPECT_EQ(relax(10, 3, 4), 7u);
  EXPECT_EQ(relax(6, 3, 4), 6u);
  EXPECT_EQ(relax(unreachable, 3, 4), 7u);
}

TEST(Latency, UnreachableNeighboursAndMissingLinksNeverImprove) {
  EXPECT_EQ(relax(unreachable, unreachable, 1), unreachable);
  EXPECT_EQ(relax(unreachable, 5, unreachable), unreachable);
  EXPECT_EQ(relax(9, unreachable, unreachable), 9u);
}

}  // namespace
}  // namespace spacemoe
