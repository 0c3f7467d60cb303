#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/arguments.hpp"
#include "host/io/stored_sweep.hpp"
#include "host/io/sweep_file.hpp"
#include "host/io/sweep_journal.hpp"
#include "host/io/sweep_manifest.hpp"
#include "host/io/sweep_result.hpp"

namespace spacemoe {

/// Options that change every point of a sweep, and what they say.
std::vector<OptionSpec> override_options();
ScenarioOverrides sweep_overrides(Arguments& arguments);

/// Where the records of the sweep into an output lie until it is whole.
std::filesystem::path journal_folder(std::filesystem::path const& output);

/// A sweep whose points have all been checked, and the files that it goes to.
class SweepSetup {
 public:
  /// Throws ScenarioError with all that is wrong with the sweep file or with any point.
  SweepSetup(std::filesystem::path const& file, ScenarioOverrides const& overrides,
             std::filesystem::path output);

  SweepPlan const& plan() const { return plan_; }
  std::uint64_t points() const { return checks_.size(); }
  PointCheck const& check(std::uint64_t point) const { return checks_[point]; }
  bool infeasible(std::uint64_t point) const { return !checks_[point].failure.empty(); }
  double largest_point_bytes() const;
  /// A point as people name it: "point 17 (altitude_km = 550)".
  std::string name(std::uint64_t point) const;
  Scenario scenario(std::uint64_t point) const;

  std::filesystem::path const& output() const { return output_; }
  std::filesystem::path folder() const { return journal_folder(output_); }
  SweepJournal journal(std::string const& writer) const;
  /// Of this sweep's folder and of those beside other outputs.
  SweepRecords records(std::vector<std::filesystem::path> const& other_outputs = {}) const;

  /// The output, where it holds all points of this very sweep.
  std::optional<StoredSweep> done() const;
  /// Writes the result from the records.
  void assemble(SweepRecords const& records, RunProvenance provenance) const;
  /// Takes the folder of records away, as far as that goes.
  void remove_journals() const;

 private:
  SweepPlan plan_;
  std::vector<PointCheck> checks_;
  SweepManifest manifest_;
  std::filesystem::path output_;
};

}  // namespace spacemoe
