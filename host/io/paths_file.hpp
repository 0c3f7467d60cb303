#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <vector>

#include "host/satellite_id.hpp"
#include "kernels/latency.hpp"

namespace spacemoe {

/// Path latencies between some satellites in one snapshot.
struct PathMatrix {
  std::vector<SatelliteId> from;
  std::vector<SatelliteId> to;
  std::vector<Nanoseconds> latency_ns;  ///< [from][to]
  std::vector<std::uint32_t> hops;      ///< [from][to], no_route where there is none
};

/// Lines `from,to,latency_ms,hops`; both figures are empty where there is no path.
void write_paths_csv(std::ostream& out, PathMatrix const& matrix);

/// Writes .csv, or HDF5 with latency_ms and hops over (from, to), NaN where there is no path. Throws
/// OutputError.
void write_paths(std::filesystem::path const& file, PathMatrix const& matrix);

}  // namespace spacemoe
