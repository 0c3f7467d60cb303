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
#include "host/cli/refining.hpp"
#include "host/cli/scenario_choice.hpp"
#include "host/cli/stress_report.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/io/scenario_file.hpp"
#include "host/io/stress_result.hpp"
#include "host/io/suggestion.hpp"
#include "host/stress/memory.hpp"
#include "host/stress/stress.hpp"

namespace spacemoe {
namespace {

constexpr double bytes_per_mb = 1e6;

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> specs{
      {"o,output", "FILE", "write the result as HDF5"},
      {"damage", "A,B", "families of damage (default: satellites)"},
      {"levels", "X,Y", "levels of damage, rising from 0 to 1 (default: 0,0.05,0.1,0.2,0.3)"},
      {"draws", "N", "draws of damage, outages and tokens (default: 16)"},
      {"penalty-ms", "MS", "what policy \"penalty\" adds for a layer that misses an expert (default: 1000)"},
      {"repair", "MB", "also repair what is lost, sending at most so many megabytes of weights, or all"},
      {"strategies", "A,B", "stress these strategies instead of the scenario's"},
      {"placement", "FILE", "also stress the placement of a result or TOML file, as strategy \"file\""},
      {"placement-strategy", "NAME", "whose placement of that result (default: the only one, or refined)"},
      {"replicas", "N", "further copies of every expert, instead of the scenario's (0 to 64)"},
      {"spare-gateways", "N", "further gateways of every layer, instead of the scenario's (0 to 64)"},
      {"tokens", "N", "tokens per level and placement, shared out among draws"},
      {"seed", "S", "seed of damage, outages, random placements and tokens"},
      {"threads", "N", "CPU threads (default: all cores); changes no result"},
      {"format", "NAME", "table, json or csv on standard output"}};
  for (auto& option : backend_options()) specs.push_back(std::move(option));
  return specs;
}

std::vector<std::string_view> family_names(bool with_orbits = true) {
  std::vector<std::string_view> names;
  for (std::size_t f = 0; f < damage_families; ++f) {
    auto const family = static_cast<DamageFamily>(f);
    if (with_orbits || !needs_orbits(family)) names.push_back(name(family));
  }
  return names;
}

std::vector<DamageFamily> families(Arguments& arguments) {
  auto const words = arguments.list("damage");
  if (!words) return {DamageFamily::satellites};
  auto const names = family_names();
  std::vector<DamageFamily> chosen;
  for (std::string const& word : *words) {
    if (word.empty()) continue;  // complained of
    auto const found = std::ranges::find(names, word);
    if (found == names.end()) {
      arguments.complain("damage", "'" + word + "' is not a family of damage", suggestion(word, names));
      continue;
    }
    auto const family = static_cast<DamageFamily>(found - names.begin());
    if (std::ranges::find(chosen, family) != chosen.end()) {
      arguments.complain("damage", "'" + word + "' is named twice", "name it once");
    } else {
      chosen.push_back(family);
    }
  }
  return chosen;
}

/// The number that is all of a text.
std::optional<double> number(std::string const& text) {
  double value = 0;
  auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<double> levels(Arguments& arguments) {
  auto const words = arguments.list("levels");
  if (!words) return {0, 0.05, 0.1, 0.2, 0.3};
  std::vector<double> values;
  for (std::string const& word : *words) {
    if (word.empty()) continue;  // complained of
    auto const value = number(word);
    if (!value || !(*value >= 0 && *value <= 1)) {
      arguments.complain("levels", "'" + word + "' is not a number from 0 to 1", "write levels as 0,0.1,0.2");
    } else if (!values.empty() && *value <= values.back()) {
      arguments.complain("levels", "'" + word + "' is not above the level before it",
                         "name every level once, the least first");
    } else {
      values.push_back(*value);
    }
  }
  return values;
}

double penalty_ms(Arguments& arguments) {
  constexpr double usual_ms = 1000;
  auto const text = arguments.text("penalty-ms");
  if (!text) return usual_ms;
  auto const value = number(*text);
  if (!value || !(*value >= 0 && *value <= 1e9)) {
    arguments.complain("penalty-ms", "'" + *text + "' is not a number from 0 to 1e9",
                       "give milliseconds, such as 500");
  }
  return value.value_or(usual_ms);
}

std::optional<double> repair_bytes(Arguments& arguments) {
  auto const text = arguments.text("repair");
  if (!text) return std::nullopt;
  if (*text == "all") return std::numeric_limits<double>::infinity();
  auto const value = number(*text);
  if (!value || !(*value > 0 && *value <= 1e15)) {
    arguments.complain("repair", "'" + *text + "' is neither a number above 0 nor all",
                       "give megabytes of weights, such as 500, or all");
  }
  return bytes_per_mb * value.value_or(1);
}

StressOptions stress_options(Arguments& arguments) {
  StressOptions options;
  options.families = families(arguments);
  options.levels = levels(arguments);
  options.draws = static_cast<std::uint32_t>(arguments.number("draws", 2, 100'000).value_or(options.draws));
  options.penalty_ms = penalty_ms(arguments);
  options.repair_bytes = repair_bytes(arguments);
  return options;
}

/// What is wrong with a stress test of this scenario.
void check(Scenario const& scenario, StressOptions const& options, bool tokens_given) {
  std::vector<Complaint> complaints;
  for (DamageFamily const family : options.families) {
    if (!is_listed(scenario) || !needs_orbits(family)) continue;
    complaints.push_back(
        {"--damage", std::string(name(family)) + " needs orbits, which network = \"edges\" does not have",
         valid_words(family_names(false))});
  }
  if (scenario.tokens < options.draws) {
    complaints.push_back({tokens_given ? "--tokens" : "evaluation.tokens",
                          std::to_string(scenario.tokens) + " are too few to share out among " +
                              std::to_string(options.draws) + " draws",
                          "give at least as many tokens as draws, or fewer --draws"});
  }
  if (options.repair_bytes && scenario.model.expert_bytes == 0) {
    complaints.push_back({"--repair", "the model does not say how large an expert is, whose weights are sent",
                          "give expert_bytes in [model]"});
  }
  if (!complaints.empty()) throw ScenarioError(std::move(complaints));
}

Stress stress_with_progress(Scenario const& scenario, Backend& backend, StressOptions options) {
  double const needed = stress_bytes(scenario, options);
  require_memory("memory", needed);
  options.refine = [&] { return refine_with_progress(scenario, backend); };
  Progress progress("stressing (about " + bytes_text(needed) + " of memory)", "levels");
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
  StressOptions const wanted = stress_options(arguments);
  auto const output = arguments.output("output", {".h5", ".hdf5"});
  auto const threads = arguments.number("threads", 1, 4096);
  BackendChoice const backend_wanted = backend_choice(arguments);
  std::string const format = arguments.choice("format", {"table", "json", "csv"});
  ScenarioOverrides const overrides = scenario_choice(arguments);
  arguments.check();

  Scenario const scenario = load_scenario(arguments.file(), overrides);
  check(scenario, wanted, overrides.tokens.has_value());
  auto const backend = make_backend(backend_wanted);
  watch_for_signals();
  with_threads(static_cast<unsigned>(threads.value_or(0)), [&] {
    Stress const result = stress_with_progress(scenario, *backend, wanted);
    auto const print = format == "json" ? print_json : format == "csv" ? print_csv : print_table;
    print(std::cout, scenario, wanted, result);  // first, so that a full disk does not cost the figures, too
    if (output) {
      write_stress(*output, scenario, resolved_text(scenario), wanted, result,
                   {invocation.line, std::string(backend->name())});
    }
  });
  return 0;
}

}  // namespace spacemoe
