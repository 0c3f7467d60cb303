#include <chrono>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>
#include <utility>

#include "host/cli/arguments.hpp"
#include "host/cli/backend_choice.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/memory_check.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/search_report.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/errors.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/io/result_file.hpp"
#include "host/io/scenario_file.hpp"
#include "host/io/search_checkpoint.hpp"
#include "host/search/memory.hpp"
#include "host/search/planned_bound.hpp"
#include "host/search/record.hpp"
#include "host/search/refined.hpp"
#include "host/search/verification.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t most_seconds = 1'000'000;
constexpr std::chrono::seconds between_checkpoints{10};

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> specs{
      {"o,output", "FILE",
       "write the result as HDF5; while the search runs, FILE.checkpoint lets it go on later"},
      {"start", "NAME",
       "a strategy, or a result or TOML file with a placement (default: the best of several)"},
      {"objective", "NAME",
       "mean, p50 to p99.9, cvar50 to cvar99.9, or with deviations as mean+2sd (default: the scenario's, "
       "mean)"},
      {"fixed-gateways", "", "move experts only"},
      {"moves", "N", "moves to try (default: as many as the size of the scenario suggests)"},
      {"time", "S", "search for so many seconds instead; the result then depends on the machine"},
      {"seed", "S", "seed of the search, and of outages and tokens"},
      {"tokens", "N", "tokens per placement in the result"},
      {"replications", "R", "fresh draws on which start and result are compared (default: 20)"},
      {"threads", "N", "CPU threads (default: all cores); changes no result"},
      {"format", "NAME", "table or json on standard output"}};
  for (auto& option : backend_options()) specs.push_back(std::move(option));
  return specs;
}

/// What the command line asks for.
struct Request {
  std::optional<std::filesystem::path> output;
  std::optional<std::string> start;
  std::optional<std::uint64_t> time_s;
  std::uint64_t replications = 20;
  std::string format;
};

/// Whatever lies in the current folder, a strategy's name is a strategy.
bool is_file(std::string const& start) {
  if (strategy_named(start)) return false;
  return std::filesystem::path(start).has_extension() || std::filesystem::exists(start);
}

ScenarioOverrides overrides(Arguments& arguments) {
  ScenarioOverrides overrides;
  auto const start = arguments.text("start");
  bool const from_file = start && is_file(*start);
  if (start && !from_file && (!strategy_named(*start) || *start == name(Strategy::refined))) {
    arguments.complain("start", "'" + *start + "' is neither a strategy to start from nor a file",
                       "see spacemoe optimize --help");
  }
  // What the scenario compares does not matter here.
  overrides.strategies = {start && !from_file ? *start : "greedy"};
  overrides.strategies_option = "--start";
  if (from_file) {
    overrides.strategies = {"file"};
    overrides.placements = PlacementFile{*start, std::nullopt, "--start", "--start"};
  }
  overrides.tokens = arguments.number("tokens", 1, most);
  overrides.seed = arguments.number("seed", 0, most);
  return overrides;
}

void apply(Arguments& arguments, SearchSettings& search) {
  auto const start = arguments.text("start");
  if (start) search.start = is_file(*start) ? std::string(name(Strategy::file)) : *start;
  if (auto const objective = arguments.text("objective")) {
    if (!objective_named(*objective))
      arguments.complain("objective", "'" + *objective + "' is not an objective", objectives_remedy);
    search.objective = *objective;
  }
  if (arguments.flag("fixed-gateways")) search.move_gateways = false;
  if (auto const moves = arguments.number("moves", 1, most_search_moves)) search.moves = moves;
  if (arguments.text("time")) {
    if (arguments.text("moves")) arguments.complain("time", "conflicts with --moves", "give one of the two");
    search.moves.reset();
  }
}

Evaluation evaluate_with_progress(Scenario const& scenario, Backend& backend, Placement const& found) {
  EvaluateOptions options;
  Progress progress("evaluating", "tokens");
  options.progress = [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); };
  options.refine = [&] { return found; };
  return evaluate(scenario, backend, options);
}

LowerBound bound_with_progress(SearchProblem const& problem, SearchResult const& result,
                               Placement const& start) {
  Progress progress("bounding from below", "pieces");
  return planned_bound(problem, result, start,
                       [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); });
}

Comparison compare_with_progress(Scenario const& scenario, Placement const& start, Placement const& found,
                                 Backend& backend, std::uint64_t replications) {
  ComparisonOptions options;
  options.replications = static_cast<std::uint32_t>(replications);
  Progress progress("comparing on fresh draws", "tokens");
  options.progress = [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); };
  return compare(scenario, start, found, backend, options);
}

