#include <algorithm>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "host/network/network.hpp"
#include "tests/network/shells.hpp"

namespace spacemoe {
namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

std::set<Pair> links_of(Wiring const& wiring) {
  std::set<Pair> pairs;
  for (Link const& link : wiring.links) {
    pairs.insert({static_cast<std::uint32_t>(link.a), static_cast<std::uint32_t>(link.b)});
  }
  return pairs;
}

void add_unless_same(std::set<Pair>& pairs, std::uint32_t a, std::uint32_t b) {
  if (a != b) pairs.insert(std::minmax(a, b));
}

/// The links that the grids speak of.
std::set<Pair> links_by_grids(Wiring const& wiring) {
  std::set<Pair> pairs;
  for (RingGrid const& grid : wiring.grids) {
    std::uint32_t const slots = grid.satellites_per_plane;
    for (std::uint32_t plane = 0; plane < grid.planes; ++plane) {
      std::uint32_t const here = grid.first + plane * slots;
      std::uint32_t const there = grid.first + (plane + 1) % grid.planes * slots;
      for (std::uint32_t slot = 0; slot < slots; ++slot) {
        add_unless_same(pairs, here + slot, here + (slot + 1) % slots);
        if (plane >= grid.slot_offset.size()) continue;
        add_unless_same(pairs, here + slot, there + (slot + grid.slot_offset[plane]) % slots);
      }
    }
  }
  return pairs;
}

TEST(RingGrid, SpeaksOfEveryLinkAndOfNoOther) {
  for (auto const seam : {Seam::cut, Seam::wrap, Seam::wrap_phased}) {
    for (auto const partner : {InterPlanePartner::same_slot, InterPlanePartner::nearest_phase}) {
      for (std::uint32_t const planes : {1u, 2u, 3u, 8u}) {
        for (std::uint32_t const slots : {1u, 2u, 3u, 7u}) {
          LinkRules rules = with_seam(seam);
          rules.inter_plane_partner = partner;
          Network const network(on_sphere(shell(planes, slots, planes - 1)), rules, Seed{1});
          Wiring const& wiring = network.wiring();
          ASSERT_EQ(wiring.grids.size(), 1u);
          EXPECT_EQ(links_by_grids(wiring), links_of(wiring)) << planes << " planes of " << slots;
        }
      }
    }
  }
}

TEST(RingGrid, OneForEveryShell) {
  Constellation constellation = on_sphere(shell(5, 7, 2));
  constellation.shells.push_back(shell(3, 4, 1));
  Network const network(constellation, with_seam(Seam::wrap_phased), Seed{1});
  Wiring const& wiring = network.wiring();
  ASSERT_EQ(wiring.grids.size(), 2u);
  EXPECT_EQ(wiring.grids[0].first, 0u);
  EXPECT_EQ(wiring.grids[1].first, 35u);
  EXPECT_EQ(links_by_grids(wiring), links_of(wiring));
}

TEST(RingGrid, NoneInAListedNetwork) {
  Network const network(3, {{satellite(0), satellite(1), 5}}, {}, Seed{1});
  EXPECT_TRUE(network.wiring().grids.empty());
}

}  // namespace
}  // namespace spacemoe
