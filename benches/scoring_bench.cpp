#include <cmath>
#include <stdexcept>

#include <benchmark/benchmark.h>

#include "benches/inputs.hpp"
#include "host/cpu/cpu_backend.hpp"

namespace spacemoe::benches {
namespace {

SamplingInput input(benchmark::State const& state) {
  auto const number = [&](std::size_t i) { return static_cast<std::uint32_t>(state.range(i)); };
  return {1, number(0), number(1), number(0) <= 16 ? 0.2 : 1.0};
}

/// Exact mean and variance of a layer after a swap of two experts, by Backend::move_scorer.
void move_scorer(benchmark::State& state) {
  SamplingInput const model = input(state);
  SwapInput const swaps(model);
  auto const scorer = swaps.scorer(*make_cpu_backend());
  for (auto _ : state) benchmark::DoNotOptimize(swaps.scores(*scorer));
  state.SetItemsProcessed(state.iterations() * swaps.swaps() * swaps.slots());
}

/// Costs of the layer alone in one slot.
class LayerCost {
 public:
  LayerCost(Nanoseconds const* expert_ns, std::uint32_t experts)
      : expert_ns_(expert_ns, expert_ns + experts), queue_ns_(experts), host_(experts) {}

  CostView view() const {
    return {1, static_cast<std::uint32_t>(host_.size()), 0, layer_ns_, expert_ns_, queue_ns_, host_, shares_};
  }

 private:
  std::vector<Nanoseconds> layer_ns_{0};
  std::vector<Nanoseconds> expert_ns_, queue_ns_;
  std::vector<std::uint16_t> host_;
  std::vector<std::uint8_t> shares_{0};
};

/// The peer: the same mean from the whole distribution of the layer, path latencies at hand. Its law is made
/// once. Stops where the means differ.
void layer_law(benchmark::State& state) {
  SamplingInput const model = input(state);
  SwapInput const swaps(model);
  std::uint32_t const experts = model.weights().experts;
  LayerLaw const law(RoutingLaw::plackett_luce, Span(model.weights().layer(0), experts),
                     model.routing().top_k);
  auto const backend = make_cpu_backend();
  auto const expert_ns = swaps.expert_ns(*backend);
  auto const scores = swaps.scores(*swaps.scorer(*backend));
  std::vector<LayerCost> costs;
  for (std::size_t at = 0; at < expert_ns.size(); at += experts) costs.emplace_back(&expert_ns[at], experts);
  for (std::size_t i = 0; i < costs.size(); ++i) {
    double const mean_ns = law.distribution(costs[i].view(), 0).mean_ns();
    if (!(std::abs(mean_ns - scores.mean_ns[i]) < 1e-9 * mean_ns)) {
      throw std::logic_error("the mean by the scorer is not that of the distribution");
    }
  }
  for (auto _ : state) {
    for (LayerCost const& cost : costs) benchmark::DoNotOptimize(law.distribution(cost.view(), 0).mean_ns());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(costs.size()));
}

// Items are swaps and slots.
void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"E", "K"})->Args({8, 2})->Args({16, 4})->Args({128, 8})->Args({256, 8});
  benchmark->Unit(benchmark::kMillisecond);
}

BENCHMARK(move_scorer)->Apply(shapes);
BENCHMARK(layer_law)->Name("layer_law_distribution")->Apply(shapes);

}  // namespace
}  // namespace spacemoe::benches
