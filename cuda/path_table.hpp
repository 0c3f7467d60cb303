#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "cuda/device_buffer.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Sources in the order in which the kernels keep them.
struct SortedSources {
  explicit SortedSources(std::span<SatelliteId const> sources);

  std::vector<std::uint32_t> node;    ///< [column], ascending; the last is repeated to fill its warp
  std::vector<std::uint32_t> column;  ///< [source as asked for]
};

/// Path latencies on a device, in parts of consecutive snapshots. Parts for which the device has no room any
/// more are kept on the host.
class CudaPathTable final : public PathTable {
 public:
  /// Look-ups are work of the stream.
  CudaPathTable(DeviceStream stream, std::uint32_t nodes, SortedSources sources);

  /// Adds the rows of the next snapshots, which are there: [snapshot][node][column].
  void add(DeviceBuffer<Nanoseconds> row_ns);
  /// Moves all rows to the host; returns whether there were any on the device.
  bool move_to_host();

  /// Copies all rows to by_slot [source as asked for][node][slot_stride], snapshot i to slot first_slot + i.
  void copy_by_slot(std::uint32_t first_slot, std::uint32_t slot_stride,
                    DeviceBuffer<Nanoseconds> const& by_slot) const;

  std::vector<Nanoseconds> gather(std::uint32_t snapshot, std::span<PathQuery const> queries) const override;
  std::vector<Nanoseconds> row(std::uint32_t snapshot, std::uint32_t source) const override;

 private:
  struct Part {
    std::uint32_t first;  ///< snapshot
    DeviceBuffer<Nanoseconds> on_device;
    std::vector<Nanoseconds> on_host;
  };
  struct Rows;

  void use_device() const;
  /// The rows of a snapshot, wherever they are.
  Rows rows(std::uint32_t snapshot) const;
  std::size_t row_size() const { return std::size_t{nodes_} * sources_.node.size(); }

  DeviceStream stream_;
  std::uint32_t nodes_;
  SortedSources sources_;
  std::uint32_t snapshots_ = 0;
  std::vector<Part> parts_;
  /// One look-up at a time uses the device, whichever thread asks.
  mutable std::mutex mutex_;
  mutable DeviceBuffer<std::uint64_t> place_;
  mutable DeviceBuffer<Nanoseconds> found_;
};

}  // namespace spacemoe
