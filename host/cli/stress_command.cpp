#include <algorithm>
#include <charconv>
#include <iostream>
#include <limits>

#include "host/cli/arguments.hpp"
#include "host/cli/backend_choice.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/memory_check.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/stress_report.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/io/scenario_file.hpp"
#include "host/io/stress_result.hpp"
#include "host/io/suggestion.hpp"
#include "host/search/refined.hpp"
#include "host/stress/stress.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> specs{
      {"o,output", "FILE", "write the result as HDF5"},
      {"damage", "A,B", "families of damage (default: satellites)"},
      {"levels", "X,Y", "levels of damage, from 0 to 1 (default: 0,0.05,0.1,0.2,0.3)"},
      {"draws", "N", "draws of damage, outages and tokens (default: 16)"},
      {"penalty-ms", "MS", "what policy `penalty` adds for a layer (default: 1000)"},
      {"repair", "MB", "also repair"},
      {"placement", "FILE", "also stress the placement of a result or TOML file, as strategy \"file\""},
      {"placement-strategy", "NAME", "whose placement of that result (default: the only one, or refined)"},
      {"strategies", "A,B", "stress these strategies instead of the scenario's"},
      {"tokens", "N", "tokens per strategy and level, shared out among draws"},
      {"seed", "S", "seed of damage, outages, random placements and tokens"},
      {"threads", "N", "CPU threads (default: all cores); changes no result"}};
  for (auto& option : backend_options()) specs.push_back(std::move(option));
  return specs;
}

std::vector<DamageFamily> families(Arguments& arguments) {
  std::vector<std::string_view> names;
  for (std::size_t f = 0; f < damage_families; ++f) names.push_back(name(static_cast<DamageFamily>(f)));
  std::vector<DamageFamily> chosen;
  for (std::string const& word : arguments.list("damage").value_or(std::vector<std::string>{"satellites"})) {
    auto const found = std::ranges::find(names, word);
    if (found == names.end()) {
      arguments.complain("damage", "'" + word + "' is not a family of damage", suggestion(word, names));
    } else {
      chosen.push_back(static_cast<DamageFamily>(found - names.begin()));
    }
  }
  return chosen;
}

std::optional<double> number_in(std::string const& text, double least, double greatest) {
  double value = 0;
  auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  if (!(value >= least && value <= greatest)) return std::nullopt;
  return value;
}

std::vector<double> levels(Arguments& arguments) {
  auto const words = arguments.list("levels");
  if (!words) return {0, 0.05, 0.1, 0.2, 0.3};
  std::vector<double> values;
  for (std::string const& word : *words) {
    auto const value = number_in(word, 0, 1);
    if (!value || (!values.empty() && *value <= values.back())) {
      arguments.complain("levels", "'" + word + "' is not a number from 0 to 1 above the one before",
                         "write them as 0,0.1,0.2");
      continue;
    }
    values.push_back(*value);
  }
  return values;
}

double penalty_ms(Arguments& arguments) {
  auto const text = arguments.text("penalty-ms");
  if (!text) return 1000;
  auto const value = number_in(*text, 0, 1e9);
  if (!value) arguments.complain("penalty-ms", "'" + *text + "' is out of range", "give 0 to 1e9 ms");
  return value.value_or(1000);
}

std::optional<PlacementFile> placement_file(Arguments& arguments) {
  auto const file = arguments.text("placement");
  auto strategy = arguments.text("placement-strategy");
  if (!file) {
    if (strategy) arguments.complain("placement-strategy", "has no effect", "give --placement, too");
    return std::nullopt;
  }
  return PlacementFile{*file, std::move(strategy), "--placement", "--placement-strategy"};
}

void refuse_orbits_of_lists(Scenario const& scenario, std::vector<DamageFamily> const& families) {
  std::vector<Complaint> complaints;
  for (DamageFamily const family : families) {
    if (!is_listed(scenario) || !needs_orbits(family)) continue;
    complaints.push_back(
        {"--damage", std::string(name(family)) + " needs orbits, which network = \"edges\" does not have",
         "use satellites, links, or an attack"});
  }
  if (!complaints.empty()) throw ScenarioError(std::move(complaints));
}

Stress stress_with_progress(Scenario const& scenario, Backend& backend, StressOptions options) {
  require_memory("memory", evaluation_bytes(scenario, {}));
  options.refine = [&] { return refined(scenario, backend, [](double) { stop_if_interrupted(); }); };
  Progress progress("stressing", "levels");
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.show(done, total);
    stop_if_interrupted();
  };
  return stress(scenario, backend, options);
}

}  // namespace

int stress_command(Invocation const& invocation) {
  Arguments arguments("stress", "Placements on damaged networks, level by level", options(),
                      invocation.words);
  if (arguments.help_wanted()) {
    std::cout << arguments.help();
    return 0;
  }
  StressOptions stress_options;
  stress_options.families = families(arguments);
  stress_options.levels = levels(arguments);
  stress_options.draws = static_cast<std::uint32_t>(arguments.number("draws", 2, 100'000).value_or(16));
  stress_options.penalty_ms = penalty_ms(arguments);
  if (auto const mb = arguments.text("repair")) stress_options.repair_bytes = *mb == "all" ? std::numeric_limits<double>::infinity() : 1e6 * number_in(*mb, 0, 1e12).value_or(0);
  auto const output = arguments.output("output", {".h5", ".hdf5"});
  auto const threads = arguments.number("threads", 1, 4096);
  BackendChoice const backend_wanted = backend_choice(arguments);
  ScenarioOverrides const overrides{arguments.list("strategies"), arguments.number("tokens", 1, most),
                                    arguments.number("seed", 0, most), placement_file(arguments)};
  arguments.check();

  Scenario const scenario = load_scenario(arguments.file(), overrides);
  refuse_orbits_of_lists(scenario, stress_options.families);
  auto const backend = make_backend(backend_wanted);
  watch_for_signals();
  with_threads(static_cast<unsigned>(threads.value_or(0)), [&] {
    Stress const result = stress_with_progress(scenario, *backend, stress_options);
    print_table(std::cout, scenario, result);
    if (output)
      write_stress(*output, scenario, resolved_text(scenario), result, invocation.line,
                   std::string(backend->name()));
  });
  return 0;
}

}  // namespace spacemoe
