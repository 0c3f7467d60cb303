#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <cuda_runtime_api.h>

#include "cuda/device_buffer.hpp"
#include "cuda/path_batch.hpp"
#include "host/network/network.hpp"
#include "kernels/ring_sweep.hpp"

namespace spacemoe {

/// Planes from `first` on, going forward, to `last`: all that hold a source of a group, and the fewest
/// others.
struct PlaneArc {
  std::uint32_t first;
  std::uint32_t last;
};

/// How many sources of how many snapshots share a warp: groups of sources in sets of snapshots are its tasks.
struct WarpShare {
  std::uint32_t source_bits;  ///< 2^source_bits sources

  SPACEMOE_FN constexpr std::uint32_t sources() const { return 1u << source_bits; }
  SPACEMOE_FN constexpr std::uint32_t snapshots() const { return lanes >> source_bits; }
  SPACEMOE_FN std::uint32_t groups(PathBatch const& batch) const {
    return static_cast<std::uint32_t>(batch.source.size() >> source_bits);
  }
  SPACEMOE_FN std::uint32_t tasks(PathBatch const& batch) const {
    return (batch.snapshots + snapshots() - 1) / snapshots() * groups(batch);
  }
};

inline constexpr WarpShare one_snapshot{5};
/// Eight sources fill a sector of memory, so rows are still written in whole ones.
inline constexpr WarpShare four_snapshots{3};

/// Path latencies within one shell. A source's thread goes half way around the shell, plane by plane, another
/// one the other half; a plane's ring is closed when it is entered, and the links back are looked at while
/// both planes are at hand. What these and the links where the halves met still have to offer is offered
/// until no plane gains: the argument of host/cpu/README.md, so rows are exact at the end.
class RingSweep {
 public:
  /// `source` holds columns of a path table: ascending satellites, a whole number of warps.
  RingSweep(RingGrid const& grid, std::span<std::uint32_t const> source, DeviceStream const& stream);

  /// Whether the planes of a shell are small enough.
  static bool fits(RingGrid const& grid);

  /// Bytes of device memory for one snapshot, at most.
  std::size_t snapshot_bytes() const;

  /// Writes the rows of the shell's satellites and notes their greatest latency; the work goes into the
  /// stream. Throws DeviceOutOfMemory.
  void launch(PathBatch const& batch, Greatest* greatest, DeviceStream const& stream) const;

 private:
  GridView view() const { return {first_, planes_, slots_, slot_offset_.span()}; }
  std::size_t task_flags() const { return std::size_t{2} * planes_; }

  std::uint32_t first_;
  std::uint32_t planes_;
  std::uint32_t slots_;
  DeviceBuffer<std::uint32_t> slot_offset_;
  WarpShare share_;
  DeviceBuffer<PlaneArc> arc_;  ///< [group of sources]
};

}  // namespace spacemoe
