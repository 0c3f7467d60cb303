#include <cmath>
#include <map>
#include <utility>

#include <gtest/gtest.h>

#include "host/network/network.hpp"
#include "tests/network/shells.hpp"

namespace spacemoe {
namespace {

using Fate = std::map<std::pair<SatelliteId, SatelliteId>, bool>;

LinkRules with_survival(double survival, Seam seam = Seam::cut) {
  LinkRules rules = with_seam(seam);
  rules.survival = survival;
  return rules;
}

/// Whether each link survives the outages of a slot.
Fate fate(Network const& network, std::uint32_t slot, Purpose purpose = Purpose::evaluation_outage) {
  Fate result;
  auto const snapshot = network.snapshot(slot, 0, purpose);
  for (std::size_t i = 0; i < snapshot.removal.size(); ++i) {
    Link const& link = network.wiring().links[i];
    result[{link.a, link.b}] = snapshot.removal[i] == Removal::none;
  }
  return result;
}

/// Share of links that meet the same fate twice.
double agreement(Fate const& first, Fate const& second) {
  double same = 0;
  for (auto const& [pair, up] : first) same += second.at(pair) == up ? 1 : 0;
  return same / static_cast<double>(first.size());
}

Network paper(double survival, Seed seed = Seed{3}) {
  return Network(paper_constellation(), with_survival(survival), seed);
}

TEST(Outages, CertainSurvivalRemovesNothingAndCertainLossEverything) {
  for (auto const purpose : {Purpose::evaluation_outage, Purpose::planning_outage}) {
    for (std::uint32_t slot = 0; slot < 20; ++slot) {
      for (auto const& [pair, up] : fate(paper(1), slot, purpose)) ASSERT_TRUE(up);
      for (auto const& [pair, up] : fate(paper(0), slot, purpose)) ASSERT_FALSE(up);
    }
  }
}

TEST(Outages, RemoveTheirShareOfLinks) {
  for (double const survival : {0.05, 0.5, 0.95}) {
    Network const network = paper(survival);
    double up = 0;
    double draws = 0;
    for (std::uint32_t slot = 0; slot < 60; ++slot) {
      for (auto const& [pair, survived] : fate(network, slot)) {
        up += survived ? 1 : 0;
        draws += 1;
      }
    }
    EXPECT_NEAR(up / draws, survival, 4 * std::sqrt(survival * (1 - survival) / draws));
  }
}

TEST(Outages, EachIsDrawnAtItsAddress) {
  Network const network = paper(0.75);
  for (std::uint32_t const slot : {0u, 5u, 199u}) {
    for (auto const& [pair, up] : fate(network, slot, Purpose::planning_outage)) {
      auto const [a, b] = pair;
      Words4 const words = draw(Seed{3}, Purpose::planning_outage, static_cast<std::uint32_t>(a),
                                static_cast<std::uint32_t>(b), slot);
      ASSERT_EQ(up, words.word[0] < 0xc0000000u);  // 0.75 x 2^32
    }
  }
}

TEST(Outages, ThresholdIsTheSurvivalTimesTwoToThe32) {
  std::uint32_t const word = draw(Seed{3}, Purpose::evaluation_outage, 0, 1, 6).word[0];
  std::vector<ListedLink> const one{{satellite(0), satellite(1), 1000}};
  auto const up = [&](double threshold) {
    Network const network(2, one, with_survival(threshold / 4294967296.0), Seed{3});
    return network.snapshot(6, 0, Purpose::evaluation_outage).removal[0] == Removal::none;
  };
  EXPECT_FALSE(up(word));
  EXPECT_TRUE(up(word + 1.0));
}

TEST(Outages, SlotsMayBeAskedForInAnyOrder) {
  Network const network = paper(0.5);
  Fate const later = fate(network, 9);
  Fate const earlier = fate(network, 2);
  EXPECT_EQ(fate(network, 2), earlier);
  EXPECT_EQ(fate(network, 9), later);
}

TEST(Outages, DoNotDependOnWhichOtherLinksThereAre) {
  Fate const cut = fate(paper(0.5), 4);
  Fate const wrapped = fate(Network(paper_constellation(), with_survival(0.5, Seam::wrap), Seed{3}), 4);
  EXPECT_EQ(wrapped.size(), cut.size() + 32);
  EXPECT_EQ(agreement(cut, wrapped), 1);

  // The same links as a list, backwards and turned around.
  std::vector<ListedLink> listed;
  for (auto const& [pair, up] : cut) listed.insert(listed.begin(), {pair.second, pair.first, 1000});
  EXPECT_EQ(fate(Network(1056, listed, with_survival(0.5), Seed{3}), 4), cut);
}

TEST(Outages, AreIndependentBetweenSlotsPurposesAndSeeds) {
  double const survival = 0.5;
  Fate const reference = fate(paper(survival), 0);
  double const four_errors = 4 * std::sqrt(0.25 / static_cast<double>(reference.size()));
  EXPECT_NEAR(agreement(reference, fate(paper(survival), 1)), 0.5, four_errors);
  EXPECT_NEAR(agreement(reference, fate(paper(survival), 0, Purpose::planning_outage)), 0.5, four_errors);
  EXPECT_NEAR(agreement(reference, fate(paper(survival, Seed{4}), 0)), 0.5, four_errors);
}

TEST(Outages, MoreSurvivalLosesNoLinkThatSurvived) {
  Fate const few = fate(paper(0.3), 7);
  Fate const many = fate(paper(0.6), 7);
  for (auto const& [pair, up] : few) {
    EXPECT_LE(up, many.at(pair));
  }
}

TEST(Outages, StrikeListedLinksToo) {
  std::vector<ListedLink> ring;
  for (std::size_t i = 0; i < 500; ++i) ring.push_back({satellite(i), satellite((i + 1) % 500), 1000});
  Network const network(500, ring, with_survival(0.5), Seed{3});
  auto const snapshot = network.snapshot(0, 0, Purpose::evaluation_outage);
  auto const statistics =
      link_statistics(network.wiring(), snapshot)[static_cast<std::size_t>(LinkKind::listed)];
  EXPECT_NEAR(statistics.links, 250, 4 * std::sqrt(500 * 0.25));
  EXPECT_EQ(statistics.links + statistics.removed[static_cast<std::size_t>(Removal::outage)], 500u);
}

}  // namespace
}  // namespace spacemoe
