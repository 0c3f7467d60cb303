#include "kernels/ring_sweep.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/plane_rows.hpp"

namespace spacemoe {
namespace {

constexpr std::uint32_t slots = 7;
constexpr std::uint32_t stride = 3;

using Latencies = std::vector<Nanoseconds>;

/// Links of a plane; each is missing with a chance of one in five, and may cost more one way than the other.
std::vector<GridLinks> random_links(std::uint32_t seed) {
  std::mt19937 random(seed);
  auto const latency = [&] {
    return random() % 5 == 0 ? unreachable : static_cast<Nanoseconds>(1 + random() % 1000);
  };
  std::vector<GridLinks> links(slots);
  for (auto& link : links) link = {latency(), latency(), latency(), latency()};
  return links;
}

Latencies random_latencies(std::uint32_t seed) {
  std::mt19937 random(seed);
  Latencies row(slots);
  for (auto& latency : row) {
    latency = random() % 3 == 0 ? unreachable : static_cast<Nanoseconds>(random() % 3000);
  }
  return row;
}

/// Bellman-Ford within a plane, one link at a time.
Latencies closed(Latencies row, std::vector<GridLinks> const& links) {
  for (std::uint32_t round = 0; round < slots; ++round) {
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      std::uint32_t const next = (slot + 1) % slots;
      row[next] = std::min(row[next], add_latency(row[slot], links[next].previous_in_plane));
      row[slot] = std::min(row[slot], add_latency(row[next], links[slot].next_in_plane));
    }
  }
  return row;
}

/// What each slot of a plane is offered by the one before it that way.
Latencies offered(Latencies const& from, std::uint32_t first_slot, std::vector<GridLinks> const& links,
                  Way way) {
  Latencies row;
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    Nanoseconds const link = way == Way::forward ? links[slot].previous_plane : links[slot].next_plane;
    row.push_back(add_latency(from[(slot + first_slot) % slots], link));
  }
  return row;
}

/// A row in memory, with other rows between its latencies.
struct Memory {
  explicit Memory(Latencies const& latencies) : memory(slots * stride, 12345) {
    for (std::uint32_t slot = 0; slot < slots; ++slot) row()[slot] = latencies[slot];
  }
  StridedRow row() { return {memory.data() + 1, stride, slots}; }

  Latencies memory;
};

template <class Row>
void fill(Row& row, Latencies const& latencies) {
  for (std::uint32_t slot = 0; slot < row.slots(); ++slot) row[slot] = latencies[slot];
}

template <class Row>
Latencies read(Row& row) {
  Latencies latencies;
  for (std::uint32_t slot = 0; slot < slots; ++slot) latencies.push_back(row[slot]);
  return latencies;
}

TEST(RingSweep, ClosesRings) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    auto const links = random_links(seed);
    auto const before = random_latencies(seed + 1000);
    Memory memory(before);
    auto row = memory.row();
    close_ring(row, links.data());
    ASSERT_EQ(read(row), closed(before, links)) << "seed " << seed;
    for (std::size_t i = 0; i < memory.memory.size(); ++i) {
      if (i % stride == 1) continue;
      ASSERT_EQ(memory.memory[i], 12345u);
    }
  }
}

TEST(RingSweep, EntersPlanes) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    auto const links = random_links(seed);
    auto const before = random_latencies(seed + 1000);
    std::uint32_t const first_slot = seed % slots;
    Way const way = seed % 2 == 0 ? Way::forward : Way::backward;
    RegisterRow<slots> row;
    fill(row, before);
    row.turn(first_slot);
    enter_plane(row, links.data(), way, false);
    ASSERT_EQ(read(row), closed(offered(before, first_slot, links, way), links)) << "seed " << seed;
  }
}

TEST(RingSweep, StartsInPlanes) {
  auto const links = random_links(5);
  Latencies source(slots, unreachable);
  source[4] = 0;
  RegisterRow<slots> row;
  fill(row, source);
  enter_plane(row, links.data(), Way::forward, true);
  EXPECT_EQ(read(row), closed(source, links));
}

