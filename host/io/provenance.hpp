#pragma once

#include <string>

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

}  // namespace spacemoe