/// Runs a search, keeping a checkpoint beside the result.
class Run {
 public:
  Run(Scenario const& scenario, Request const& request, std::string resolved)
      : scenario_(scenario), request_(request), resolved_(std::move(resolved)) {
    if (request.output) checkpoint_ = request.output->string() + ".checkpoint";
  }

  SearchResult search(SearchProblem const& problem, Placement const& start) {
    SearchOptions options = search_options(scenario_.search);
    if (request_.time_s) options.time_s = static_cast<double>(*request_.time_s);
    bool const timed = request_.time_s.has_value();
    auto state = checkpoint_ ? read_checkpoint(*checkpoint_, resolved_, timed) : std::nullopt;
    Search search(problem, start, options);
    if (state && !search.fits(*state)) {
      throw ScenarioError({checkpoint_->string(), "is damaged: its placements are none of this search",
                           "delete it to begin afresh, or write the result elsewhere"});
    }
    if (state) search.resume(std::move(*state));
    Progress progress("searching", "moves");
    auto last = std::chrono::steady_clock::now();
    while (search.step()) {
      std::uint64_t const moves = search.state().moves();
      if (double const share = search.progress(); share > 0) {
        progress.show(moves, static_cast<std::uint64_t>(static_cast<double>(moves) / share));
      }
      if (interrupt_arrived()) search.interrupt();
      bool const due = std::chrono::steady_clock::now() - last >= between_checkpoints;
      if (checkpoint_ && (due || interrupt_arrived())) {
        write_checkpoint(*checkpoint_, resolved_, timed, search.state());
        last = std::chrono::steady_clock::now();
      }
    }
    return verified(problem, options.objective, start, search.result());
  }

  /// When the result is written and whole.
  void finish() const {
    if (checkpoint_ && !interrupt_arrived()) std::filesystem::remove(*checkpoint_);
  }

 private:
  Scenario const& scenario_;
  Request const& request_;
  std::string resolved_;
  std::optional<std::filesystem::path> checkpoint_;
};

void optimize(Scenario scenario, Request const& request, Backend& backend, std::string const& command_line) {
  require_memory("memory", search_bytes(scenario));
  SearchProblem const problem(scenario, backend);
  auto const [strategy, start] = search_start(problem);
  scenario.strategies = {strategy, Strategy::refined};
  scenario.random_placements = 1;
  if (strategy == Strategy::file) scenario.file_placements = {start};
  std::string const resolved = resolved_text(scenario);
  SearchRecord record{strategy,
                      strategy == Strategy::file ? *request.start : std::string(name(strategy)),
                      search_options(scenario.search).objective,
                      {},
                      {},
                      {}};
  Run run(scenario, request, resolved);
  record.result = run.search(problem, start);
  record.bound = bound_with_progress(problem, record.result, start);
  record.comparison =
      compare_with_progress(scenario, start, record.result.placement, backend, request.replications);
  Evaluation const evaluation = evaluate_with_progress(scenario, backend, record.result.placement);
  if (request.format == "json") {
    print_json(std::cout, scenario, record);
  } else {
    print_table(std::cout, scenario, record);
  }
  if (request.output) write_result(*request.output, scenario, resolved, evaluation, {command_line, &record});
  run.finish();
}

}  // namespace

int optimize_command(Invocation const& invocation) {
  Arguments arguments("optimize", "Moves experts and gateways of a placement until nothing gets better",
                      options(), invocation.words, {"SCENARIO"});
  if (arguments.help_wanted()) {
    std::cout << arguments.help();
    return 0;
  }
  Request request{arguments.output("output", {".h5", ".hdf5"}), arguments.text("start"),
                  arguments.number("time", 1, most_seconds),
                  arguments.number("replications", 2, 1000).value_or(20),
                  arguments.choice("format", {"table", "json"})};
  auto const threads = arguments.number("threads", 1, 4096);
  BackendChoice const backend_wanted = backend_choice(arguments);
  ScenarioOverrides const wanted = overrides(arguments);
  SearchSettings settings;
  apply(arguments, settings);
  arguments.check();

  Scenario scenario = load_scenario(arguments.file(), wanted);
  apply(arguments, scenario.search);
  auto const backend = make_backend(backend_wanted);
  watch_for_signals();
  with_threads(static_cast<unsigned>(threads.value_or(0)),
               [&] { optimize(std::move(scenario), request, *backend, invocation.line); });
  stop_if_interrupted(request.output
                          ? "the best so far was written; the same command goes on from its checkpoint"
                          : "the best so far is what was printed");
  return 0;
}

}  // namespace spacemoe
