#include "host/network/routes.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <gmock/gmock.h>

#include "tests/support/graphs.hpp"

namespace spacemoe {
namespace {

using ::testing::ElementsAre;
using testing::Graph;

/// Latency above and hops below, so that they are compared in this order, by Bellman and Ford; `nothing`
/// where there is no path.
constexpr std::uint64_t nothing = ~std::uint64_t{0};

std::vector<std::uint64_t> latency_then_hops(Graph const& graph, SatelliteId source) {
  Wiring const& wiring = graph.network->wiring();
  std::vector<std::uint64_t> best(wiring.nodes, nothing);
  best[index(source)] = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t entry = 0; entry < wiring.link.size(); ++entry) {
      std::uint64_t const before = best[wiring.neighbor[entry]];
      if (graph.batch.latency_ns[entry] == unreachable || before == nothing) continue;
      std::uint64_t const offered = before + (std::uint64_t{graph.batch.latency_ns[entry]} << 32 | 1);
      std::uint64_t& own = best[entry % wiring.nodes];
      if (offered < own) {
        own = offered;
        changed = true;
      }
    }
  }
  return best;
}

std::vector<Nanoseconds> latencies(Graph const& graph, SatelliteId source) {
  std::vector<Nanoseconds> latency;
  for (std::uint64_t const both : latency_then_hops(graph, source)) {
    latency.push_back(both == nothing ? unreachable : static_cast<Nanoseconds>(both >> 32));
  }
  return latency;
}

std::vector<SatelliteId> route_between(Graph const& graph, std::uint32_t source, std::uint32_t target) {
  return route(graph.batch, SatelliteId{source}, SatelliteId{target}, latencies(graph, SatelliteId{source}));
}

/// Few different latencies, so that ties are common; some nodes cannot be reached.
Graph graph_with_ties(std::uint32_t seed) {
  constexpr std::uint32_t nodes = 60;
  std::mt19937 random(seed);
  std::vector<ListedLink> links;
  for (std::uint32_t a = 0; a < nodes; ++a) {
    for (std::uint32_t b = a + 1; b < nodes; ++b) {
      if (random() % 25 != 0) continue;
      links.push_back({SatelliteId{a}, SatelliteId{b}, static_cast<Nanoseconds>(1 + random() % 3)});
    }
  }
  return testing::listed("ties", nodes, links, 0.9);
}

TEST(Routes, TakeTheFewestHopsAmongTheShortest) {
  Graph const graph = testing::listed(
      "triangle", 3,
      {{satellite(0), satellite(1), 5}, {satellite(1), satellite(2), 5}, {satellite(0), satellite(2), 10}});
  EXPECT_THAT(route_between(graph, 0, 2), ElementsAre(satellite(0), satellite(2)));
}

TEST(Routes, TakeThePredecessorOfLowestIdAmongEquals) {
  Graph const graph = testing::listed("square", 4,
                                      {{satellite(0), satellite(1), 7},
                                       {satellite(0), satellite(2), 3},
                                       {satellite(1), satellite(3), 3},
                                       {satellite(2), satellite(3), 7}});
  EXPECT_THAT(route_between(graph, 0, 3), ElementsAre(satellite(0), satellite(1), satellite(3)));
  EXPECT_THAT(route_between(graph, 3, 0), ElementsAre(satellite(3), satellite(1), satellite(0)));
}

TEST(Routes, LeadNowhereOrNoFurtherThanTheSource) {
  Graph const graph = testing::two_components();
  EXPECT_THAT(route_between(graph, 0, 4), ElementsAre());
  EXPECT_THAT(route_between(graph, 4, 4), ElementsAre(satellite(4)));
}

TEST(Routes, OfATreeFollowTheRuleOnGraphsWithTies) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    Graph const graph = graph_with_ties(seed);
    SatelliteId const source = satellite(seed);
    auto const expected = latency_then_hops(graph, source);
    std::vector<SatelliteId> const targets{satellite(59), satellite(3), satellite(17), satellite(3)};
    RouteTree const tree = route_tree(graph.batch, source, latencies(graph, source), targets);
    for (std::size_t t = 0; t < targets.size(); ++t) {
      if (expected[index(targets[t])] == nothing) {
        EXPECT_EQ(tree.target[t], no_route);
        continue;
      }
      EXPECT_EQ(tree.stops.at(tree.target[t]).satellite, targets[t]);
    }
    Wiring const& wiring = graph.network->wiring();
    for (std::size_t i = 1; i < tree.stops.size(); ++i) {
      auto const& stop = tree.stops[i];
      std::size_t const node = index(stop.satellite);
      EXPECT_EQ(stop.hops, static_cast<std::uint32_t>(expected[node]));
      EXPECT_LT(stop.previous, i);
      // Of all neighbours that lie on a best path, the lowest.
      std::uint32_t lowest = no_route;
      for (std::size_t entry = node; entry < wiring.link.size(); entry += wiring.nodes) {
        Nanoseconds const link = graph.batch.latency_ns[entry];
        if (link == unreachable) continue;
        std::uint64_t const offered = expected[wiring.neighbor[entry]] + (std::uint64_t{link} << 32 | 1);
        if (offered == expected[node]) lowest = std::min(lowest, wiring.neighbor[entry]);
      }
      EXPECT_EQ(index(tree.stops[stop.previous].satellite), lowest);
      EXPECT_EQ(wiring.neighbor[stop.port * wiring.nodes + node], lowest);
    }
  }
}

TEST(Routes, CountTheSameHopsToEverySatellite) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    Graph const graph = graph_with_ties(seed);
    auto const expected = latency_then_hops(graph, satellite(seed));
    auto const hops = hop_counts(graph.batch, satellite(seed), latencies(graph, satellite(seed)));
    for (std::size_t node = 0; node < hops.size(); ++node) {
      EXPECT_EQ(hops[node],
                expected[node] == nothing ? no_route : static_cast<std::uint32_t>(expected[node]));
    }
  }
}

}  // namespace
}  // namespace spacemoe
