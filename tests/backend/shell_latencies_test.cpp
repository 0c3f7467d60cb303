#include <algorithm>
#include <cstddef>
#include <functional>
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

// Path latencies on shells whose links take anything at all: nothing may rely on the shape of an orbit.

namespace spacemoe::testing {
namespace {

using ShellLatencies = EveryBackend;

INSTANTIATE_TEST_SUITE_P(Backends, ShellLatencies, ::testing::ValuesIn(backend_cases()), case_name);

Shell shell(std::uint32_t planes, std::uint32_t satellites_per_plane, std::uint32_t phasing) {
  return {"shell", 550, 53, planes, satellites_per_plane, phasing};
}

LinkRules seam(Seam seam) {
  LinkRules rules;
  rules.seam = seam;
  return rules;
}

/// The wiring of some shells; latency(link) [ns] replaces those of all links, the same both ways.
Graph with_latencies(std::string name, std::vector<Shell> list, LinkRules const& rules,
                     std::function<Nanoseconds(std::size_t link)> const& latency, std::uint32_t snapshots) {
  Graph graph = shells(std::move(name), std::move(list), rules, snapshots);
  Wiring const& wiring = graph.network->wiring();
  for (std::uint32_t snapshot = 0; snapshot < snapshots; ++snapshot) {
    std::vector<Nanoseconds> of_link;
    for (std::size_t i = 0; i < wiring.links.size(); ++i) of_link.push_back(latency(i));
    for (std::size_t entry = 0; entry < wiring.link.size(); ++entry) {
      Nanoseconds& taken = graph.batch.latency_ns[snapshot * wiring.link.size() + entry];
      if (wiring.link[entry] != Wiring::no_link) taken = of_link[wiring.link[entry]];
    }
  }
  return graph;
}

/// Links that take from a nanosecond to a millisecond, on a logarithmic scale; some are missing.
Graph with_random_latencies(std::string name, std::vector<Shell> list, LinkRules const& rules,
                            std::uint32_t seed) {
  std::mt19937 random(seed);
  return with_latencies(
      std::move(name), std::move(list), rules,
      [&](std::size_t) {
        if (random() % 8 == 0) return unreachable;
        return static_cast<Nanoseconds>(1 + random() % (1u << (random() % 21)));
      },
      5);
}

std::vector<SatelliteId> every(std::uint32_t step, Graph const& graph) {
  std::vector<SatelliteId> sources;
  for (std::uint32_t i = 0; i < graph.network->wiring().nodes; i += step) sources.push_back(satellite(i));
  return sources;
}

TEST_P(ShellLatencies, AreExactWhateverTheLinksTake) {
  std::vector<Graph> const graphs{
      with_random_latencies("11 per plane", {shell(6, 11, 2)}, seam(Seam::wrap_phased), 1),
      with_random_latencies("18 per plane, cut", {shell(7, 18, 5)}, seam(Seam::cut), 2),
      with_random_latencies("20 per plane", {shell(5, 20, 3)}, seam(Seam::wrap_phased), 3),
      with_random_latencies("22 per plane", {shell(9, 22, 4)}, seam(Seam::wrap_phased), 4),
      with_random_latencies("23 per plane", {shell(8, 23, 7)}, seam(Seam::wrap_phased), 5),
      with_random_latencies("32 per plane", {shell(4, 32, 1)}, seam(Seam::cut), 6),
      with_random_latencies("three shells", {shell(5, 22, 1), shell(3, 4, 2), shell(40, 2, 1)},
                            seam(Seam::wrap_phased), 7),
      with_random_latencies("many planes", {shell(24, 11, 2)}, seam(Seam::wrap_phased), 10),
      with_random_latencies("rings of one", {shell(33, 1, 0)}, seam(Seam::wrap_phased), 8),
      with_random_latencies("one ring of 400", {shell(1, 400, 0)}, seam(Seam::wrap_phased), 9),
  };
  for (auto const& graph : graphs) {
    // Few sources have planes between them, many are close: backends may share out their work differently.
    auto const sources = every(graph.name == "many planes" ? 1 : 7, graph);
    run([&] {
      auto const table = backend().path_latencies(graph.batch, sources);
      for (std::uint32_t snapshot = 0; snapshot < graph.batch.snapshots; ++snapshot) {
        for (std::uint32_t s = 0; s < sources.size(); ++s) {
          auto const expected = boost_dijkstra(graph.batch, snapshot, sources[s]);
          ASSERT_THAT(table->row(snapshot, s), ::testing::ElementsAreArray(expected))
              << graph.name << ", snapshot " << snapshot << ", source " << index(sources[s]);
        }
      }
    });
  }
}

TEST_P(ShellLatencies, SaturationIsAnErrorNotAnAnswer) {
  for (Seam const kind : {Seam::cut, Seam::wrap_phased}) {
    // From plane 0 to the farthest: 4 crossings in a circle of 9 planes, 8 in a row of them.
    Nanoseconds const crossings = kind == Seam::cut ? 8 : 4;
    auto const graph_with = [&](Nanoseconds crossing) {
      Wiring const wiring = shells("shell", {shell(9, 3, 0)}, seam(kind)).network->wiring();
      return with_latencies(
          "shell", {shell(9, 3, 0)}, seam(kind),
          [&](std::size_t i) { return wiring.links[i].kind == LinkKind::intra_plane ? 1 : crossing; }, 1);
    };
    Nanoseconds const most = (unreachable - 1 - 1) / crossings;  // one step in plane
    Graph const fits = graph_with(most);
    Graph const exceeds = graph_with(most + 1);
    for (std::uint32_t const source : {0u, 26u}) {
      run([&] {
        std::vector const from{satellite(source)};
        auto const row = backend().path_latencies(fits.batch, from)->row(0, 0);
        EXPECT_EQ(*std::ranges::max_element(row), crossings * most + 1);
        EXPECT_THROW(backend().path_latencies(exceeds.batch, from), SaturationError);
      });
    }
  }
}

}  // namespace
}  // namespace spacemoe::testing
