#include <iostream>

#include "host/cli/arguments.hpp"
#include "host/cli/backend_choice.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/memory_check.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/refining.hpp"
#include "host/cli/report.hpp"
#include "host/cli/scenario_choice.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/io/result_file.hpp"
#include "host/io/scenario_file.hpp"

namespace spacemoe {
namespace {

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> specs{
      {"o,output", "FILE", "write the result as HDF5"},
      {"strategies", "A,B", "evaluate these strategies instead of the scenario's"},
      {"placement", "FILE", "also evaluate the placement of a result or TOML file, as strategy \"file\""},
      {"placement-strategy", "NAME", "whose placement of that result (default: the only one, or refined)"},
      {"replicas", "N", "further copies of every expert, instead of the scenario's (0 to 64)"},
      {"spare-gateways", "N", "further gateways of every layer, instead of the scenario's (0 to 64)"},
      {"tokens", "N", "tokens per strategy"},
      {"seed", "S", "seed of outages, random placements and tokens (activation weights have their own)"},
      {"threads", "N", "CPU threads (default: all cores); changes no result"},
      {"exact", "", "also compute the exact distribution"},
      {"load", "", "also compute what links and satellites bear: of random strategies, the first placement"},
      {"exact-quantiles", "", "draw all tokens twice and find their quantiles to the nanosecond"},
      {"format", "NAME", "table, json or csv on standard output"}};
  for (auto& option : backend_options()) specs.push_back(std::move(option));
  return specs;
}

Evaluation evaluate_with_progress(Scenario const& scenario, Backend& backend, EvaluateOptions options) {
  double const needed = evaluation_bytes(scenario, options);
  require_memory("memory", needed);
  options.refine = [&] { return refine_with_progress(scenario, backend); };
  Progress progress("evaluating (about " + bytes_text(needed) + " of memory)", "tokens");
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.show(done, total);
    stop_if_interrupted();
  };
  return evaluate(scenario, backend, options);
}

NetworkLoads loads_with_progress(Scenario const& scenario, Evaluation const& evaluation, Backend& backend) {
  std::vector<Placement> first;
  for (auto const& strategy : evaluation.strategies) first.push_back(strategy.placements.front());
  Progress progress("computing loads", "placements");
  return expected_loads(scenario, first, backend, [&](std::size_t done) {
    progress.show(done, first.size());
    stop_if_interrupted();
  });
}

void print(std::string const& format, Scenario const& scenario, Evaluation const& evaluation) {
  if (format == "json") {
    print_json(std::cout, scenario, evaluation);
  } else if (format == "csv") {
    print_csv(std::cout, scenario, evaluation);
  } else {
    print_table(std::cout, scenario, evaluation);
  }
}

}  // namespace

int evaluate_command(Invocation const& invocation) {
  Arguments arguments("evaluate", "Samples token latencies of every placement strategy of a scenario",
                      options(), invocation.words);
  if (arguments.help_wanted()) {
    std::cout << arguments.help();
    return 0;
  }
  auto const output = arguments.output("output", {".h5", ".hdf5"});
  auto const threads = arguments.number("threads", 1, 4096);
  BackendChoice const backend_wanted = backend_choice(arguments);
  std::string const format = arguments.choice("format", {"table", "json", "csv"});
  ScenarioOverrides const overrides = scenario_choice(arguments);
  bool const with_load = arguments.flag("load");
  arguments.check();

  Scenario const scenario = load_scenario(arguments.file(), overrides);
  auto const backend = make_backend(backend_wanted);
  watch_for_signals();
  EvaluateOptions evaluate_options;
  evaluate_options.exact = arguments.flag("exact");
  evaluate_options.exact_quantiles = arguments.flag("exact-quantiles");
  with_threads(static_cast<unsigned>(threads.value_or(0)), [&] {
    Evaluation evaluation = evaluate_with_progress(scenario, *backend, evaluate_options);
    if (with_load) evaluation.load = loads_with_progress(scenario, evaluation, *backend);
    print(format, scenario, evaluation);  // first, so that a full disk does not cost the figures, too
    if (output) write_result(*output, scenario, resolved_text(scenario), evaluation, {invocation.line});
  });
  return 0;
}

}  // namespace spacemoe
