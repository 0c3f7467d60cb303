#include <iostream>
#include <limits>
#include <utility>

#include "host/cli/arguments.hpp"
#include "host/cli/backend_choice.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/comparison_report.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/memory_check.hpp"
#include "host/cli/progress.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/io/placement_file.hpp"
#include "host/io/result_file.hpp"
#include "host/io/scenario_differences.hpp"
#include "host/io/scenario_file.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
/// The tokens of a slot are numbered in 32 bits.
constexpr std::uint64_t most_tokens = 0xffffffff;
constexpr std::size_t differences_shown = 10;

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> specs{
      {"strategy-a", "NAME", "whose placement of A (default: the only one, or refined)"},
      {"strategy-b", "NAME", "whose placement of B (likewise)"},
      {"placement-a", "N", "which placement of a random strategy of A (default: 0)"},
      {"placement-b", "N", "the same of B"},
      {"replications", "R", "evaluations of each, on outages and tokens of their own (default: 20)"},
      {"tokens", "N", "tokens per placement and replication (default: A's shared out, at least 100000)"},
      {"seed", "S", "seed of the replications (default: A's)"},
      {"threads", "N", "CPU threads (default: all cores); changes no result"},
      {"format", "NAME", "table or json on standard output"}};
  for (auto& option : backend_options()) specs.push_back(std::move(option));
  return specs;
}

/// The scenarios of results; complains of all that hold none.
std::vector<std::string> scenarios_of(std::vector<std::filesystem::path> const& files) {
  std::vector<std::string> scenarios;
  std::vector<Complaint> complaints;
  for (auto const& file : files) {
    try {
      scenarios.push_back(resolved_scenario(file));
    } catch (ScenarioError const& error) {
      complaints.insert(complaints.end(), error.complaints().begin(), error.complaints().end());
    }
  }
  if (!complaints.empty()) throw ScenarioError(std::move(complaints));
  return scenarios;
}

void refuse_differences(std::filesystem::path const& a, std::filesystem::path const& b) {
  auto const scenarios = scenarios_of({a, b});
  auto const differences = scenario_differences(scenarios[0], scenarios[1], KeysCompared::of_latencies);
  std::vector<Complaint> complaints;
  for (auto const& difference : differences) {
    if (complaints.size() == differences_shown) {
      complaints.push_back({b.string(), "differs in " + std::to_string(differences.size()) + " keys", ""});
      break;
    }
    complaints.push_back({difference.key,
                          difference.a + " in " + a.string() + ", " + difference.b + " in " + b.string(),
                          "compare placements of one scenario"});
  }
  if (!complaints.empty()) throw ScenarioError(std::move(complaints));
}

/// Which placement of a result the options ask for.
struct Wanted {
  std::string which;  ///< a or b
  std::optional<std::string> strategy;
  std::uint64_t number;
};

Wanted wanted(Arguments& arguments, std::string const& which) {
  return {which, arguments.text("strategy-" + which),
          arguments.number("placement-" + which, 0, most).value_or(0)};
}

struct Chosen {
  Placement placement;
  PlacementOrigin origin;
};

Chosen choose(std::filesystem::path const& file, Wanted const& wanted, Scenario const& scenario) {
  std::string const strategy = placed_strategy(file, wanted.strategy);
  std::vector<Complaint> complaints;
  std::string const option = "--strategy-" + wanted.which;
  auto placements = read_placement_file({file, strategy, option, option}, scenario, complaints);
  if (complaints.empty() && wanted.number >= placements.size()) {
    complaints.push_back({"--placement-" + wanted.which, std::to_string(wanted.number) + " is out of range",
                          strategy + " has placements 0 to " + std::to_string(placements.size() - 1)});
  }
  if (!complaints.empty()) throw ScenarioError(std::move(complaints));
  return {std::move(placements[wanted.number]), {file, strategy, wanted.number, placements.size()}};
}

void check_memory(Scenario scenario, Placement const& placement) {
  scenario.strategies = {Strategy::file};
  scenario.file_placements = {placement};
  EvaluateOptions options;
  options.exact_quantiles = true;
  require_memory("memory", evaluation_bytes(scenario, options));
}

Comparison compare_with_progress(Scenario const& scenario, Chosen const& a, Chosen const& b, Backend& backend,
                                 ComparisonOptions options) {
  Progress progress("comparing", "tokens");
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.show(done, total);
    stop_if_interrupted();
  };
  return compare(scenario, a.placement, b.placement, backend, options);
}

}  // namespace

int compare_command(Invocation const& invocation) {
  Arguments arguments("compare",
                      "Two placements of one scenario, side by side on draws that neither has seen",
                      options(), invocation.words, {"A.h5", "B.h5"});
  if (arguments.help_wanted()) {
    std::cout << arguments.help();
    return 0;
  }
  Wanted const wanted_a = wanted(arguments, "a");
  Wanted const wanted_b = wanted(arguments, "b");
  ComparisonOptions comparison_options;
  comparison_options.replications =
      static_cast<std::uint32_t>(arguments.number("replications", 2, 100'000).value_or(20));
  comparison_options.tokens = arguments.number("tokens", 1, most_tokens);
  ScenarioOverrides overrides;
  overrides.seed = arguments.number("seed", 0, most);
  auto const threads = arguments.number("threads", 1, 4096);
  BackendChoice const backend_wanted = backend_choice(arguments);
  std::string const format = arguments.choice("format", {"table", "json"});
  arguments.check();

  std::filesystem::path const file_a = arguments.file(0);
  std::filesystem::path const file_b = arguments.file(1);
  refuse_differences(file_a, file_b);
  Scenario scenario = parse_scenario(resolved_scenario(file_a), file_a / "scenario_resolved", overrides);
  scenario.redundancy = {};  // placements of results already have what they are to have
  Chosen const a = choose(file_a, wanted_a, scenario);
  Chosen const b = choose(file_b, wanted_b, scenario);
  for (Chosen const* chosen : {&a, &b}) check_memory(scenario, chosen->placement);
  auto const backend = make_backend(backend_wanted);
  watch_for_signals();
  with_threads(static_cast<unsigned>(threads.value_or(0)), [&] {
    Comparison const comparison = compare_with_progress(scenario, a, b, *backend, comparison_options);
    (format == "json" ? print_json : print_table)(std::cout, scenario, {a.origin, b.origin}, comparison);
  });
  return 0;
}

}  // namespace spacemoe
