#include "host/io/hdf5_slabs.hpp"

#include <utility>

#include <gmock/gmock.h>

namespace spacemoe::hdf5 {
namespace {

using testing::ElementsAre;

/// Where the slab lies in the order of all values: its first and its number of values.
std::pair<std::size_t, std::size_t> extent_of(Slabs const& slabs, Shape const& lengths) {
  Dataspace const space = slabs.in_file();
  Shape first(lengths.size());
  Shape last(lengths.size());
  check(H5Sget_select_bounds(space, first.data(), last.data()));
  std::size_t begin = 0;
  std::size_t end = 0;
  for (std::size_t axis = 0; axis < lengths.size(); ++axis) {
    begin = begin * lengths[axis] + first[axis];
    end = end * lengths[axis] + last[axis];
  }
  auto const count = static_cast<std::size_t>(check(H5Sget_select_npoints(space)));
  EXPECT_EQ(end - begin + 1, count) << "values of a slab do not follow one another";
  EXPECT_EQ(H5Sget_select_npoints(slabs.in_memory()), static_cast<hssize_t>(count));
  EXPECT_EQ(slabs.count(), count);
  return {begin, count};
}

TEST(Slabs, HoldAllValuesInOrder) {
  constexpr std::size_t most_values = 10;
  constexpr std::size_t number_bytes = (std::size_t{1} << 20) / most_values;
  std::vector<Shape> const shapes{{1},       {10},      {11},       {95},         {4, 3},         {3, 10},
                                  {3, 11},   {3, 5, 2}, {3, 7, 2},  {2, 3, 4, 5}, {1, 1, 25},     {25, 1, 1},
                                  {2, 1, 9}, {7, 2, 3}, {2, 2, 40}, {3, 4, 1, 6}, {2, 2, 2, 2, 2}};
  for (Shape const& lengths : shapes) {
    std::size_t next = 0;
    std::size_t slabs_seen = 0;
    for (Slabs slabs(lengths, number_bytes); !slabs.at_end(); slabs.advance(), ++slabs_seen) {
      auto const [begin, count] = extent_of(slabs, lengths);
      ASSERT_EQ(begin, next) << testing::PrintToString(lengths);
      ASSERT_LE(count, most_values) << testing::PrintToString(lengths);
      next += count;
    }
    EXPECT_EQ(next, product(lengths)) << testing::PrintToString(lengths);
    if (product(lengths) <= most_values) {
      EXPECT_EQ(slabs_seen, 1u) << testing::PrintToString(lengths);
    }
  }
}

TEST(Slabs, AreAsLargeAsTheyMayBe) {
  constexpr std::size_t number_bytes = (std::size_t{1} << 20) / 10;
  EXPECT_THAT(slab_shape({3, 7, 2}, number_bytes), ElementsAre(1, 5, 2));
  EXPECT_THAT(slab_shape({9, 3, 2}, number_bytes), ElementsAre(1, 3, 2));
  EXPECT_THAT(slab_shape({2, 2, 40}, number_bytes), ElementsAre(1, 1, 10));
  EXPECT_THAT(slab_shape({3, 3}, number_bytes), ElementsAre(3, 3));
}

TEST(Slabs, AnArrayWithoutAxesHasOneValue) {
  Slabs slabs({}, 8);
  EXPECT_FALSE(slabs.at_end());
  EXPECT_EQ(slabs.count(), 1u);
  slabs.advance();
  EXPECT_TRUE(slabs.at_end());
}

}  // namespace
}  // namespace spacemoe::hdf5
