#include "host/sweep/axes.hpp"

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

using Position = std::vector<std::size_t>;

std::vector<SweepAxis> two_axes() {
  return {{{"altitude_km", "km", {550, 1200.5}, {}}, {}},
          {{"model", "1", {}, {"mixtral", "olmoe", "kimi"}}, {}}};
}

TEST(Axes, PointsCountAlongTheLastAxisFirst) {
  auto const axes = two_axes();
  ASSERT_EQ(points(axes), 6u);
  EXPECT_EQ(position(axes, 0), (Position{0, 0}));
  EXPECT_EQ(position(axes, 2), (Position{0, 2}));
  EXPECT_EQ(position(axes, 3), (Position{1, 0}));
  EXPECT_EQ(position(axes, 5), (Position{1, 2}));
}

TEST(Axes, WithoutAnyThereIsOnePoint) {
  EXPECT_EQ(points({}), 1u);
  EXPECT_EQ(position({}, 0), Position{});
  EXPECT_EQ(point_text({}, 0), "the only point");
}

TEST(Axes, PointsAreNamedByWhatStandsThere) {
  EXPECT_EQ(point_text(two_axes(), 4), "altitude_km = 1200.5, model = olmoe");
}

}  // namespace
}  // namespace spacemoe
