#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/cpu/path_table.hpp"
#include "host/errors.hpp"
#include "host/simd.hpp"
#include "tests/support/boost_paths.hpp"
#include "tests/support/damaged_graphs.hpp"
#include "tests/support/graphs.hpp"

namespace spacemoe::testing {
namespace {

struct Variant {
  std::string name;
  InstructionSet instructions;
  PathPlan plan;
};

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (InstructionSet const set : available_instruction_sets()) {
    std::string const suffix = "_" + std::string(name(set));
    all.push_back({"ring_sweep_16" + suffix, set, {PathMethod::ring_sweep, 16}});
    all.push_back({"ring_sweep_32" + suffix, set, {PathMethod::ring_sweep, 32}});
    all.push_back({"relaxation_16" + suffix, set, {PathMethod::relaxation, 16}});
    all.push_back({"relaxation_64" + suffix, set, {PathMethod::relaxation, 64}});
  }
  return all;
}

/// Assertions that hold for every method, width and instruction set.
class EveryPathMethod : public ::testing::TestWithParam<Variant> {
 protected:
  EveryPathMethod() { use_instruction_set(GetParam().instructions); }
  ~EveryPathMethod() override { use_instruction_set(found_); }

  std::unique_ptr<PathTable> paths(SnapshotBatch const& batch, std::vector<SatelliteId> const& sources) {
    return path_table(GetParam().plan, memory_, batch, sources);
  }

  void expect_boost(SnapshotBatch const& batch, std::vector<SatelliteId> const& sources,
                    std::string const& what) {
    auto const table = paths(batch, sources);
    for (std::uint32_t slot = 0; slot < batch.snapshots; ++slot) {
      for (std::uint32_t s = 0; s < sources.size(); ++s) {
        ASSERT_THAT(table->row(slot, s), ::testing::ElementsAreArray(boost_dijkstra(batch, slot, sources[s])))
            << what << ", slot " << slot << ", source " << index(sources[s]);
      }
    }
  }

