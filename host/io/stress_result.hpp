#pragma once

#include <filesystem>
#include <string>

#include "host/evaluation/scenario.hpp"
#include "host/io/provenance.hpp"
#include "host/stress/stress.hpp"

namespace spacemoe {

/// Writes a stress test as HDF5 (data dictionary in README.md), complete or not at all. Throws OutputError.
void write_stress(std::filesystem::path const& file, Scenario const& scenario,
                  std::string const& resolved_scenario, StressOptions const& options, Stress const& stress,
                  RunProvenance const& provenance);

}  // namespace spacemoe
