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

  std::vector<Nanoseconds> gather(std::span<PathQuery const> queries) const override;
  std::vector<Nanoseconds> row(std::uint32_t snapshot, std::uint32_t source) const override;
  std::vector<std::uint64_t> sums(LostPath lost) const override;

 private:
  struct Part {
    std::uint32_t first;  ///< snapshot
    std::uint32_t snapshots;
    DeviceBuffer<Nanoseconds> on_device;
    std::vector<Nanoseconds> on_host;
  };

  void use_device() const;
  Part const& part_of(std::uint32_t snapshot) const;
  std::vector<Nanoseconds> host_row(Part const& part, std::uint32_t snapshot, std::uint32_t source) const;
  /// Sums over the snapshots on the device: [source][node].
  void add_device_sums(LostPath lost, std::span<std::uint64_t> sums) const;
  /// [snapshot][column], of the snapshots on the device.
  DeviceBuffer<Nanoseconds> greatest_of_columns() const;
  std::size_t row_size() const { return std::size_t{nodes_} * sources_.node.size(); }

  DeviceStream stream_;
  std::uint32_t nodes_;
  SortedSources sources_;
  std::uint32_t snapshots_ = 0;
  std::vector<Part> parts_;
  /// One look-up at a time uses the device, whichever thread asks.
  mutable std::mutex mutex_;
};

}  // namespace spacemoe