 private:
  InstructionSet found_ = instruction_set();
  std::shared_ptr<PathMemory> memory_ = std::make_shared<PathMemory>();
};

INSTANTIATE_TEST_SUITE_P(Methods, EveryPathMethod, ::testing::ValuesIn(variants()),
                         [](auto const& variant) { return variant.param.name; });

Network grid(std::vector<Shell> const& shells, Seam seam,
             InterPlanePartner partner = InterPlanePartner::same_slot) {
  LinkRules rules;
  rules.seam = seam;
  rules.inter_plane_partner = partner;
  Constellation constellation;
  constellation.shells = shells;
  return Network(constellation, rules, Seed{1});
}

Shell walker(std::uint32_t planes, std::uint32_t slots, std::uint32_t phasing = 0) {
  return {"", 550, 53, planes, slots, phasing};
}

SnapshotBatch weighted(Network const& network, std::vector<Nanoseconds> link_ns) {
  Snapshot snapshot;
  snapshot.latency_ns = std::move(link_ns);
  return batch(network.wiring(), {snapshot});
}

SnapshotBatch uniform(Network const& network, Nanoseconds link_ns) {
  return weighted(network, std::vector(network.wiring().links.size(), link_ns));
}

/// Latencies over five decades, so that the shortest ways wander; some links are down.
SnapshotBatch wild(Network const& network, double survival, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Nanoseconds> link_ns(network.wiring().links.size());
  for (auto& latency : link_ns) {
    bool const up = static_cast<double>(random()) < survival * 0x1p32;
    latency = up ? static_cast<Nanoseconds>(1 + random() % (1u << (1 + random() % 17))) : unreachable;
  }
  return weighted(network, link_ns);
}

std::vector<SatelliteId> every_source(Network const& network) {
  std::vector<SatelliteId> sources;
  for (std::uint32_t node = 0; node < network.wiring().nodes; ++node) sources.push_back(satellite(node));
  return sources;
}

TEST_P(EveryPathMethod, EqualsBoostOnGridsOfAllShapes) {
  std::uint32_t seed = 0;
  for (auto const seam : {Seam::cut, Seam::wrap, Seam::wrap_phased}) {
    for (auto const partner : {InterPlanePartner::same_slot, InterPlanePartner::nearest_phase}) {
      for (std::uint32_t const planes : {1u, 2u, 3u, 6u}) {
        for (std::uint32_t const slots : {1u, 2u, 3u, 7u}) {
          Network const network = grid({walker(planes, slots, planes - 1)}, seam, partner);
          for (double const survival : {1.0, 0.85, 0.6}) {
            std::string const what = std::to_string(planes) + " planes of " + std::to_string(slots);
            SnapshotBatch const batch = wild(network, survival, ++seed);
            ASSERT_NO_FATAL_FAILURE(expect_boost(batch, every_source(network), what));
          }
        }
      }
    }
  }
}

TEST_P(EveryPathMethod, EqualsBoostForScatteredAndRepeatedSources) {
  Network const network = grid({walker(30, 9, 4)}, Seam::wrap_phased);
  std::mt19937 random(2);
  for (std::size_t const count : {1u, 2u, 16u, 17u, 70u}) {
    std::vector<SatelliteId> sources;
    while (sources.size() < count) sources.push_back(satellite(random() % network.wiring().nodes));
    ASSERT_NO_FATAL_FAILURE(expect_boost(wild(network, 0.95, 7), sources, "wild"));
    ASSERT_NO_FATAL_FAILURE(expect_boost(uniform(network, 4'000'000), sources, "uniform"));
  }
}

TEST_P(EveryPathMethod, EqualsBoostOnSeveralShells) {
  Network const network = grid({walker(4, 5, 1), walker(2, 3), walker(1, 8), walker(7, 6, 5)}, Seam::wrap);
  ASSERT_NO_FATAL_FAILURE(expect_boost(wild(network, 0.9, 3), every_source(network), "all"));
  ASSERT_NO_FATAL_FAILURE(expect_boost(wild(network, 1, 3), {satellite(30), satellite(3)}, "two shells"));
}

LinkRules linked_shells(double survival) {
  LinkRules rules;
  rules.seam = Seam::wrap_phased;
  rules.survival = survival;
  rules.between_shells = BetweenShells::nearest;
  rules.between_shells_range_km = 1500;
  return rules;
}

TEST_P(EveryPathMethod, EqualsBoostOnShellsWithLinksBetweenThem) {
  std::vector<Shell> const list{walker(9, 10, 4), walker(6, 13, 5), {"", 1100, 80, 7, 9, 1}, walker(1, 6)};
  for (double const survival : {1.0, 0.85, 0.5, 0.0}) {
    Graph const graph = testing::shells("four", list, linked_shells(survival), 2);
    auto const sources = every_source(*graph.network);
    ASSERT_NO_FATAL_FAILURE(expect_boost(graph.batch, sources, "all"));
    ASSERT_NO_FATAL_FAILURE(expect_boost(graph.batch, {satellite(235), satellite(3)}, "two"));
  }
}

TEST_P(EveryPathMethod, EqualsBoostOnDamagedShells) {
  for (Graph const& graph : damaged_shells()) {
    ASSERT_NO_FATAL_FAILURE(expect_boost(graph.batch, every_source(*graph.network), graph.name));
  }
}

// Shells whose rings are all broken, so that every way leads through other shells again and again.
TEST_P(EveryPathMethod, EqualsBoostWhereShellsHoldTogetherByOthersOnly) {
  Graph graph = testing::shells("loose", {walker(12, 12, 5), {"", 560, 60, 12, 12, 7}, walker(8, 15, 3)},
                                linked_shells(1));
  std::mt19937 random(6);
  for (std::uint32_t port = 0; port < 4; port += 2) {
    for (std::uint32_t node = 0; node < graph.batch.wiring->nodes; ++node) {
      std::size_t const entry = std::size_t{port} * graph.batch.wiring->nodes + node;
      std::uint32_t const other = graph.batch.wiring->neighbor[entry];
      if (other == node) continue;
      bool const up = random() % 2 == 0;
      auto const latency = up ? static_cast<Nanoseconds>(1 + random() % 5'000'000) : unreachable;
      graph.batch.latency_ns[entry] = latency;
      graph.batch.latency_ns[entry + graph.batch.wiring->nodes - node + other] = latency;
    }
  }
  ASSERT_NO_FATAL_FAILURE(expect_boost(graph.batch, every_source(*graph.network), "loose"));
}

// One way through all satellites: to and fro across the planes, each crossed at alternating ends.
TEST_P(EveryPathMethod, FollowsASnakeToItsEnd) {
  std::uint32_t const planes = 9, slots = 6;
  Network const network = grid({walker(planes, slots)}, Seam::cut);
  std::vector<std::uint32_t> snake;
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    for (std::uint32_t p = 0; p < planes; ++p) {
      snake.push_back((slot % 2 == 0 ? p : planes - 1 - p) * slots + slot);
    }
  }
  std::vector<std::uint32_t> place(snake.size());
  for (std::uint32_t i = 0; i < snake.size(); ++i) place[snake[i]] = i;
  std::vector<Nanoseconds> link_ns;
  for (Link const& link : network.wiring().links) {
    bool const in_snake = std::max(place[index(link.a)], place[index(link.b)]) ==
                          std::min(place[index(link.a)], place[index(link.b)]) + 1;
    link_ns.push_back(in_snake ? 5 : unreachable);
  }
  auto const table = paths(weighted(network, link_ns), every_source(network));
  for (std::uint32_t source = 0; source < snake.size(); ++source) {
    std::vector<Nanoseconds> expected;
    for (std::uint32_t const p : place) {
      expected.push_back(5 * (std::max(p, place[source]) - std::min(p, place[source])));
    }
    ASSERT_EQ(table->row(0, source), expected);
  }
}

