#pragma once

#include <string>

#include "host/evaluation/scenario.hpp"

namespace spacemoe {

namespace hdf5 {
class Writer;
}

/// "0.1.0 (commit)" of this program.
std::string program_version();

/// What ran, on what.
struct RunProvenance {
  std::string command_line;
  std::string backend;        ///< empty where several may have been at work
  std::string manifest = {};  ///< digest of the manifest of a sweep that is whole; else empty
};

/// The root attributes `provenance_*`.
void write_provenance(hdf5::Writer& writer, RunProvenance const& provenance);

/// Title and seed, and the scenario as it was read and as `resolved` spells it out.
void write_scenario(hdf5::Writer& writer, Scenario const& scenario, std::string const& resolved);

}  // namespace spacemoe
