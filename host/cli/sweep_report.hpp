#pragma once

#include <iosfwd>

#include "host/cli/sweep_setup.hpp"

namespace spacemoe {

/// What a sweep is expected to take.
struct SweepEstimate {
  double work_s = 0;         ///< all points, one after another
  unsigned concurrent = 1;   ///< points at the same time
  std::uint64_t trials = 0;  ///< points that were tried for it
};

/// The axes and all points, with the time and memory that they take.
void print_plan(std::ostream& out, SweepSetup const& setup, SweepEstimate const& estimate);

/// How far a sweep is, and who writes its records.
void print_status(std::ostream& out, SweepSetup const& setup, SweepRecords const& records);

/// What it means that some points of a sweep are not there yet.
enum class MissingPoints { come_later, are_wrong, will_do };

/// Says what came of a sweep and, once all of its points are there (or where a part will do), writes its
/// result. Other outputs are those of sweeps elsewhere, whose records count as well. Returns the exit status.
/// Throws ScenarioError where missing points are wrong.
int finish_sweep(SweepSetup const& setup, std::vector<std::filesystem::path> const& other_outputs,
                 MissingPoints missing, RunProvenance const& provenance);

}  // namespace spacemoe