TEST_P(EveryPathMethod, CountsHopsAroundTheRings) {
  std::uint32_t const planes = 12, slots = 10;
  Network const network = grid({walker(planes, slots)}, Seam::wrap);
  auto const table = paths(uniform(network, 1000), every_source(network));
  auto const around = [](std::uint32_t a, std::uint32_t b, std::uint32_t n) {
    std::uint32_t const ahead = (b + n - a) % n;
    return std::min(ahead, n - ahead);
  };
  for (std::uint32_t a = 0; a < planes * slots; ++a) {
    auto const row = table->row(0, a);
    for (std::uint32_t b = 0; b < planes * slots; ++b) {
      ASSERT_EQ(row[b], 1000 * (around(a / slots, b / slots, planes) + around(a % slots, b % slots, slots)));
    }
  }
}

TEST_P(EveryPathMethod, AnswersUpToTheLastNanosecondAndRefusesTheNext) {
  Network const network = grid({walker(1, 3)}, Seam::cut);
  Nanoseconds const half = unreachable / 2;  // twice that is the longest latency
  ASSERT_EQ(network.wiring().links.size(), 3u);
  std::vector<Nanoseconds> link_ns;
  for (Link const& link : network.wiring().links) {
    link_ns.push_back(link.a == satellite(0) && link.b == satellite(2) ? unreachable : half);
  }
  auto const fits = paths(weighted(network, link_ns), {satellite(0)});
  EXPECT_THAT(fits->row(0, 0), ::testing::ElementsAre(0, half, 2 * half));
  std::ranges::replace(link_ns, half, half + 1);
  EXPECT_THROW(paths(weighted(network, link_ns), {satellite(0)}), SaturationError);
  EXPECT_NO_THROW(paths(weighted(network, link_ns), {satellite(1)}));
}

TEST_P(EveryPathMethod, RefusesSaturationOfASingleSource) {
  // A row of planes with one satellite each; only the first is too far from the last.
  std::uint32_t const planes = 20;
  Network const network = grid({walker(planes, 1)}, Seam::cut);
  SnapshotBatch const row = uniform(network, unreachable / (planes - 1) + 1);
  std::vector<SatelliteId> sources;
  for (std::uint32_t plane = 1; plane + 1 < planes; ++plane) sources.push_back(satellite(plane));
  EXPECT_NO_THROW(paths(row, sources));
  sources.insert(sources.begin() + 5, satellite(0));
  EXPECT_THROW(paths(row, sources), SaturationError);
}

