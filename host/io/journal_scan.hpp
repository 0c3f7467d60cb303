#pragma once

#include <cstdint>
#include <functional>

#include "host/io/posix_file.hpp"
#include "host/io/sweep_manifest.hpp"
#include "host/sweep/point.hpp"

namespace spacemoe {

/// What a journal holds, in bytes.
struct JournalExtent {
  std::uint64_t whole = 0;  ///< up to the end of the last whole frame; 0 where there is not even a manifest
  std::uint64_t size = 0;   ///< of the file
};

/// Reads a journal from its beginning up to its end, or up to a frame that is cut off or damaged, and calls
/// `visit` for every record with the offset of its frame. Throws ScenarioError where it cannot be read,
/// belongs to another sweep than `manifest`, or is none.
JournalExtent scan_journal(PosixFile const& file, SweepManifest const& manifest, PointName const& name,
                           std::function<void(PointRecord const&, std::uint64_t offset)> const& visit);

}  // namespace spacemoe
