#include <benchmark/benchmark.h>

#include "benches/inputs.hpp"
#include "host/cpu/cpu_backend.hpp"

namespace spacemoe::benches {
namespace {

/// Items are pairs of a source and a satellite.
void path_latencies(benchmark::State& state, PathInput const& input) {
  auto const backend = make_cpu_backend();
  auto const from = sources(input.nodes(), static_cast<std::uint32_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(backend->path_latencies(input.batch, from));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(from.size()) * input.nodes());
}

void shell_paths(benchmark::State& state, std::string const& walker, double survival) {
  path_latencies(state, shell(walker, survival));
}

void listed_paths(benchmark::State& state, std::string const& walker, double survival) {
  path_latencies(state, listed(shell(walker, survival)));
}

// Sources; 0 is all of them.
#define PATHS(name, walker, survival)                     \
  BENCHMARK_CAPTURE(shell_paths, name, walker, survival)  \
      ->ArgName("sources")                                \
      ->Arg(16)                                           \
      ->Arg(64)                                           \
      ->Arg(256)                                          \
      ->Unit(benchmark::kMicrosecond);                    \
  BENCHMARK_CAPTURE(listed_paths, name, walker, survival) \
      ->ArgName("sources")                                \
      ->Arg(64)                                           \
      ->Unit(benchmark::kMicrosecond)

PATHS(72x22, "D:550:53:1584/72/39", 1);
PATHS(72x22_survival_0.9, "D:550:53:1584/72/39", 0.9);
PATHS(66x66, "D:550:53:4356/66/33", 1);
PATHS(100x100, "D:550:53:10000/100/50", 1);
BENCHMARK_CAPTURE(shell_paths, 72x22, "D:550:53:1584/72/39", 1)
    ->ArgName("sources")
    ->Arg(0)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace spacemoe::benches
