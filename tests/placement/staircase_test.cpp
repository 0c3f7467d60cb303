#include "host/placement/staircase.hpp"

#include <cstdlib>
#include <optional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spacemoe {
namespace {

struct GridPoint {
  std::int64_t plane, slot;
};

/// Planes side by side that do not close, slots in rings: one hop each.
struct Grid {
  RingShell ring;

  std::int64_t planes() const { return ring.planes; }
  std::int64_t slots() const { return ring.satellites_per_plane; }
  GridPoint at(SatelliteId id) const {
    auto const number = static_cast<std::int64_t>(index(id) - index(ring.first));
    return {number / slots(), number % slots()};
  }
  std::int64_t planes_between(SatelliteId a, SatelliteId b) const {
    return std::abs(at(a).plane - at(b).plane);
  }
  std::int64_t slots_between(SatelliteId a, SatelliteId b) const {
    std::int64_t const apart = std::abs(at(a).slot - at(b).slot);
    return std::min(apart, slots() - apart);
  }
  std::int64_t hops(SatelliteId a, SatelliteId b) const { return planes_between(a, b) + slots_between(a, b); }
};

/// Satellites on shortest paths between two, both included.
std::set<SatelliteId> rectangle(Grid const& grid, SatelliteId a, SatelliteId b) {
  std::set<SatelliteId> inside;
  for (std::size_t i = 0; i < static_cast<std::size_t>(grid.planes() * grid.slots()); ++i) {
    SatelliteId const id = satellite(index(grid.ring.first) + i);
    if (grid.hops(a, id) + grid.hops(id, b) == grid.hops(a, b)) inside.insert(id);
  }
  return inside;
}

SatelliteId next(std::vector<SatelliteId> const& loop, std::size_t layer) {
  return loop[(layer + 1) % loop.size()];
}

TEST(StaircaseLoops, StayInTheShellAndCloseInSmallSteps) {
  for (std::uint32_t const planes : {1u, 2u, 3u, 9u, 33u}) {
    for (std::uint32_t const slots : {1u, 2u, 7u, 22u}) {
      for (std::uint32_t const layers : {1u, 2u, 3u, 5u, 32u, 58u}) {
        for (std::uint32_t const hosts : {1u, 8u, 64u}) {
          Grid const grid{{satellite(1000), planes, slots}};
          for (auto const& loop : staircase_loops(grid.ring, layers, hosts)) {
            ASSERT_EQ(loop.size(), layers);
            for (std::size_t l = 0; l < layers; ++l) {
              ASSERT_GE(index(loop[l]), 1000u);
              ASSERT_LT(index(loop[l]), 1000u + planes * slots);
              // No side is longer than 2/3 of the hops of a rectangle of 65 satellites (15), or once around
              // the orbit shared out among the layers.
              EXPECT_LE(grid.planes_between(loop[l], next(loop, l)), 10);
              EXPECT_LE(grid.slots_between(loop[l], next(loop, l)), std::max(10u, slots / layers + 1));
            }
          }
        }
      }
    }
  }
}

TEST(StaircaseLoops, OfThePaperAreThreeOutAndBackOneAroundAndOneSingle) {
  Grid const grid{{satellite(0), 33, 32}};
  auto const loops = staircase_loops(grid.ring, 32, 8);
  ASSERT_EQ(loops.size(), 5u);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t l = 0; l < 32; ++l) {
      EXPECT_EQ(grid.planes_between(loops[i][l], next(loops[i], l)), 2) << i;
      EXPECT_EQ(grid.slots_between(loops[i][l], next(loops[i], l)), 2) << i;
      EXPECT_EQ(rectangle(grid, loops[i][l], next(loops[i], l)).size(), 9u);
    }
  }
  EXPECT_EQ(std::set<SatelliteId>(loops[4].begin(), loops[4].end()).size(), 1u);
}

// Out and back two steps apart: 32 rectangles of nine satellites, of which consecutive ones share the gateway
// and, at the four turns, two more.
TEST(StaircaseLoops, KeepTheWayBackOffTheWayOut) {
  Grid const grid{{satellite(0), 33, 40}};
  auto const loop = staircase_loops(grid.ring, 32, 8)[1];
  std::set<SatelliteId> all;
  for (std::size_t l = 0; l < 32; ++l) all.merge(rectangle(grid, loop[l], next(loop, l)));
  EXPECT_EQ(all.size(), 32u * 9 - 32 - 4 * 2);
}

