#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/provenance.hpp"
#include "host/sweep/axes.hpp"
#include "host/sweep/point.hpp"

namespace spacemoe {

/// What a sweep's file says of the sweep itself.
struct SweepDescription {
  std::string title;
  std::vector<SweepAxis> axes;
  std::string base_resolved;  ///< base scenario with every default spelt out
  std::string given_text;     ///< the sweep file as it was read
};

/// Whether a sweep's file has an axis or a figure of that name, so that no axis of the sweep may.
bool is_reserved_name(std::string_view name);

/// Writes the points of a sweep as arrays over its axes (data dictionary in README.md): beside the target,
/// flushed, then renamed. Takes the memory of the compressed file and of one piece of each array. `read`
/// gives the record of a point, nothing where it is missing, and is called twice for each. Throws
/// OutputError.
void write_sweep(std::filesystem::path const& file, SweepDescription const& description,
                 std::function<std::optional<PointRecord>(std::uint64_t point)> const& read,
                 RunProvenance const& provenance);

}  // namespace spacemoe
