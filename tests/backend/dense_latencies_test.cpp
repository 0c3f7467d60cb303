#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/errors.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/boost_paths.hpp"
#include "tests/support/graphs.hpp"

// All pairs in graphs where most nodes are linked, of sizes around whole numbers of lanes.

namespace spacemoe::testing {
namespace {

using DenseLatencies = EveryBackend;

INSTANTIATE_TEST_SUITE_P(Backends, DenseLatencies, ::testing::ValuesIn(backend_cases()), case_name);

/// Every node linked to every other; latencies over three decades, and a share of the links missing.
Graph complete_graph(std::uint32_t nodes, double survival) {
  std::mt19937 random(nodes);
  std::vector<ListedLink> links;
  for (std::uint32_t a = 0; a < nodes; ++a) {
    for (std::uint32_t b = a + 1; b < nodes; ++b) {
      auto const latency = static_cast<Nanoseconds>(1 + random() % (1u << (1 + random() % 10)));
      links.push_back({satellite(a), satellite(b), latency});
    }
  }
  return listed(std::to_string(nodes) + " nodes", nodes, std::move(links), survival, 2);
}

std::vector<SatelliteId> all_sources(std::uint32_t nodes) {
  std::vector<SatelliteId> sources;
  for (std::uint32_t i = 0; i < nodes; ++i) sources.push_back(satellite(nodes - 1 - i));
  return sources;
}

TEST_P(DenseLatencies, EqualBoostDijkstra) {
  for (std::uint32_t const nodes : {1u, 2u, 31u, 32u, 33u, 64u, 65u, 100u}) {
    for (double const survival : {1.0, 0.2, 0.03}) {
      Graph const graph = complete_graph(nodes, survival);
      auto const sources = all_sources(nodes);
      run([&] {
        auto const table = backend().path_latencies(graph.batch, sources);
        for (std::uint32_t snapshot = 0; snapshot < graph.batch.snapshots; ++snapshot) {
          for (std::uint32_t s = 0; s < nodes; ++s) {
            auto const expected = boost_dijkstra(graph.batch, snapshot, sources[s]);
            ASSERT_THAT(table->row(snapshot, s), ::testing::ElementsAreArray(expected))
                << graph.name << ", survival " << survival << ", source " << index(sources[s]);
          }
        }
      });
    }
  }
}

TEST_P(DenseLatencies, SaturationIsAnErrorNotAnAnswer) {
  // Two cliques of 20 nodes, a nanosecond across, and a link between them.
  auto const cliques = [](Nanoseconds between) {
    std::vector<ListedLink> links{{satellite(19), satellite(20), between}};
    for (std::uint32_t first : {0u, 20u}) {
      for (std::uint32_t a = first; a < first + 20; ++a) {
        for (std::uint32_t b = a + 1; b < first + 20; ++b) links.push_back({satellite(a), satellite(b), 1});
      }
    }
    return listed("cliques", 40, std::move(links));
  };
  Graph const fits = cliques(unreachable - 3);
  Graph const exceeds = cliques(unreachable - 2);
  auto const sources = all_sources(40);
  run([&] {
    EXPECT_EQ(backend().path_latencies(fits.batch, sources)->row(0, 0)[0], unreachable - 1);
    EXPECT_THROW(backend().path_latencies(exceeds.batch, sources), BackendError);
  });
}

}  // namespace
}  // namespace spacemoe::testing