TEST(StaircaseLoops, FoldWherePlanesAreFew) {
  Grid const grid{{satellite(0), 5, 64}};
  auto const loops = staircase_loops(grid.ring, 32, 8);
  std::set<std::int64_t> planes;
  for (std::size_t l = 0; l < 32; ++l) {
    planes.insert(grid.at(loops[0][l]).plane);
    EXPECT_EQ(grid.planes_between(loops[0][l], next(loops[0], l)), 2);
  }
  EXPECT_THAT(planes, ::testing::ElementsAre(0, 2, 4));
}

/// Plans on the grid: a millisecond per hop, in each of two slots.
class StaircaseOnGrid : public ::testing::Test {
 protected:
  Placement plan(std::uint32_t planes, std::uint32_t slots, std::uint32_t layers, std::uint32_t experts,
                 std::uint32_t capacity, double expert_ms) {
    grid_ = {{satellite(0), planes, slots}};
    ComputeSpec spec;
    spec.expert_ms = {expert_ms};
    spec.gateway_ms = {0};
    spec.head_ms = 0;
    ComputeTimes const compute{MoeModel{}, spec};
    ActivationWeights const weights = uniform_weights(layers, experts);
    PlanningContext context;
    context.limits.satellites = planes * slots;
    context.limits.capacity = capacity;
    context.ring = grid_.ring;
    context.weights = &weights;
    context.compute = &compute;
    context.top_k = 2;
    context.slots = 2;
    context.expected_latencies = [&](std::span<SatelliteId const> sources) {
      std::vector<std::vector<std::uint64_t>> rows(sources.size());
      for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::size_t s = 0; s < context.limits.satellites; ++s) {
          rows[i].push_back(2'000'000 * static_cast<std::uint64_t>(grid_.hops(sources[i], satellite(s))));
        }
      }
      return rows;
    };
    Placement const placement = spacemoe::plan(Strategy::staircase, context, 0);
    EXPECT_EQ(spacemoe::plan(Strategy::staircase, context, 0), placement);
    EXPECT_THAT(problems(placement, context.limits), ::testing::IsEmpty());
    return placement;
  }

  /// Hops from a layer's gateway over an expert's host to the next gateway.
  std::int64_t hops(Placement const& placement, std::uint32_t layer, std::uint32_t expert) const {
    SatelliteId const host = placement.host_of(layer, expert);
    return grid_.hops(placement.gateway[layer], host) + grid_.hops(host, placement.next_gateway(layer));
  }

  static std::size_t hosts_of(Placement const& placement, std::uint32_t layer) {
    auto const begin = placement.host.begin() + layer * placement.experts;
    return std::set<SatelliteId>(begin, begin + placement.experts).size();
  }

  Grid grid_;
};

TEST_F(StaircaseOnGrid, PutsSevenOfEightInsideAndOneBeside) {
  Placement const placement = plan(33, 64, 32, 8, 1, 0);
  int inside = 0;
  for (std::uint32_t l = 0; l < 32; ++l) {
    for (std::uint32_t e = 0; e < 8; ++e) {
      EXPECT_LE(hops(placement, l, e), 6) << l;
      inside += hops(placement, l, e) == 4;
    }
  }
  // At each of four turns, consecutive rectangles share an edge, and so two places.
  EXPECT_LE(inside, 32 * 7);
  EXPECT_GE(inside, 32 * 7 - 4 * 2);
}

TEST_F(StaircaseOnGrid, KeepsASingleExpertOnTheWay) {
  Placement const placement = plan(9, 9, 8, 1, 1, 0);
  for (std::uint32_t l = 0; l < 8; ++l) {
    EXPECT_EQ(hops(placement, l, 0), 2) << l;
  }
}

TEST_F(StaircaseOnGrid, FillsSatellitesUnlessQueuesCostMore) {
  Placement const quick = plan(17, 17, 4, 16, 4, 0.001);
  Placement const slow = plan(17, 17, 4, 16, 4, 1000);
  for (std::uint32_t l = 0; l < 4; ++l) {
    EXPECT_EQ(hosts_of(quick, l), 4u) << l;
    EXPECT_EQ(hosts_of(slow, l), 16u) << l;
  }
}

TEST_F(StaircaseOnGrid, GathersAllGatewaysWhereRoomIsScarce) {
  // Eight places for eight experts, if all layers share their gateway.
  Placement const placement = plan(3, 3, 4, 2, 1, 0);
  EXPECT_EQ(std::set<SatelliteId>(placement.gateway.begin(), placement.gateway.end()).size(), 1u);
}

TEST_F(StaircaseOnGrid, TakesFewLayersAndNarrowShells) {
  for (std::uint32_t const layers : {1u, 2u, 3u, 7u}) {
    for (std::uint32_t const planes : {1u, 2u, 6u}) plan(planes, 40, layers, 5, 1, 1);
  }
}

}  // namespace
}  // namespace spacemoe
