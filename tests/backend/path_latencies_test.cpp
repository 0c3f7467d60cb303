#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/errors.hpp"
#include "host/evaluation/planning.hpp"
#include "host/io/scenario_file.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/boost_paths.hpp"
#include "tests/support/damaged_graphs.hpp"
#include "tests/support/graphs.hpp"

namespace spacemoe::testing {
namespace {

using PathLatencies = EveryBackend;

INSTANTIATE_TEST_SUITE_P(Backends, PathLatencies, ::testing::ValuesIn(backend_cases()), case_name);

std::vector<SatelliteId> all_sources(Graph const& graph) {
  std::vector<SatelliteId> sources;
  for (std::uint32_t i = 0; i < graph.network->wiring().nodes; ++i) sources.push_back(satellite(i));
  return sources;
}

Shell paper_shell() {
  return {"paper", 550, 87, 33, 32, 18};
}
Shell starlink_shell() {
  return {"starlink", 550, 53, 72, 22, 39};
}

LinkRules with_survival(double survival) {
  LinkRules rules;
  rules.survival = survival;
  return rules;
}

std::vector<Graph> graphs() {
  LinkRules phased;
  phased.seam = Seam::wrap_phased;
  LinkRules nearest = with_survival(0.9);
  nearest.inter_plane_partner = InterPlanePartner::nearest_phase;
  LinkRules crossing = with_survival(0.9);
  crossing.seam = Seam::wrap_phased;
  crossing.between_shells = BetweenShells::nearest;
  crossing.between_shells_range_km = 1000;
  LinkRules polar = with_survival(0.97);
  polar.latitude_limit_deg = 60;
  return {line(5),
          listed("one node", 1, {}),
          listed("ring", 6,
                 {{satellite(0), satellite(1), 3},
                  {satellite(1), satellite(2), 3},
                  {satellite(2), satellite(3), 3},
                  {satellite(3), satellite(4), 3},
                  {satellite(4), satellite(5), 3},
                  {satellite(0), satellite(5), 3}}),
          two_components(),
          random_graph(60, 120, 1),
          random_graph(200, 210, 2),
          random_graph(40, 700, 3),
          shells("paper", {paper_shell()}, with_survival(0.95), 3),
          shells("paper, 30 % of the links lost", {paper_shell()}, with_survival(0.7), 2),
          shells("starlink, phased seam", {starlink_shell()}, phased),
          shells("nearest phase", {starlink_shell()}, nearest),
          shells("polar cut-off", {paper_shell()}, polar, 2),
          shells("two shells", {{"a", 550, 53, 5, 7, 2}, {"b", 1200, 88, 4, 3, 1, Pattern::star}}, {}),
          shells("links between shells",
                 {{"a", 550, 53, 12, 11, 5}, {"b", 600, 88, 9, 12, 1}, {"c", 560, 40, 8, 9, 3}}, crossing, 3),
          shells("thin", {{"thin", 550, 53, 1, 9, 0}}, {}),
          shells("two by two", {{"tiny", 1400, 53, 2, 2, 1}}, phased)};
}

std::vector<SatelliteId> some_sources(Graph const& graph, std::size_t most) {
  auto sources = all_sources(graph);
  std::shuffle(sources.begin(), sources.end(), std::mt19937(9));
  sources.resize(std::min(sources.size(), most));
  return sources;
}

/// Two slots of a constellation as it is filed, damaged.
Graph mega_constellation(std::string const& scenario_file, DamageFamily family) {
  Scenario scenario = load_scenario(SPACEMOE_DATA "/scenarios/" + scenario_file);
  scenario.time.slots = 2;
  Damage damage;
  damage[family] = 0.2;
  auto const network = std::make_shared<Network>(make_network(scenario));
  DamagedNetwork const broken(*network, damage, scenario.seed, some_targets(network->wiring()));
  auto slots = damaged_snapshots(scenario, *network, broken, 0, 2, Purpose::evaluation_outage);
  return {scenario_file + ", " + std::string(name(family)), network, std::move(slots.batch)};
}

void expect_boost(Backend& backend, Graph const& graph, std::vector<SatelliteId> const& sources) {
  auto const table = backend.path_latencies(graph.batch, sources);
  for (std::uint32_t snapshot = 0; snapshot < graph.batch.snapshots; ++snapshot) {
    for (std::uint32_t s = 0; s < sources.size(); ++s) {
      auto const expected = boost_dijkstra(graph.batch, snapshot, sources[s]);
      ASSERT_THAT(table->row(snapshot, s), ::testing::ElementsAreArray(expected))
          << graph.name << ", snapshot " << snapshot << ", source " << index(sources[s]);
    }
  }
}

TEST_P(PathLatencies, EqualBoostDijkstra) {
  for (auto const& graph : graphs()) {
    run([&] { expect_boost(backend(), graph, some_sources(graph, 40)); });
  }
}

TEST_P(PathLatencies, EqualBoostDijkstraOnDamagedNetworks) {
  for (auto const& networks : {damaged_shells(), damaged_lists()}) {
    for (Graph const& graph : networks) {
      run([&] { expect_boost(backend(), graph, some_sources(graph, 40)); });
    }
  }
}

TEST_P(PathLatencies, EqualBoostDijkstraOnMegaConstellations) {
  for (auto const family : {DamageFamily::satellites, DamageFamily::links}) {
    for (auto const& file : {"kuiper-mixtral.toml", "starlink-gen1-qwen3.toml"}) {
      Graph const graph = mega_constellation(file, family);
      run([&] { expect_boost(backend(), graph, some_sources(graph, 20)); });
    }
  }
}

// What the damaged graphs are there for is in them.
TEST(DamagedGraphs, HaveIslandsAndSatellitesThatAreOff) {
  std::size_t alone = 0, on_islands = 0, whole = 0, changing = 0;
  for (Graph const& graph : damaged_shells()) {
    std::uint32_t const nodes = graph.batch.wiring->nodes;
    auto const crossing = std::span(graph.batch.crossing);
    if (!crossing.empty() && !std::ranges::equal(crossing.first(nodes), crossing.last(nodes))) ++changing;
    for (SatelliteId const source : all_sources(graph)) {
      auto const latency = boost_dijkstra(graph.batch, 0, source);
      auto const reached = nodes - static_cast<std::uint32_t>(std::ranges::count(latency, unreachable));
      ++(reached == 1 ? alone : reached == nodes ? whole : on_islands);
    }
  }
  EXPECT_GT(alone, 100u);
  EXPECT_GT(on_islands, 1000u);
  EXPECT_GT(whole, 1000u);
  EXPECT_GT(changing, 20u);
}

TEST_P(PathLatencies, DoNotDependOnWhichSourcesAreAskedFor) {
  Graph const graph = shells("paper", {paper_shell()}, with_survival(0.9));
  auto const all = all_sources(graph);
  run([&] {
    auto const whole = backend().path_latencies(graph.batch, all);
    for (std::size_t const count : {1u, 15u, 16u, 17u, 33u}) {
      auto const some = some_sources(graph, count);
      auto const part = backend().path_latencies(graph.batch, some);
      for (std::uint32_t s = 0; s < some.size(); ++s) {
        ASSERT_EQ(part->row(0, s), whole->row(0, static_cast<std::uint32_t>(index(some[s]))));
      }
    }
    EXPECT_NO_THROW(backend().path_latencies(graph.batch, {}));
  });
}

/// Three lossy slots of a shell, and of damaged shells that are linked otherwise in every slot.
std::vector<Graph> graphs_of_three_slots(double survival) {
  LinkRules linked = with_survival(survival);
  linked.between_shells = BetweenShells::nearest;
  linked.between_shells_range_km = 2000;
  Graph const whole = shells(
      "linked", {{"a", 550, 53, 16, 22, 5}, {"b", 600, 88, 20, 18, 1}, {"c", 1100, 40, 8, 30}}, linked);
  Damage damage;
  damage[DamageFamily::satellites] = damage[DamageFamily::storm] = 0.05;
  return {shells("paper", {paper_shell()}, with_survival(survival), 3),
          damaged("linked and damaged", whole.network, damage, 3)};
}

TEST_P(PathLatencies, GatherLooksUpRows) {
  for (Graph const& graph : graphs_of_three_slots(0.95)) {
    auto const sources = some_sources(graph, 20);
    run([&] {
      auto const table = backend().path_latencies(graph.batch, sources);
      std::vector<PathQuery> const queries{{3, satellite(7)}, {19, satellite(900)}, {0, sources[0]}};
      std::vector<Nanoseconds> expected;
      for (std::uint32_t snapshot = 0; snapshot < 3; ++snapshot) {
        for (Nanoseconds const latency : {table->row(snapshot, 3)[7], table->row(snapshot, 19)[900], 0u}) {
          expected.push_back(latency);
        }
      }
      EXPECT_EQ(table->gather(queries), expected);
      EXPECT_TRUE(table->gather({}).empty());
      EXPECT_TRUE(backend().path_latencies(graph.batch, {})->gather({}).empty());
    });
  }
}

void expect_sums_of_rows(PathTable const& table, Graph const& graph, std::size_t sources, LostPath lost) {
  std::vector<std::uint64_t> expected;
  std::size_t unreached = 0;
  for (std::uint32_t s = 0; s < sources; ++s) {
    std::vector<std::uint64_t> sum(graph.batch.wiring->nodes);
    for (std::uint32_t snapshot = 0; snapshot < 3; ++snapshot) {
      auto const row = table.row(snapshot, s);
      std::uint64_t greatest = 0;
      for (auto const latency : row) greatest = std::max<std::uint64_t>(greatest, latency % unreachable);
      for (std::size_t node = 0; node < row.size(); ++node) {
        bool const is_lost = row[node] == unreachable;
        unreached += is_lost ? 1 : 0;
        sum[node] += is_lost ? lost.times_greatest * greatest + lost.more_ns : row[node];
        sum[node] = std::min(sum[node], std::uint64_t{1} << 62);
      }
    }
    expected.insert(expected.end(), sum.begin(), sum.end());
  }
  EXPECT_GT(unreached, 0u);
  EXPECT_EQ(table.sums(lost), expected) << graph.name;
}

TEST_P(PathLatencies, SumsAddRowsUp) {
  for (Graph const& graph : graphs_of_three_slots(0.5)) {
    for (std::size_t const count : {5u, 300u}) {
      auto const sources = some_sources(graph, count);
      for (LostPath const lost : {LostPath{0, 0}, LostPath{2, 7}, LostPath{0, forbidden_ns}}) {
        run([&] {
          auto const table = backend().path_latencies(graph.batch, sources);
          expect_sums_of_rows(*table, graph, count, lost);
        });
      }
    }
    EXPECT_TRUE(backend().path_latencies(graph.batch, {})->sums({0, 0}).empty());
  }
}

TEST_P(PathLatencies, SlotsOfABatchKnowNothingOfEachOther) {
  for (Graph const& graph : graphs_of_three_slots(0.9)) {
    auto const sources = some_sources(graph, 20);
    run([&] {
      auto const all = backend().path_latencies(graph.batch, sources);
      SnapshotBatch reversed = part(graph.batch, 2, 1);
      for (std::uint32_t const slot : {1u, 0u}) append(reversed, part(graph.batch, slot, 1));
      auto const backwards = backend().path_latencies(reversed, sources);
      for (std::uint32_t slot = 0; slot < 3; ++slot) {
        auto const alone = backend().path_latencies(part(graph.batch, slot, 1), sources);
        for (std::uint32_t s = 0; s < sources.size(); ++s) {
          ASSERT_EQ(all->row(slot, s), alone->row(0, s)) << graph.name;
          ASSERT_EQ(all->row(slot, s), backwards->row(2 - slot, s)) << graph.name;
        }
      }
    });
  }
}

TEST_P(PathLatencies, AreSymmetricMetricsNoShorterThanLight) {
  Graph const graph = shells("starlink", {starlink_shell()}, with_survival(0.8));
  auto const sources = some_sources(graph, 24);
  Constellation constellation;
  constellation.shells = {starlink_shell()};
  auto const where = states(constellation, 0);
  run([&] {
    auto const table = backend().path_latencies(graph.batch, sources);
    for (std::uint32_t a = 0; a < sources.size(); ++a) {
      auto const from_a = table->row(0, a);
      for (std::uint32_t b = 0; b < sources.size(); ++b) {
        auto const from_b = table->row(0, b);
        Nanoseconds const direct = from_a[index(sources[b])];
        ASSERT_EQ(direct, from_b[index(sources[a])]);
        auto const& p = where[index(sources[a])].position_km;
        auto const& q = where[index(sources[b])].position_km;
        double const chord_ns = std::hypot(p.x - q.x, p.y - q.y, p.z - q.z) / light_speed_km_s * 1e9;
        ASSERT_GE(direct + 1000.0, chord_ns);  // every hop is rounded to a nanosecond
        for (std::size_t c = 0; c < from_a.size(); c += 97) {
          ASSERT_LE(std::uint64_t{from_a[c]}, std::uint64_t{direct} + from_b[c]);
        }
      }
    }
  });
}

TEST_P(PathLatencies, RenamingSatellitesChangesNothing) {
  std::uint32_t const nodes = 80;
  Graph const graph = random_graph(nodes, 150, 8);
  std::vector<std::uint32_t> name(nodes);
  std::iota(name.begin(), name.end(), 0u);
  std::shuffle(name.begin(), name.end(), std::mt19937(4));
  std::vector<ListedLink> renamed;
  for (std::size_t i = 0; i < graph.network->wiring().links.size(); ++i) {
    Link const& link = graph.network->wiring().links[i];
    Nanoseconds const latency = graph.network->snapshot(0, 0, Purpose::evaluation_outage).latency_ns[i];
    renamed.push_back({satellite(name[index(link.a)]), satellite(name[index(link.b)]), latency});
  }
  Graph const other = listed("renamed", nodes, renamed);
  run([&] {
    auto const before = backend().path_latencies(graph.batch, all_sources(graph));
    auto const after = backend().path_latencies(other.batch, all_sources(other));
    for (std::uint32_t a = 0; a < nodes; ++a) {
      auto const row = before->row(0, a);
      auto const renamed_row = after->row(0, name[a]);
      for (std::uint32_t b = 0; b < nodes; ++b) ASSERT_EQ(row[b], renamed_row[name[b]]);
    }
  });
}

TEST_P(PathLatencies, MoreLinksNeverHurt) {
  Graph const sparse = shells("sparse", {paper_shell()}, with_survival(0.8));
  Graph const full = shells("full", {paper_shell()}, {});
  auto const sources = some_sources(sparse, 16);
  run([&] {
    auto const worse = backend().path_latencies(sparse.batch, sources);
    auto const better = backend().path_latencies(full.batch, sources);
    for (std::uint32_t s = 0; s < sources.size(); ++s) {
      auto const slow = worse->row(0, s);
      auto const fast = better->row(0, s);
      for (std::size_t n = 0; n < slow.size(); ++n) ASSERT_LE(fast[n], slow[n]);
    }
  });
}

TEST_P(PathLatencies, SaturationIsAnErrorNotAnAnswer) {
  Nanoseconds const second = 1'000'000'000;
  std::vector<ListedLink> const links{{satellite(0), satellite(1), second},
                                      {satellite(1), satellite(2), second},
                                      {satellite(2), satellite(3), second}};
  Graph const longest = listed("three seconds", 4, links);
  Graph const two = listed("two seconds", 3, {links[0], links[1]});
  run([&] {
    EXPECT_THROW(backend().path_latencies(longest.batch, std::vector{satellite(0)}), SaturationError);
    EXPECT_EQ(backend().path_latencies(two.batch, std::vector{satellite(0)})->row(0, 0)[2], 2 * second);
  });
}

}  // namespace
}  // namespace spacemoe::testing