TEST(RingSweep, OffersWhatIsBetter) {
  std::uint32_t gains = 0;
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    std::uint32_t const first_slot = seed % slots;
    Way const way = seed % 2 == 0 ? Way::forward : Way::backward;
    auto const links = random_links(seed);
    auto const plane = random_latencies(seed + 2000);
    auto const next = random_latencies(seed + 3000);
    auto expected = offered(plane, first_slot, links, way);
    for (std::uint32_t slot = 0; slot < slots; ++slot) expected[slot] = std::min(expected[slot], next[slot]);

    Memory memory(plane);
    RegisterRow<slots> row;
    fill(row, next);
    ASSERT_EQ(offer(memory.row(), first_slot, row, links.data(), way), expected != next) << "seed " << seed;
    ASSERT_EQ(read(row), expected) << "seed " << seed;
    if (expected != next) ++gains;
  }
  EXPECT_GT(gains, 0u);
  EXPECT_LT(gains, 200u);
}

TEST(RingSweep, LooksBackAsAnOfferWould) {
  std::uint32_t gains = 0;
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    std::uint32_t const first_slot = seed % slots;
    Way const way = seed % 2 == 0 ? Way::forward : Way::backward;
    auto const links = random_links(seed);
    auto const plane = random_latencies(seed + 2000);
    auto const next = random_latencies(seed + 3000);
    Memory memory(next);
    RegisterRow<slots> row;
    fill(row, plane);
    // The other way round, slot 0 of the plane is reached from the slot that its own slot 0 leads to.
    bool const expected = offer(memory.row(), (slots - first_slot) % slots, row, links.data(), opposite(way));

    RegisterRow<slots> turned;
    fill(turned, plane);
    turned.turn(first_slot);
    RegisterRow<slots> next_row;
    fill(next_row, next);
    ASSERT_EQ(gains_from_next(turned, links.data(), first_slot, next_row, way), expected) << "seed " << seed;
    if (expected) ++gains;
  }
  EXPECT_GT(gains, 0u);
  EXPECT_LT(gains, 200u);
}

TEST(RingSweep, KnowsTheGreatestFiniteLatency) {
  RegisterRow<4> row;
  fill(row, {5, unreachable, 70, 6});
  EXPECT_EQ(greatest_finite(row), 70u);
}

TEST(RingSweep, NothingIsGreatestWhereNothingIsReached) {
  RegisterRow<3> row;
  for (std::uint32_t slot = 0; slot < 3; ++slot) row[slot] = unreachable;
  EXPECT_EQ(greatest_finite(row), 0u);
}

TEST(PlaneRows, Turn) {
  for (std::uint32_t first = 0; first < slots; ++first) {
    Latencies memory(slots * stride);
    StridedRow in_memory(memory.data(), stride, slots);
    RegisterRow<slots> registers;
    Latencies const latencies{10, 11, 12, 13, 14, 15, 16};
    fill(in_memory, latencies);
    fill(registers, latencies);
    for (std::uint32_t turns = 1; turns <= 3; ++turns) {
      in_memory.turn(first);
      registers.turn(first);
      for (std::uint32_t slot = 0; slot < slots; ++slot) {
        ASSERT_EQ(in_memory[slot], 10 + (slot + turns * first) % slots);
        ASSERT_EQ(registers[slot], 10 + (slot + turns * first) % slots);
      }
    }
  }
}

TEST(GridView, NamesNeighboursInCirclesAndRows) {
  std::array<std::uint32_t, 3> const offsets{0, 2, 5};
  GridView const circle{10, 3, slots, offsets};
  EXPECT_TRUE(circle.is_circle());
  EXPECT_EQ(circle.next(2, Way::forward), 0u);
  EXPECT_EQ(circle.next(0, Way::backward), 2u);
  EXPECT_TRUE(circle.has_next(2, Way::forward));
  EXPECT_EQ(circle.first_slot(0, Way::forward), 0u);
  EXPECT_EQ(circle.first_slot(1, Way::forward), slots - 2);  // + 2 is slot 0 of plane 2
  EXPECT_EQ(circle.first_slot(0, Way::backward), 5u);        // slot 0 of plane 2 leads to slot 5 of plane 0
  EXPECT_EQ(circle.node(2), 10 + 2 * slots);

  GridView const row{0, 3, slots, {offsets.data(), 2}};
  EXPECT_FALSE(row.is_circle());
  EXPECT_FALSE(row.has_next(2, Way::forward));
  EXPECT_FALSE(row.has_next(0, Way::backward));
  EXPECT_TRUE(row.has_next(2, Way::backward));
}

}  // namespace
}  // namespace spacemoe