TEST_P(EveryPathMethod, IslandsAreUnreachableNotSaturated) {
  Network const network = grid({walker(4, 4)}, Seam::wrap);
  auto const on_island = [](SatelliteId id) { return id == satellite(5) || id == satellite(6); };
  Nanoseconds const hop = 430'000'000;  // one more than the four from satellite 0 would saturate
  std::vector<Nanoseconds> link_ns;
  for (Link const& link : network.wiring().links) {
    link_ns.push_back(on_island(link.a) == on_island(link.b) ? hop : unreachable);
  }
  auto const table = paths(weighted(network, link_ns), {satellite(0), satellite(5)});
  auto const from_main = table->row(0, 0);
  EXPECT_EQ(from_main[10], 4 * hop);
  for (std::uint32_t node = 0; node < 16; ++node) {
    EXPECT_EQ(from_main[node] == unreachable, on_island(satellite(node)));
    EXPECT_EQ(table->row(0, 1)[node], node == 5 ? 0 : node == 6 ? hop : unreachable);
  }
}

TEST_P(EveryPathMethod, TablesKeepTheirAnswersWhileOthersComeAndGo) {
  Network const network = grid({walker(6, 5)}, Seam::wrap);
  auto const sources = every_source(network);
  auto const kept = paths(uniform(network, 10), sources);
  auto const before = kept->row(0, 3);
  for (Nanoseconds const other : {20u, 30u, 40u}) {
    auto const passing = paths(uniform(network, other), sources);
    EXPECT_EQ(passing->row(0, 3)[4], other);
  }
  EXPECT_EQ(kept->row(0, 3), before);
}

TEST(PathPlan, SweepsRingsOnlyWhereThereAreShells) {
  Network const shells = grid({walker(4, 4), walker(3, 3)}, Seam::wrap);
  Graph const linked = testing::shells("linked", {walker(4, 4), walker(3, 3)}, linked_shells(1));
  Network const list(3, {{satellite(0), satellite(1), 5}}, {}, Seed{1});
  for (std::size_t const sources : {1u, 64u, 5000u}) {
    EXPECT_EQ(path_plan(shells.wiring(), sources).method, PathMethod::ring_sweep);
    EXPECT_EQ(path_plan(linked.network->wiring(), sources).method, PathMethod::ring_sweep);
    EXPECT_EQ(path_plan(list.wiring(), sources).method, PathMethod::relaxation);
  }
}

TEST(Relaxation, EqualsBoostOnListedGraphs) {
  std::vector<ListedLink> star;
  for (std::uint32_t leaf = 1; leaf < 40; ++leaf) star.push_back({satellite(0), satellite(leaf), leaf});
  std::vector<Graph> graphs{line(70),
                            two_components(),
                            listed("star", 41, star),
                            random_graph(90, 130, 1),
                            random_graph(150, 4000, 2),
                            listed("lonely", 1, {})};
  for (Graph& graph : damaged_lists()) graphs.push_back(std::move(graph));
  for (Graph const& graph : graphs) {
    auto const sources = every_source(*graph.network);
    for (std::uint32_t const lanes : {16u, 64u}) {
      auto const table =
          path_table({PathMethod::relaxation, lanes}, std::make_shared<PathMemory>(), graph.batch, sources);
      for (std::uint32_t slot = 0; slot < graph.batch.snapshots; ++slot) {
        for (std::uint32_t s = 0; s < sources.size(); ++s) {
          ASSERT_THAT(table->row(slot, s),
                      ::testing::ElementsAreArray(boost_dijkstra(graph.batch, slot, sources[s])))
              << graph.name << ", " << lanes << " lanes";
        }
      }
    }
  }
}

}  // namespace
}  // namespace spacemoe::testing
