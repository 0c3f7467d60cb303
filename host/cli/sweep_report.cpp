#include "host/cli/sweep_report.hpp"

#include <algorithm>
#include <iostream>
#include <optional>
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

std::uint64_t points_left(SweepSetup const& setup, SweepRecords const& records) {
  return setup.points() - records.done_count() - records.failed_count();
}

void print_counts(std::ostream& out, SweepSetup const& setup, SweepRecords const& records) {
  print_title(out, setup);
  out << records.done_count() << " done, " << records.failed_count() << " failed";
  if (std::uint64_t const left = points_left(setup, records); left > 0) out << ", " << left << " left";
  out << '\n';
}

/// Mean wall time of the points that are done; 0 where there are none.
double mean_elapsed_s(SweepSetup const& setup, SweepRecords const& records) {
  double sum_s = 0;
  for (std::uint64_t point = 0; point < setup.points(); ++point) {
    if (records.has(point) && !records.failed(point)) sum_s += records.read(point)->elapsed_s;
  }
  return sum_s / std::max<double>(1, static_cast<double>(records.done_count()));
}

void print_summary(std::ostream& out, SweepSetup const& setup, SweepRecords const& records) {
  print_counts(out, setup, records);
  std::uint64_t shown = 0;
  for (std::uint64_t point = 0; point < setup.points() && shown < failures_shown; ++point) {
    if (!records.has(point) || !records.failed(point)) continue;
    out << setup.name(point) << " failed: " << records.read(point)->failure << '\n';
    ++shown;
  }
  if (records.failed_count() > shown) out << "and " << records.failed_count() - shown << " more\n";
}

void print_done(std::ostream& out, SweepSetup const& setup, StoredSweep const& stored) {
  print_title(out, setup);
  out << stored.done << " done, " << stored.failed << " failed: " << setup.output().string()
      << " holds all points of this sweep\n";
}

void leave_to_another(SweepSetup const& setup) {
  std::cout << "another process puts all points together in " << setup.output().string() << '\n';
}

/// Writes the result of all points and takes the records away, unless another process is at it or has done
/// so: shards may end at the same time.
void put_together(SweepSetup const& setup, std::vector<std::filesystem::path> const& other_outputs,
                  RunProvenance const& provenance) {
  std::optional<SweepJournal> lock;
  try {
    lock.emplace(setup.journal("merge"));
  } catch (ScenarioError const&) {
    return leave_to_another(setup);
  }
  SweepRecords const records = setup.records(other_outputs);
  if (points_left(setup, records) == 0) {
    setup.assemble(records, provenance);
  } else {
    leave_to_another(setup);  // who took the records away before the lock was there
  }
  setup.remove_journals();
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
  if (auto const stored = setup.done()) return print_done(out, setup, *stored);
  print_counts(out, setup, records);
  if (double const mean_s = mean_elapsed_s(setup, records); mean_s > 0) {
    out << "a point takes " << duration(mean_s) << ", all that are left "
        << duration(mean_s * static_cast<double>(points_left(setup, records))) << " one after another\n";
  }
  for (JournalState const& journal : records.journals()) {
    out << journal.file.filename().string() << ": " << counted(journal.records, "record") << ", "
        << (journal.being_written ? "being written" : "nobody is writing");
    if (!journal.being_written && journal.ignored_bytes > 0) {
      out << "; " << bytes_text(static_cast<double>(journal.ignored_bytes))
          << " of a point cut short are ignored";
    }
    out << '\n';
  }
  if (records.journals().empty()) out << "nothing has been run\n";
}

int finish_sweep(SweepSetup const& setup, std::vector<std::filesystem::path> const& other_outputs,
                 MissingPoints missing, RunProvenance const& provenance) {
  SweepRecords const records = setup.records(other_outputs);
  if (auto const stored = setup.done()) {
    print_done(std::cout, setup, *stored);
    setup.remove_journals();  // of a run that was killed before it had taken all of them away
    return stored->failed > 0 ? some_points_failed : 0;
  }
  std::uint64_t const left = points_left(setup, records);
  if (left > 0 && missing == MissingPoints::are_wrong) {
    throw ScenarioError({setup.output().string(),
                         counted(left, "point") + " of " + std::to_string(setup.points()) + " are missing",
                         "run the shards that have them, name other outputs with --from, or give --partial"});
  }
  print_summary(std::cout, setup, records);
  if (left == 0) {
    put_together(setup, other_outputs, provenance);
  } else {
    if (missing == MissingPoints::will_do) setup.assemble(records, provenance);
    std::cout << "what is done stays in " << setup.folder().string() << '\n';
  }
  return records.failed_count() > 0 ? some_points_failed : 0;
}

}  // namespace spacemoe
