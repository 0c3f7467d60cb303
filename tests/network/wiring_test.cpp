#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "host/network/network.hpp"
#include "tests/network/shells.hpp"

namespace spacemoe {
namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

Wiring wiring(Shell const& one, LinkRules const& rules) {
  return Network(on_sphere(one), rules, Seed{1}).wiring();
}

std::uint32_t id(SatelliteId satellite) {
  return static_cast<std::uint32_t>(satellite);
}

std::set<Pair> pairs(Wiring const& wired, LinkKind kind) {
  std::set<Pair> result;
  for (Link const& link : wired.links) {
    if (link.kind == kind) result.insert({id(link.a), id(link.b)});
  }
  return result;
}

Pair sorted(std::uint32_t a, std::uint32_t b) {
  return {std::min(a, b), std::max(a, b)};
}

/// Slot offset of all links from the last plane to the first.
std::uint32_t seam_offset(Shell const& one, LinkRules const& rules) {
  Wiring const wired = wiring(one, rules);
  std::uint32_t const last = (one.planes - 1) * one.satellites_per_plane;
  std::uint32_t const offset = wired.neighbor[2 * wired.nodes + last];
  for (std::uint32_t slot = 0; slot < one.satellites_per_plane; ++slot) {
    EXPECT_EQ(wired.neighbor[2 * wired.nodes + last + slot], (slot + offset) % one.satellites_per_plane);
  }
  return offset;
}

std::uint32_t first_gap_offset(Shell const& one, LinkRules const& rules) {
  Wiring const wired = wiring(one, rules);
  return wired.neighbor[2 * wired.nodes] - one.satellites_per_plane;
}

LinkRules nearest_phase(Seam seam) {
  LinkRules rules = with_seam(seam);
  rules.inter_plane_partner = InterPlanePartner::nearest_phase;
  return rules;
}

/// Every link at both of its ends, nothing else in the table, each pair once.
void expect_consistent(Wiring const& wired) {
  std::set<Pair> seen;
  for (Link const& link : wired.links) {
    EXPECT_LT(id(link.a), id(link.b));
    EXPECT_LT(id(link.b), wired.nodes);
    EXPECT_TRUE(seen.insert({id(link.a), id(link.b)}).second);
  }
  ASSERT_EQ(wired.link.size(), std::size_t{wired.degree} * wired.nodes);
  ASSERT_EQ(wired.neighbor.size(), wired.link.size());
  std::size_t ends = 0;
  for (std::uint32_t port = 0; port < wired.degree; ++port) {
    for (std::uint32_t node = 0; node < wired.nodes; ++node) {
      std::uint32_t const link = wired.link[port * wired.nodes + node];
      std::uint32_t const neighbor = wired.neighbor[port * wired.nodes + node];
      if (link == Wiring::no_link) {
        EXPECT_EQ(neighbor, node);
        continue;
      }
      ++ends;
      ASSERT_LT(link, wired.links.size());
      EXPECT_EQ(sorted(node, neighbor), Pair(id(wired.links[link].a), id(wired.links[link].b)));
    }
  }
  EXPECT_EQ(ends, 2 * wired.links.size());
}

TEST(GridWiring, ThreePlanesOfFourByHand) {
  Wiring const wired = wiring(shell(3, 4, 2), with_seam(Seam::cut));
  EXPECT_EQ(pairs(wired, LinkKind::intra_plane), (std::set<Pair>{{0, 1},
                                                                 {1, 2},
                                                                 {2, 3},
                                                                 {0, 3},
                                                                 {4, 5},
                                                                 {5, 6},
                                                                 {6, 7},
                                                                 {4, 7},
                                                                 {8, 9},
                                                                 {9, 10},
                                                                 {10, 11},
                                                                 {8, 11}}));
  EXPECT_EQ(pairs(wired, LinkKind::inter_plane),
            (std::set<Pair>{{0, 4}, {1, 5}, {2, 6}, {3, 7}, {4, 8}, {5, 9}, {6, 10}, {7, 11}}));
  EXPECT_TRUE(pairs(wired, LinkKind::seam).empty());
  EXPECT_EQ(wired.links.size(), 20u);
}

TEST(GridWiring, SeamsByHand) {
  EXPECT_EQ(pairs(wiring(shell(3, 4, 1), with_seam(Seam::wrap)), LinkKind::seam),
            (std::set<Pair>{{0, 8}, {1, 9}, {2, 10}, {3, 11}}));
  // (2, s) to (0, s + 1).
  EXPECT_EQ(pairs(wiring(shell(3, 4, 1), with_seam(Seam::wrap_phased)), LinkKind::seam),
            (std::set<Pair>{{1, 8}, {2, 9}, {3, 10}, {0, 11}}));
}

TEST(GridWiring, PortsAreNextAndPreviousInPlaneThenOfPlanes) {
  for (auto const seam : {Seam::cut, Seam::wrap, Seam::wrap_phased}) {
    Wiring const wired = wiring(shell(5, 6, 3), with_seam(seam));
    expect_consistent(wired);
    ASSERT_EQ(wired.degree, 4u);
    for (std::uint32_t node = 0; node < 30; ++node) {
      std::uint32_t const plane = node / 6 * 6;
      EXPECT_EQ(wired.neighbor[node], plane + (node + 1) % 6);
      EXPECT_EQ(wired.neighbor[30 + node], plane + (node + 5) % 6);
      if (node < 24) {
        EXPECT_EQ(wired.neighbor[60 + node], node + 6);
        EXPECT_EQ(wired.neighbor[90 + node + 6], node);
      }
    }
    std::uint32_t const expected = seam == Seam::cut ? 0 : seam == Seam::wrap ? 24 : 24 + 3;
    EXPECT_EQ(wired.neighbor[90], expected);
  }
}

TEST(GridWiring, RingsOfOneOrTwoHaveNoDoubleOrSelfLinks) {
  for (std::uint32_t planes : {1u, 2u, 3u}) {
    for (std::uint32_t slots : {1u, 2u, 3u}) {
      for (auto const seam : {Seam::cut, Seam::wrap}) {
        Wiring const wired = wiring(shell(planes, slots, 0), with_seam(seam));
        expect_consistent(wired);
        std::uint32_t const in_a_plane = slots == 3 ? 3 : slots - 1;
        std::uint32_t const of_a_slot = planes == 3 && seam == Seam::wrap ? 3 : planes - 1;
        EXPECT_EQ(wired.links.size(), planes * in_a_plane + slots * of_a_slot) << planes << " x " << slots;
        EXPECT_EQ(pairs(wired, LinkKind::seam).size(), planes == 3 && seam == Seam::wrap ? slots : 0);
      }
    }
  }
}

TEST(GridWiring, TwoPlanesMeetTwiceOnlyWhereThePartnersDiffer) {
  Wiring const wired = wiring(shell(2, 3, 1), with_seam(Seam::wrap_phased));
  expect_consistent(wired);
  EXPECT_EQ(pairs(wired, LinkKind::inter_plane), (std::set<Pair>{{0, 3}, {1, 4}, {2, 5}}));
  EXPECT_EQ(pairs(wired, LinkKind::seam), (std::set<Pair>{{1, 3}, {2, 4}, {0, 5}}));
}

TEST(GridWiring, PhasedSeamIsAsLongAsAnyOtherGap) {
  // In a delta the gap behind the last plane is like the others, once its satellites are as far along.
  Shell const one = shell(7, 9, 4);
  Network const network(on_sphere(one), with_seam(Seam::wrap_phased), Seed{1});
  double const back_s = -phase_deg(one, 6) / 360 * period_s(on_sphere(one), one);
  Wiring const& wired = network.wiring();
  auto const gap = network.snapshot(0, 0, Purpose::evaluation_outage);
  auto const seam = network.snapshot(0, back_s, Purpose::evaluation_outage);
  for (std::uint32_t slot = 0; slot < 9; ++slot) {
    std::uint32_t const from_first = wired.link[2 * 63 + slot];
    std::uint32_t const from_last = wired.link[2 * 63 + 54 + slot];
    EXPECT_EQ(wired.links[from_last].kind, LinkKind::seam);
    EXPECT_NEAR(gap.length_km[from_first], seam.length_km[from_last], 1e-8);
  }
}

TEST(GridWiring, PhasedSeamOfAlternatingPlanesGoesToTheSameSlot) {
  Shell one = shell(4, 8, 3);
  EXPECT_EQ(seam_offset(one, with_seam(Seam::wrap_phased)), 3u);
  one.phasing_rule = PhasingRule::alternating;
  EXPECT_EQ(seam_offset(one, with_seam(Seam::wrap_phased)), 0u);
}

TEST(NearestPhase, ByHand) {
  // F/P = 3/4 of a slot ahead: the slot behind is only 1/4 away. Across the seam 2 1/4 slots behind.
  EXPECT_EQ(first_gap_offset(shell(4, 8, 3), nearest_phase(Seam::wrap)), 7u);
  EXPECT_EQ(seam_offset(shell(4, 8, 3), nearest_phase(Seam::wrap)), 2u);
  // 1/4 ahead: the same slot. Across the seam 3/4 behind.
  EXPECT_EQ(first_gap_offset(shell(4, 8, 1), nearest_phase(Seam::wrap)), 0u);
  EXPECT_EQ(seam_offset(shell(4, 8, 1), nearest_phase(Seam::wrap)), 1u);
  // The neighbouring rule: same slot, whatever the phase.
  EXPECT_EQ(first_gap_offset(shell(4, 8, 3), with_seam(Seam::wrap)), 0u);
}

TEST(NearestPhase, BothWrapsAgreeAndACutStaysCut) {
  EXPECT_EQ(seam_offset(shell(4, 8, 3), nearest_phase(Seam::wrap_phased)), 2u);
  EXPECT_TRUE(pairs(wiring(shell(4, 8, 3), nearest_phase(Seam::cut)), LinkKind::seam).empty());
}

TEST(NearestPhase, TiesGoToTheSmallerOffset) {
  EXPECT_EQ(first_gap_offset(shell(4, 8, 2), nearest_phase(Seam::wrap)), 0u);  // 0 or 7
  EXPECT_EQ(seam_offset(shell(4, 8, 2), nearest_phase(Seam::wrap)), 1u);       // 1 or 2
  Shell alternating = shell(4, 8, 0);
  alternating.phasing_rule = PhasingRule::alternating;
  Wiring const wired = wiring(alternating, nearest_phase(Seam::wrap));
  EXPECT_EQ(wired.neighbor[2 * 32], 8u);       // 0 or 7
  EXPECT_EQ(wired.neighbor[2 * 32 + 8], 16u);  // 0 or 1
  EXPECT_EQ(wired.neighbor[2 * 32 + 24], 0u);  // 0 or 1
}

TEST(NearestPhase, NoOtherPartnerIsNearerInPhase) {
  for (std::uint32_t planes : {3u, 4u, 5u}) {
    for (std::uint32_t phasing = 0; phasing < planes; ++phasing) {
      Shell const one = shell(planes, 7, phasing);
      Wiring const wired = wiring(one, nearest_phase(Seam::wrap));
      expect_consistent(wired);
      auto const u_deg = [&](std::uint32_t node) { return node % 7 * 360.0 / 7 + phase_deg(one, node / 7); };
      auto const apart = [&](std::uint32_t a, std::uint32_t b) {
        return std::abs(std::remainder(u_deg(a) - u_deg(b), 360));
      };
      for (std::uint32_t node = 0; node < wired.nodes; ++node) {
        std::uint32_t const partner = wired.neighbor[2 * wired.nodes + node];
        EXPECT_EQ(partner / 7, (node / 7 + 1) % planes);
        for (std::uint32_t slot = 0; slot < 7; ++slot) {
          EXPECT_LE(apart(node, partner), apart(node, partner / 7 * 7 + slot) + 1e-9);
        }
      }
    }
  }
}

TEST(StarSeam, IsRefusedUnlessInsistedOn) {
  Shell star = shell(4, 5, 1);
  star.pattern = Pattern::star;
  for (auto const partner : {InterPlanePartner::same_slot, InterPlanePartner::nearest_phase}) {
    LinkRules rules;
    rules.inter_plane_partner = partner;
    EXPECT_NO_THROW(wiring(star, rules));
    for (auto const seam : {Seam::wrap, Seam::wrap_phased}) {
      rules.seam = seam;
      rules.star_seam = false;
      EXPECT_THROW(wiring(star, rules), std::invalid_argument);
      EXPECT_NO_THROW(wiring(shell(4, 5, 1), rules));
      rules.star_seam = true;
      EXPECT_EQ(pairs(wiring(star, rules), LinkKind::seam).size(), 5u);
    }
  }
}

TEST(StarSeam, ALonePlaneHasNone) {
  Shell star = shell(1, 5, 0);
  star.pattern = Pattern::star;
  EXPECT_EQ(wiring(star, with_seam(Seam::wrap)).links.size(), 5u);
}

TEST(StarSeam, IsLookedForInEveryShell) {
  Shell star = shell(4, 5, 1);
  star.pattern = Pattern::star;
  Constellation const both{EarthModel::wgs84, Propagation::two_body, {shell(3, 3, 0), star}};
  EXPECT_THROW(Network(both, with_seam(Seam::wrap), Seed{1}), std::invalid_argument);
}

TEST(Shells, HaveNoLinksBetweenThem) {
  Constellation const both{EarthModel::wgs84, Propagation::two_body, {shell(3, 4, 1), shell(2, 5, 1)}};
  Wiring const wired = Network(both, with_seam(Seam::wrap), Seed{1}).wiring();
  expect_consistent(wired);
  EXPECT_EQ(wired.nodes, 22u);
  std::set<Pair> expected;
  for (Link const& link : wiring(shell(3, 4, 1), with_seam(Seam::wrap)).links) {
    expected.insert({id(link.a), id(link.b)});
  }
  for (Link const& link : wiring(shell(2, 5, 1), with_seam(Seam::wrap)).links) {
    expected.insert({id(link.a) + 12, id(link.b) + 12});
  }
  std::set<Pair> found;
  for (Link const& link : wired.links) found.insert({id(link.a), id(link.b)});
  EXPECT_EQ(found, expected);
}

TEST(ListedWiring, PortsFollowTheOrderOfLinks) {
  // 3 - 1, 1 - 0, 1 - 4; node 2 is alone.
  Network const network(
      5,
      {{satellite(3), satellite(1), 30}, {satellite(1), satellite(0), 10}, {satellite(1), satellite(4), 40}},
      {}, Seed{1});
  Wiring const& wired = network.wiring();
  expect_consistent(wired);
  EXPECT_EQ(wired.nodes, 5u);
  EXPECT_EQ(wired.degree, 3u);
  EXPECT_EQ(pairs(wired, LinkKind::listed), (std::set<Pair>{{0, 1}, {1, 3}, {1, 4}}));
  EXPECT_EQ(wired.neighbor[0 * 5 + 1], 0u);
  EXPECT_EQ(wired.neighbor[1 * 5 + 1], 3u);
  EXPECT_EQ(wired.neighbor[2 * 5 + 1], 4u);
  EXPECT_EQ(wired.link[0 * 5 + 2], Wiring::no_link);
  auto const snapshot = network.snapshot(0, 0, Purpose::evaluation_outage);
  EXPECT_EQ(snapshot.latency_ns, (std::vector<Nanoseconds>{10, 30, 40}));
  EXPECT_TRUE(snapshot.length_km.empty());
}

TEST(ListedWiring, EmptyIsANetworkToo) {
  Network const network(3, {}, {}, Seed{1});
  EXPECT_EQ(network.wiring().degree, 0u);
  EXPECT_TRUE(network.snapshot(0, 0, Purpose::evaluation_outage).latency_ns.empty());
}

TEST(ListedWiring, RefusesWhatIsNotASimpleGraph) {
  auto const listed = [](ListedLink first, ListedLink second) {
    return Network(3, {first, second}, {}, Seed{1});
  };
  ListedLink const good{satellite(0), satellite(1), 10};
  EXPECT_NO_THROW(listed(good, {satellite(1), satellite(2), unreachable - 1}));
  EXPECT_THROW(listed(good, {satellite(1), satellite(1), 10}), std::invalid_argument);
  EXPECT_THROW(listed(good, {satellite(0), satellite(1), 20}), std::invalid_argument);
  EXPECT_THROW(listed(good, {satellite(1), satellite(0), 10}), std::invalid_argument);
  EXPECT_THROW(listed(good, {satellite(1), satellite(3), 10}), std::invalid_argument);
  EXPECT_THROW(listed(good, {satellite(1), satellite(2), 0}), std::invalid_argument);
  EXPECT_THROW(listed(good, {satellite(1), satellite(2), unreachable}), std::invalid_argument);
}

}  // namespace
}  // namespace spacemoe
