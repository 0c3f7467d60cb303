#include <benchmark/benchmark.h>

#include "benches/inputs.hpp"

namespace spacemoe::benches {
namespace {

constexpr std::uint32_t layers = 4;

SamplingInput input(benchmark::State const& state) {
  auto const number = [&](std::size_t i) { return static_cast<std::uint32_t>(state.range(i)); };
  return {layers, number(0), number(1), 0.8};
}

/// What a layer's law works out once per model.
void layer_law(benchmark::State& state) {
  SamplingInput const model = input(state);
  auto const experts = model.weights().experts;
  for (auto _ : state) {
    for (std::uint32_t l = 0; l < layers; ++l) {
      benchmark::DoNotOptimize(LayerLaw(RoutingLaw::plackett_luce, Span(model.weights().layer(l), experts),
                                        model.routing().top_k));
    }
  }
  state.SetItemsProcessed(state.iterations() * layers);
}

/// The distribution of a layer's latency, once per layer and cell.
void layer_distributions(benchmark::State& state) {
  SamplingInput const model = input(state);
  for (auto _ : state) benchmark::DoNotOptimize(model.distributions());
  state.SetItemsProcessed(state.iterations() * layers);
}

/// Its integer table.
void layer_tables(benchmark::State& state) {
  SamplingInput const model = input(state);
  auto const distributions = model.distributions();
  for (auto _ : state) benchmark::DoNotOptimize(LayerTables(distributions, 0));
  state.SetItemsProcessed(state.iterations() * layers);
}

// Items are layers.
void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"E", "K"})->Args({8, 2})->Args({16, 4})->Args({128, 8})->Args({384, 8});
  benchmark->Unit(benchmark::kMicrosecond);
}

BENCHMARK(layer_law)->Apply(shapes);
BENCHMARK(layer_distributions)->Apply(shapes);
BENCHMARK(layer_tables)->Apply(shapes);

}  // namespace
}  // namespace spacemoe::benches
