#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

#include "host/errors.hpp"
#include "host/network/network.hpp"
#include "tests/network/shells.hpp"

namespace spacemoe {
namespace {

constexpr auto evaluation = Purpose::evaluation_outage;
constexpr double light_km_s = 299792.458;

std::size_t number(LinkKind kind) {
  return static_cast<std::size_t>(kind);
}

/// Lengths of one kind of link, shortest first [km].
std::vector<double> sorted_lengths(Network const& network, double time_s, LinkKind kind) {
  auto const snapshot = network.snapshot(0, time_s, evaluation);
  std::vector<double> lengths;
  for (std::size_t i = 0; i < snapshot.length_km.size(); ++i) {
    if (network.wiring().links[i].kind == kind) lengths.push_back(snapshot.length_km[i]);
  }
  std::sort(lengths.begin(), lengths.end());
  return lengths;
}

TEST(LinkLatency, HopWithinAPlaneOfThePaper) {
  Network const network(paper_constellation(), {}, Seed{1});
  auto const snapshot = network.snapshot(0, 0, evaluation);
  double const chord_ns = 2 * 6921 * std::sin(std::numbers::pi / 32) / light_km_s * 1e9;
  EXPECT_NEAR(chord_ns, 4.526e6, 500);
  for (std::size_t i = 0; i < snapshot.latency_ns.size(); ++i) {
    if (network.wiring().links[i].kind != LinkKind::intra_plane) continue;
    ASSERT_EQ(snapshot.latency_ns[i], std::lround(chord_ns));
    ASSERT_NEAR(snapshot.length_km[i], 1356.8, 0.05);
  }
}

TEST(LinkLatency, AddsSerialisationAndForwarding) {
  LinkRules rules;
  rules.message_bit = 4096 * 16;  // 655.36 ns at 100 Gb/s
  Network const bare(paper_constellation(), {}, Seed{1});
  Network const loaded(paper_constellation(), rules, Seed{1});
  rules.forwarding_ns = 2500;
  Network const forwarding(paper_constellation(), rules, Seed{1});
  auto const without = bare.snapshot(0, 0, evaluation).latency_ns;
  auto const with = loaded.snapshot(0, 0, evaluation).latency_ns;
  auto const most = forwarding.snapshot(0, 0, evaluation).latency_ns;
  for (std::size_t i = 0; i < without.size(); ++i) {
    ASSERT_TRUE(with[i] - without[i] == 655 || with[i] - without[i] == 656);
    ASSERT_EQ(most[i] - with[i], 2500u);
  }
}

TEST(LinkLatency, IsRoundedOnceAfterTheSum) {
  LinkRules rules;
  rules.message_bit = 40;  // 0.4 ns
  rules.forwarding_ns = 0.4;
  Network const network(paper_constellation(), rules, Seed{1});
  auto const snapshot = network.snapshot(0, 0, evaluation);
  std::size_t told_apart = 0;
  for (std::size_t i = 0; i < snapshot.latency_ns.size(); ++i) {
    double const propagation_ns = snapshot.length_km[i] / light_km_s * 1e9;
    ASSERT_NEAR(snapshot.latency_ns[i], propagation_ns + 0.8, 0.5 + 1e-6);
    told_apart += snapshot.latency_ns[i] != std::lround(propagation_ns) ? 1u : 0u;  // 0.4 rounds to 0
  }
  EXPECT_GT(told_apart, snapshot.latency_ns.size() / 2);
}

TEST(LinkLatency, IsAtLeastOneNanosecond) {
  // Equatorial and westward: RAAN and phase cancel, so satellites of neighbouring planes share a place.
  Shell crowded = shell(3, 2, 2);
  crowded.inclination_deg = 180;
  Network const network(on_sphere(crowded), {}, Seed{1});
  auto const snapshot = network.snapshot(0, 0, evaluation);
  for (std::size_t i = 0; i < snapshot.latency_ns.size(); ++i) {
    if (network.wiring().links[i].kind != LinkKind::inter_plane) continue;
    EXPECT_LT(snapshot.length_km[i], 1e-9);
    EXPECT_EQ(snapshot.latency_ns[i], 1u);
  }
}

TEST(LinkLatency, PastTheLimitIsAnErrorUnlessTheLinkIsRemoved) {
  LinkRules rules;
  auto const snapshot = [&] {
    return Network(paper_constellation(), rules, Seed{1}).snapshot(0, 0, evaluation);
  };
  rules.forwarding_ns = 2.0e9;
  EXPECT_NO_THROW(snapshot());
  rules.forwarding_ns = 2147483647.0;
  EXPECT_THROW(snapshot(), ScenarioError);
  rules.forwarding_ns = 0;
  rules.message_bit = 2.2e11;
  EXPECT_THROW(snapshot(), ScenarioError);
  rules.rate_bit_s = 1e12;
  EXPECT_NO_THROW(snapshot());
  rules.rate_bit_s = 0;
  EXPECT_THROW(snapshot(), ScenarioError);
  rules.max_range_km = 1e-3;
  EXPECT_NO_THROW(snapshot());
}

TEST(LinkLatency, LastOneBelowUnreachableIsStillALatency) {
  Shell crowded = shell(3, 2, 2);
  crowded.inclination_deg = 180;
  crowded.satellites_per_plane = 2;
  LinkRules rules;
  rules.max_range_km = 1;  // only the links of no length
  rules.forwarding_ns = 2147483646.0;
  auto const snapshot = Network(on_sphere(crowded), rules, Seed{1}).snapshot(0, 0, evaluation);
  EXPECT_EQ(std::count(snapshot.latency_ns.begin(), snapshot.latency_ns.end(), 2147483646u), 4);
  rules.forwarding_ns = 2147483646.6;
  EXPECT_THROW(Network(on_sphere(crowded), rules, Seed{1}).snapshot(0, 0, evaluation), ScenarioError);
}

TEST(Snapshots, OneSlotOfThePeriodApartArePermutations) {
  for (auto const propagation : {Propagation::two_body, Propagation::j2_secular}) {
    for (auto const partner : {InterPlanePartner::same_slot, InterPlanePartner::nearest_phase}) {
      Constellation c = paper_constellation();
      c.propagation = propagation;
      LinkRules rules = with_seam(Seam::wrap);
      rules.inter_plane_partner = partner;
      Network const network(c, rules, Seed{1});
      double const step_s = period_s(c, c.shells[0]) / 32;
      for (auto const kind : {LinkKind::intra_plane, LinkKind::inter_plane, LinkKind::seam}) {
        auto const first = sorted_lengths(network, 40, kind);
        auto const second = sorted_lengths(network, 40 + step_s, kind);
        ASSERT_EQ(first.size(), second.size());
        for (std::size_t i = 0; i < first.size(); ++i) ASSERT_NEAR(first[i], second[i], 1e-7);
      }
    }
  }
}

TEST(Snapshots, AStarSeamIsLong) {
  Shell star = shell(12, 24, 0);
  star.pattern = Pattern::star;
  LinkRules rules = with_seam(Seam::wrap);
  rules.star_seam = true;
  Network const network(on_sphere(star), rules, Seed{1});
  EXPECT_GT(sorted_lengths(network, 0, LinkKind::seam).back(), 10000);  // counter-rotating
  EXPECT_LT(sorted_lengths(network, 0, LinkKind::inter_plane).back(), 2000);
}

TEST(Batch, CopiesEachLinkToBothOfItsEnds) {
  LinkRules rules = with_seam(Seam::cut);
  rules.survival = 0.5;
  Network const network(on_sphere(shell(3, 4, 1)), rules, Seed{1});
  Wiring const& wired = network.wiring();
  std::vector<Snapshot> const snapshots{network.snapshot(0, 0, evaluation),
                                        network.snapshot(1, 60, evaluation)};
  SnapshotBatch const batched = batch(wired, snapshots);
  EXPECT_EQ(batched.wiring, &wired);
  EXPECT_EQ(batched.snapshots, 2u);
  ASSERT_EQ(batched.latency_ns.size(), 2u * 4 * 12);
  for (std::uint32_t snapshot = 0; snapshot < 2; ++snapshot) {
    for (std::uint32_t port = 0; port < 4; ++port) {
      for (std::uint32_t node = 0; node < 12; ++node) {
        Nanoseconds expected = unreachable;
        SatelliteId const self = satellite(node);
        SatelliteId const other = satellite(wired.neighbor[port * 12 + node]);
        for (std::size_t i = 0; i < wired.links.size(); ++i) {
          Link const& link = wired.links[i];
          if (link.a == std::min(self, other) && link.b == std::max(self, other)) {
            expected = snapshots[snapshot].latency_ns[i];
          }
        }
        EXPECT_EQ(batched.latency_ns[(snapshot * 4 + port) * 12 + node], expected);
      }
    }
  }
}

TEST(Components, CountsWhatSurvives) {
  // 0 - 1 - 2, 3 - 4, 5.
  std::vector<ListedLink> const links{
      {satellite(0), satellite(1), 5}, {satellite(1), satellite(2), 5}, {satellite(3), satellite(4), 5}};
  LinkRules rules;
  Network const network(6, links, rules, Seed{1});
  Snapshot snapshot = network.snapshot(0, 0, evaluation);
  EXPECT_EQ(connected_components(network.wiring(), snapshot), 3u);
  snapshot.removal[1] = Removal::outage;  // 1 - 2
  snapshot.latency_ns[1] = unreachable;
  EXPECT_EQ(connected_components(network.wiring(), snapshot), 4u);
  rules.survival = 0;
  Network const broken(6, links, rules, Seed{1});
  EXPECT_EQ(connected_components(broken.wiring(), broken.snapshot(0, 0, evaluation)), 6u);
}

TEST(Components, AreNamedByTheirLeastNodes) {
  Network const network(
      6, {{satellite(5), satellite(1), 5}, {satellite(4), satellite(2), 5}, {satellite(2), satellite(3), 5}},
      {}, Seed{1});
  SnapshotBatch const one = batch(network.wiring(), {network.snapshot(0, 0, evaluation)});
  EXPECT_EQ(components(one.slot(0)), (std::vector<std::uint32_t>{0, 1, 2, 2, 2, 1}));
}

TEST(Components, AShellIsOneAndTwoShellsAreTwo) {
  Network const one(paper_constellation(), {}, Seed{1});
  EXPECT_EQ(connected_components(one.wiring(), one.snapshot(0, 0, evaluation)), 1u);
  Constellation const both{EarthModel::wgs84, Propagation::two_body, {shell(3, 4, 1), shell(2, 5, 1)}};
  Network const two(both, {}, Seed{1});
  EXPECT_EQ(connected_components(two.wiring(), two.snapshot(0, 0, evaluation)), 2u);
}

TEST(Statistics, OfAListByHand) {
  Network const network(4,
                        {{satellite(0), satellite(1), 1000000},
                         {satellite(1), satellite(2), 2000000},
                         {satellite(2), satellite(3), 6000000}},
                        {}, Seed{1});
  Snapshot snapshot = network.snapshot(0, 0, evaluation);
  auto all = link_statistics(network.wiring(), snapshot);
  auto const& listed = all[number(LinkKind::listed)];
  EXPECT_EQ(listed.links, 3u);
  EXPECT_DOUBLE_EQ(listed.min_ms, 1);
  EXPECT_DOUBLE_EQ(listed.mean_ms, 3);
  EXPECT_DOUBLE_EQ(listed.max_ms, 6);
  EXPECT_EQ(listed.max_km, 0);
  EXPECT_EQ(all[number(LinkKind::intra_plane)].links, 0u);

  snapshot.removal[2] = Removal::outage;
  snapshot.latency_ns[2] = unreachable;
  all = link_statistics(network.wiring(), snapshot);
  EXPECT_EQ(listed.links, 2u);
  EXPECT_DOUBLE_EQ(listed.max_ms, 2);
  EXPECT_EQ(listed.removed[static_cast<std::size_t>(Removal::outage)], 1u);
}

TEST(Statistics, OfThePaperShell) {
  LinkRules rules;
  rules.latitude_limit_deg = 70;
  rules.survival = 0.95;
  Network const network(paper_constellation(), rules, Seed{1});
  auto const all = link_statistics(network.wiring(), network.snapshot(0, 0, evaluation));
  auto const& intra = all[number(LinkKind::intra_plane)];
  auto const& inter = all[number(LinkKind::inter_plane)];
  auto const total = [](LinkStatistics const& of) {
    return of.links + std::accumulate(of.removed.begin(), of.removed.end(), 0u);
  };
  EXPECT_EQ(total(intra), 33u * 32);
  EXPECT_EQ(total(inter), 32u * 32);
  EXPECT_EQ(total(all[number(LinkKind::seam)]), 0u);
  EXPECT_EQ(intra.removed[static_cast<std::size_t>(Removal::latitude)], 0u);
  EXPECT_GT(inter.removed[static_cast<std::size_t>(Removal::latitude)], 0u);
  for (double const km : {intra.min_km, intra.mean_km, intra.max_km}) EXPECT_NEAR(km, 1356.8, 0.05);
  for (double const ms : {intra.min_ms, intra.mean_ms, intra.max_ms}) EXPECT_NEAR(ms, 4.526, 0.0005);
  EXPECT_LT(inter.min_km, inter.mean_km);
  EXPECT_LT(inter.mean_km, inter.max_km);
  EXPECT_NEAR(inter.max_ms, inter.max_km / light_km_s * 1e3, 1e-6);
}

}  // namespace
}  // namespace spacemoe
