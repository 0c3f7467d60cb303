#include <benchmark/benchmark.h>

#include "benches/inputs.hpp"
#include "host/cpu/cpu_backend.hpp"

namespace spacemoe::benches {
namespace {

constexpr std::uint32_t layers = 32;
constexpr std::uint32_t tokens = 1 << 14;

SamplingInput input(benchmark::State const& state) {
  auto const number = [&](std::size_t i) { return static_cast<std::uint32_t>(state.range(i)); };
  return {layers, number(0), number(1), 0.8};
}

void routing_sampler(benchmark::State& state) {
  SamplingInput const model = input(state);
  auto const backend = make_cpu_backend();
  std::vector<TokenCell> const cells{{0, 0, tokens, model.cost()}};
  for (auto _ : state) benchmark::DoNotOptimize(backend->sample_tokens(model.routing(), {1}, cells));
  state.SetItemsProcessed(state.iterations() * tokens);
}

void order_statistic_sampler(benchmark::State& state) {
  SamplingInput const model = input(state);
  auto const backend = make_cpu_backend();
  std::vector<LayerCell> const cells{{0, 0, tokens, model.tables()}};
  for (auto _ : state) benchmark::DoNotOptimize(backend->sample_layers({1}, cells));
  state.SetItemsProcessed(state.iterations() * tokens);
}

// Items are tokens through 32 layers.
void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"E", "K"})->Args({8, 2})->Args({16, 4})->Args({64, 8})->Args({128, 8})->Args({384, 8});
  benchmark->Unit(benchmark::kMicrosecond);
}

BENCHMARK(routing_sampler)->Apply(shapes);
BENCHMARK(order_statistic_sampler)->Apply(shapes);

}  // namespace
}  // namespace spacemoe::benches
