#include <benchmark/benchmark.h>

#include "benches/inputs.hpp"

namespace spacemoe::benches {
namespace {

/// Positions, link rules, latencies and outages of one slot.
void snapshot(benchmark::State& state, std::string const& walker) {
  PathInput const input = shell(walker, 0.95);
  std::uint32_t slot = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(input.network->snapshot(slot, 10.0 * slot, Purpose::evaluation_outage));
    ++slot;
  }
  state.SetItemsProcessed(state.iterations() * input.nodes());
}

/// The neighbour table of one slot.
void neighbour_table(benchmark::State& state, std::string const& walker) {
  PathInput const input = shell(walker, 0.95);
  std::vector<Snapshot> const snapshots{input.network->snapshot(0, 0, Purpose::evaluation_outage)};
  for (auto _ : state) benchmark::DoNotOptimize(batch(input.network->wiring(), snapshots));
  state.SetItemsProcessed(state.iterations() * input.nodes());
}

BENCHMARK_CAPTURE(snapshot, 33x32, "D:550:87:1056/33/18")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(snapshot, 100x100, "D:550:53:10000/100/50")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(neighbour_table, 33x32, "D:550:87:1056/33/18")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(neighbour_table, 100x100, "D:550:53:10000/100/50")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace spacemoe::benches
