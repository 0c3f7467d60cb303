#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <tbb/task_arena.h>

#include "host/cli/arguments.hpp"
#include "host/cli/backend_choice.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/memory_check.hpp"
#include "host/cli/progress.hpp"
#include "host/cli/sweep_report.hpp"
#include "host/cli/sweep_setup.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/sweep/mpi_job.hpp"
#include "host/sweep/runner.hpp"
#include "host/sweep/trial.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t trials = 5;

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> specs{
      {"o,output", "FILE", "write the result as HDF5; FILE.points keeps what is done until it is whole"},
      {"dry-run", "", "list the points, with the time and memory that they take, and run none"},
      {"status", "", "say how far the sweep into FILE is, whether it runs or not"},
      {"shard", "I/N",
       "run only every N-th point, from the I-th on (1 to N); spacemoe merge puts shards together"},
      {"threads", "N", "CPU threads (default: all cores); changes no result"}};
  for (auto& option : override_options()) specs.push_back(std::move(option));
  for (auto& option : backend_options()) specs.push_back(std::move(option));
  return specs;
}

/// One of several parts of a sweep.
struct Shard {
  std::uint64_t number = 1;  ///< from 1 on
  std::uint64_t of = 1;

  std::string writer() const {
    return of == 1 ? "main" : "shard-" + std::to_string(number) + "-of-" + std::to_string(of);
  }
  bool has(std::uint64_t point) const { return point % of == number - 1; }
};

Shard shard(Arguments& arguments) {
  auto const text = arguments.text("shard");
  Shard shard;
  if (!text) return shard;
  char const* const end = text->data() + text->size();
  auto const first = std::from_chars(text->data(), end, shard.number);
  bool const slash = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
  auto const second = std::from_chars(slash ? first.ptr + 1 : end, end, shard.of);
  if (slash && second.ec == std::errc() && second.ptr == end && shard.number >= 1 &&
      shard.number <= shard.of) {
    return shard;
  }
  arguments.complain("shard", "'" + *text + "' is no part of a sweep",
                     "write 1/4 for the first of four parts");
  return {};
}

/// Points that run at the same time: one per thread, as far as memory goes.
unsigned concurrent_points(SweepSetup const& setup) {
  constexpr double usable = 0.8;  // of what is free; estimates are rough, and others want some, too
  double const largest = setup.largest_point_bytes();
  require_memory("the largest point of the sweep", largest);
  double const fit = usable * available_bytes() / std::max(largest, 1.0);
  double const threads = tbb::this_task_arena::max_concurrency();
  return static_cast<unsigned>(std::clamp(fit, 1.0, threads));
}

RunOptions run_options(SweepSetup const& setup, Backend const& backend) {
  constexpr double share = 0.1;  // of what is free
  // Tables of a GPU lie in its own memory, and cost it little to compute again.
  double const shared = backend.name() == "cpu" ? share * available_bytes() : 0;
  return {concurrent_points(setup), shared};
}

void dry_run(SweepSetup const& setup, Backend& backend) {
  std::uint64_t const count = setup.points();
  std::uint64_t const runs = std::min(count, trials);
  double seconds = 0;
  Progress progress("trying some points", "points");
  for (std::uint64_t i = 0; i < runs; ++i) {
    std::uint64_t const point = (2 * i + 1) * count / (2 * runs);
    if (!setup.infeasible(point)) seconds += trial_seconds(setup.scenario(point), backend);
    progress.show(i + 1, runs);
    stop_if_interrupted();
  }
  double const all_s = seconds * static_cast<double>(count) / static_cast<double>(runs);
  print_plan(std::cout, setup, {all_s, concurrent_points(setup), runs});
}

/// Runs what is left of a sweep, or of a shard, alone or with the other processes of a job.
class Sweep {
 public:
  /// Throws ScenarioError where what lies there already belongs to another sweep.
  Sweep(SweepSetup const& setup, MpiJob const& job, Shard shard)
      : setup_(setup), job_(job), shard_(shard), journal_(checked_journal()) {}

  void run(Backend& backend) {
    std::vector<std::uint64_t> const left = job_.rank() == 0 ? points_left() : std::vector<std::uint64_t>{};
    Progress progress("sweeping", "points");
    std::uint64_t finished = 0;
    SweepHooks const hooks{[&](std::uint64_t point) { return setup_.scenario(point); },
                           [&](PointRecord const& record) {
                             journal_->append(record);
                             // Processes of a job are about equally fast.
                             if (job_.rank() == 0)
                               progress.show(++finished, left.size() / static_cast<std::size_t>(job_.size()));
                           },
                           [&] {
                             stop_if_interrupted("what is finished lies in " + setup_.folder().string() +
                                                 "; the same command goes on from there");
                           }};
    auto const source = job_.share(left);
    run_points(*source, backend, run_options(setup_, backend), hooks);
    journal_.reset();  // before the source says that this process is done
  }

 private:
  std::string writer() const {
    return job_.size() == 1 ? shard_.writer() : "rank-" + std::to_string(job_.rank());
  }

  SweepJournal checked_journal() const {
    setup_
        .records();  // whose journals are all of this sweep, or else this throws before another one is begun
    return setup_.journal(writer());
  }

  /// Points of the shard without a record; those that cannot run get theirs here.
  std::vector<std::uint64_t> points_left() {
    SweepRecords const records = setup_.records();
    std::vector<std::uint64_t> left;
    for (std::uint64_t point = 0; point < setup_.points(); ++point) {
      if (!shard_.has(point) || records.has(point)) continue;
      if (setup_.infeasible(point)) {
        journal_->append({point, setup_.check(point).failure, {}, 0});
      } else {
        left.push_back(point);
      }
    }
    sort_by_network(setup_.plan(), left);
    return left;
  }

  SweepSetup const& setup_;
  MpiJob const& job_;
  Shard shard_;
  std::optional<SweepJournal> journal_;
};

}  // namespace

int sweep_command(Invocation const& invocation) {
  Arguments arguments("sweep", "Evaluates a scenario at many points of its keys", options(), invocation.words,
                      {"SWEEP"});
  if (arguments.help_wanted()) {
    std::cout << arguments.help();
    return 0;
  }
  auto const output = arguments.output("output", {".h5", ".hdf5"});
  bool const dry = arguments.flag("dry-run");
  bool const status = arguments.flag("status");
  if (!output && !dry) arguments.complain("output", "missing", "name the file for the result");
  if (dry && status) arguments.complain("status", "conflicts with --dry-run", "give one of the two");
  Shard const part = shard(arguments);
  auto const threads = arguments.number("threads", 1, 4096);
  BackendChoice const backend_wanted = backend_choice(arguments);
  ScenarioOverrides const overrides = sweep_overrides(arguments);
  arguments.check();

  SweepSetup const setup(arguments.file(), overrides, output.value_or(""));
  if (status) {
    print_status(std::cout, setup, setup.records());
    return 0;
  }
  auto const backend = make_backend(backend_wanted);
  watch_for_signals();
  int exit_status = 0;
  with_threads(static_cast<unsigned>(threads.value_or(0)), [&] {
    if (dry) return dry_run(setup, *backend);
    MpiJob const job;
    if (job.size() > 1 && part.of > 1) {
      throw ScenarioError(
          {"--shard", "conflicts with MPI, whose processes share all points", "leave it out"});
    }
    if (!setup.done()) Sweep(setup, job, part).run(*backend);
    if (job.rank() == 0)
      exit_status =
          finish_sweep(setup, {}, MissingPoints::come_later, {invocation.line, std::string(backend->name())});
  });
  return exit_status;
}

}  // namespace spacemoe
