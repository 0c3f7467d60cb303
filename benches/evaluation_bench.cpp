#include <filesystem>

#include <benchmark/benchmark.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/costs.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/planning.hpp"
#include "host/evaluation/summary.hpp"
#include "host/io/result_file.hpp"
#include "host/io/scenario_file.hpp"

namespace spacemoe::benches {
namespace {

constexpr char const* scenario_file = SPACEMOE_DATA "/scenarios/paper.toml";

Scenario paper_scenario() {
  return load_scenario(scenario_file, {{}, 100'000, {}});
}

void read_scenario(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(load_scenario(scenario_file));
}

/// Costs of one placement in one slot, its paths looked up in a table.
void costs_of_a_cell(benchmark::State& state) {
  Scenario const scenario = paper_scenario();
  Network const network = make_network(scenario);
  ComputeTimes const compute(scenario.model, scenario.compute);
  auto const backend = make_cpu_backend();
  PlanningPaths planning(scenario, network);
  PlacementPlanner planner(scenario, planning, compute, *backend);
  Placement const placement = planner.placements(Strategy::rand_place).front();
  PathSources const sources(placement.gateway);
  PlacementCosts const costs(scenario, compute, placement, sources);
  auto const paths =
      backend->path_latencies(snapshots(scenario, network, 0, 1, Purpose::evaluation_outage), sources.ids());
  for (auto _ : state) benchmark::DoNotOptimize(costs.in_slot(paths->gather(costs.queries())));
}

void summary(benchmark::State& state) {
  Scenario const scenario = paper_scenario();
  auto const backend = make_cpu_backend();
  Evaluation evaluation = evaluate(scenario, *backend, {});
  for (auto _ : state) {
    for (auto& strategy : evaluation.strategies) summarize(strategy, scenario.time.slots);
    compare_to_best(evaluation.strategies);
  }
}

/// HDF5, the synchronisation with the disk included.
void write_result_file(benchmark::State& state) {
  Scenario const scenario = paper_scenario();
  auto const backend = make_cpu_backend();
  Evaluation const evaluation = evaluate(scenario, *backend, {});
  auto const file = std::filesystem::temp_directory_path() / "spacemoe-bench.h5";
  for (auto _ : state) write_result(file, scenario, resolved_text(scenario), evaluation, {"benches"});
  std::filesystem::remove(file);
}

BENCHMARK(read_scenario)->Unit(benchmark::kMillisecond);
BENCHMARK(costs_of_a_cell)->Unit(benchmark::kMicrosecond);
BENCHMARK(summary)->Unit(benchmark::kMillisecond);
BENCHMARK(write_result_file)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spacemoe::benches
