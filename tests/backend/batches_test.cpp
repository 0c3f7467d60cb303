#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "host/errors.hpp"
#include "host/model/routing_tables.hpp"
#include "tests/support/backends.hpp"
#include "tests/support/graphs.hpp"

// Work that a backend cuts into batches, or a team into shares, beside the CPU backend, which is tested by
// hand elsewhere.

namespace spacemoe::testing {
namespace {

using Batches = EveryBackend;

INSTANTIATE_TEST_SUITE_P(Backends, Batches, ::testing::ValuesIn(backend_cases()), case_name);

void expect_cpu_latencies(Backend& backend, Graph const& graph, std::vector<SatelliteId> const& sources) {
  auto const expected = make_cpu_backend()->path_latencies(graph.batch, sources);
  auto const found = backend.path_latencies(graph.batch, sources);
  auto const last = static_cast<std::uint32_t>(sources.size() - 1);
  for (std::uint32_t snapshot = 0; snapshot < graph.batch.snapshots; ++snapshot) {
    ASSERT_EQ(found->row(snapshot, 0), expected->row(snapshot, 0)) << graph.name << ", snapshot " << snapshot;
  }
  std::vector<PathQuery> const queries{{last, satellite(11)}, {0, satellite(5)}};
  ASSERT_EQ(found->gather(queries), expected->gather(queries)) << graph.name;
  ASSERT_EQ(found->sums({2, 1}), expected->sums({2, 1})) << graph.name;
}

TEST_P(Batches, ManySnapshotsKeepTheirOrder) {
  LinkRules lossy;
  lossy.survival = 0.9;
  run([&] {
    expect_cpu_latencies(backend(), shells("2.5 MB of links", {{"shell", 550, 53, 40, 40, 1}}, lossy, 100),
                         {satellite(900), satellite(17)});
    LinkRules linked = lossy;
    linked.between_shells = BetweenShells::nearest;
    linked.between_shells_range_km = 1500;
    expect_cpu_latencies(
        backend(), shells("linked shells", {{"a", 550, 53, 30, 30, 1}, {"b", 600, 70, 20, 35}}, linked, 60),
        {satellite(1300), satellite(17)});
    for (std::uint32_t const snapshots : {1u, 2u, 3u, 4u, 5u}) {
      expect_cpu_latencies(backend(), shells("few", {{"shell", 550, 53, 6, 8, 1}}, lossy, snapshots),
                           {satellite(40)});
    }
  });
}

TEST_P(Batches, ASaturatedSnapshotAmongManyIsFound) {
  Graph graph = shells("2.5 MB of links", {{"shell", 550, 53, 40, 40, 1}}, {}, 100);
  std::size_t const ports = graph.batch.latency_ns.size() / graph.batch.snapshots;
  for (std::size_t at = 70 * ports; at < 71 * ports; ++at) {
    if (graph.batch.latency_ns[at] != unreachable) graph.batch.latency_ns[at] = unreachable / 4;
  }
  std::vector const sources{satellite(0)};
  run([&] { EXPECT_THROW(backend().path_latencies(graph.batch, sources), SaturationError); });
}

TEST_P(Batches, NoSnapshotsAreNoError) {
  Graph graph = line(12);
  graph.batch.snapshots = 0;
  graph.batch.latency_ns.clear();
  EXPECT_NE(backend().path_latencies(graph.batch, std::vector{satellite(3)}), nullptr);
}

/// Tokens per cell of some cells: many in one, none in some.
constexpr std::uint32_t token_counts[] = {0, 3, 0, 2000, 1, 0, 40, 5, 300, 0};
constexpr std::uint32_t cell_count = 50;

std::uint32_t token_count(std::uint32_t cell) {
  return token_counts[cell % std::size(token_counts)];
}

TEST_P(Batches, ManyLayerCellsKeepTheirOrder) {
  constexpr std::uint32_t layers = 5;
  constexpr std::uint32_t column_bits = 11;  // 80 KiB per cell
  std::mt19937 random(1);
  std::vector<std::uint32_t> alias;
  std::vector<Nanoseconds> latency_ns;
  for (std::uint32_t i = 0; i < layers << column_bits; ++i) {
    alias.push_back(static_cast<std::uint32_t>(random()));
    latency_ns.push_back(i == 7 ? unreachable : static_cast<Nanoseconds>(random() % 10'000'000));
  }
  std::vector<LayerCell> cells;
  for (std::uint32_t c = 0; c < cell_count; ++c) {
    cells.push_back({c / 4, 1000 * c, token_count(c), {layers, column_bits, c, alias, latency_ns}});
  }
  LatencyTally const expected = make_cpu_backend()->sample_layers({5}, cells);
  run([&] { EXPECT_EQ(backend().sample_layers({5}, cells), expected); });
}

TEST_P(Batches, ManyTokenCellsKeepTheirOrder) {
  constexpr std::uint32_t layers = 8;
  constexpr std::uint32_t experts = 1000;  // 80 KiB per cell
  std::mt19937 random(1);
  std::vector<Nanoseconds> const layer_ns(layers, 5);
  std::vector<std::uint8_t> const shares_hosts(layers, 1);
  std::vector<Nanoseconds> expert_ns;
  std::vector<std::uint16_t> host;
  for (std::uint32_t i = 0; i < layers * experts; ++i) {
    expert_ns.push_back(i == 7 ? unreachable : static_cast<Nanoseconds>(random() % 10'000'000));
    host.push_back(static_cast<std::uint16_t>(random() % 100));
  }
  std::vector<Nanoseconds> const queue_ns(expert_ns.size(), 100);
  std::vector<TokenCell> cells;
  for (std::uint32_t c = 0; c < cell_count; ++c) {
    CostView const cost{layers, experts, c, layer_ns, expert_ns, queue_ns, host, shares_hosts};
    cells.push_back({c / 4, 1000 * c, token_count(c), cost});
  }
  RoutingTables const routing(RoutingLaw::plackett_luce, log_normal_weights(layers, experts, 1, {3}), 4);
  LatencyTally const expected = make_cpu_backend()->sample_tokens(routing.view(), {5}, cells);
  run([&] { EXPECT_EQ(backend().sample_tokens(routing.view(), {5}, cells), expected); });
}

TEST_P(Batches, NoCellsAndNoTokensGiveEmptyTallies) {
  std::vector<Nanoseconds> const none_ns{1};
  std::vector<std::uint16_t> const host{0};
  std::vector<std::uint8_t> const shares_hosts{0};
  RoutingTables const routing(RoutingLaw::plackett_luce, uniform_weights(1, 1), 1);
  std::vector<TokenCell> cells;
  for (std::uint32_t count = 0; count < 3; ++count) {
    LatencyTally const tally = backend().sample_tokens(routing.view(), {5}, cells);
    EXPECT_EQ(tally, empty_tally(count, 1));
    cells.push_back({0, 4, 0, {1, 1, 0, none_ns, none_ns, none_ns, host, shares_hosts}});
  }
  EXPECT_EQ(backend().sample_layers({5}, {}), empty_tally(0, 0));
}

}  // namespace
}  // namespace spacemoe::testing
