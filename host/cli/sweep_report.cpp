#include "host/cli/sweep_report.hpp"

#include <iostream>
#include <string>

#include "host/cli/columns.hpp"
#include "host/cli/memory_check.hpp"
#include "host/errors.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t failures_shown = 10;
constexpr int some_points_failed = 1;

std::string counted(std::uint64_t count, std::string const& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

void print_axes(std::ostream& out, std::vector<SweepAxis> const& axes) {
  for (SweepAxis const& axis : axes) {
    Coordinate const& coordinate = axis.coordinate;
    out << "axis " << coordinate.name << ": " << counted(axis.size(), "position") << ", "
        << coordinate.text(0);
    if (axis.size() > 1) out << " to " << coordinate.text(axis.size() - 1);
    if (coordinate.units != "1") out << ' ' << coordinate.units;
    for (std::size_t i = 0; i < axis.along.size(); ++i)
      out << (i == 0 ? "; with " : ", ") << axis.along[i].name;
    out << '\n';
  }
}

void print_title(std::ostream& out, SweepSetup const& setup) {
  if (!setup.plan().title.empty()) out << setup.plan().title << ": ";
  out << counted(setup.points(), "point") << '\n';
}

std::string duration(double seconds) {
  constexpr double minute = 60;
  constexpr double hour = 3600;
  if (seconds < 2 * minute) return format("%.2g s", seconds);
  return seconds < 2 * hour ? format("%.1f min", seconds / minute) : format("%.1f h", seconds / hour);
}

void print_summary(std::ostream& out, SweepSetup const& setup, SweepRecords const& records) {
  print_title(out, setup);
  std::uint64_t const finished = records.done_count() + records.failed_count();
  out << records.done_count() << " done, " << records.failed_count() << " failed";
  if (finished < setup.points()) out << ", " << setup.points() - finished << " left";
  out << '\n';
  std::uint64_t shown = 0;
  for (std::uint64_t point = 0; point < setup.points() && shown < failures_shown; ++point) {
    if (!records.has(point) || !records.failed(point)) continue;
    out << setup.name(point) << " failed: " << records.read(point)->failure << '\n';
    ++shown;
  }
  if (records.failed_count() > shown) out << "and " << records.failed_count() - shown << " more\n";
}

}  // namespace

void print_plan(std::ostream& out, SweepSetup const& setup, SweepEstimate const& estimate) {
  print_title(out, setup);
  print_axes(out, setup.plan().axes);
  out << "\npoint   memory  where\n";
  std::uint64_t infeasible = 0;
  for (std::uint64_t point = 0; point < setup.points(); ++point) {
    bool const fails = setup.infeasible(point);
    infeasible += fails ? 1 : 0;
    out << padded(std::to_string(point), 5) << ' '
        << padded(fails ? "-" : bytes_text(setup.check(point).bytes), 8) << "  "
        << point_text(setup.plan().axes, point);
    if (fails) out << ": cannot run: " << setup.check(point).failure;
    out << '\n';
  }
  out << '\n';
  if (infeasible > 0) out << counted(infeasible, "point") << " cannot run\n";
  out << "memory: " << bytes_text(setup.largest_point_bytes()) << " for the largest point, "
      << counted(estimate.concurrent, "point") << " at a time\n"
      << "time: about " << duration(estimate.work_s / estimate.concurrent) << " (from "
      << counted(estimate.trials, "short trial") << "; searches of \"refined\" come on top)\n";
}

void print_status(std::ostream& out, SweepSetup const& setup, SweepRecords const& records) {
  print_title(out, setup);
  std::uint64_t const finished = records.done_count() + records.failed_count();
  out << records.done_count() << " done, " << records.failed_count() << " failed, "
      << setup.points() - finished << " left\n";
  for (JournalState const& journal : records.journals()) {
    out << journal.file.filename().string() << ": " << counted(journal.records, "record") << ", "
        << (journal.being_written ? "being written" : "nobody is writing") << '\n';
  }
  if (records.journals().empty()) {
    out << (std::filesystem::exists(setup.output()) ? setup.output().string() + " is there\n"
                                                    : "nothing has been run\n");
  }
}

int finish_sweep(SweepSetup const& setup, std::vector<std::filesystem::path> const& other_outputs,
                 MissingPoints missing, RunProvenance const& provenance) {
  SweepRecords const records = setup.records(other_outputs);
  if (records.journals().empty() && std::filesystem::exists(setup.output())) {
    std::cout << "another process has put all points together in " << setup.output().string() << '\n';
    return 0;
  }
  std::uint64_t const left = setup.points() - records.done_count() - records.failed_count();
  if (left > 0 && missing == MissingPoints::are_wrong) {
    throw ScenarioError({setup.output().string(),
                         counted(left, "point") + " of " + std::to_string(setup.points()) + " are missing",
                         "run the shards that have them, name other outputs with --from, or give --partial"});
  }
  print_summary(std::cout, setup, records);
  if (left == 0 || missing == MissingPoints::will_do) setup.assemble(records, provenance);
  if (left == 0) setup.remove_journals();
  if (left > 0) std::cout << "what is done stays in " << setup.folder().string() << '\n';
  return records.failed_count() > 0 ? some_points_failed : 0;
}

}  // namespace spacemoe
