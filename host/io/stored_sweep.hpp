#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace spacemoe {

/// What a file says of the sweep whose points it holds.
struct StoredSweep {
  std::string manifest;  ///< digest of its manifest
  std::uint64_t done;    ///< points that ran
  std::uint64_t failed;  ///< points that could not
};

/// Nothing where there is no such file, or where it does not hold all points of a sweep.
std::optional<StoredSweep> stored_sweep(std::filesystem::path const& file);

}  // namespace spacemoe
