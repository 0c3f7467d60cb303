#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "host/cpu/path_methods.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Memory for path tables. What one table leaves is given to the next, since the first use of a fresh page
/// costs more than filling it.
class PathMemory {
 public:
  struct alignas(64) CacheLine {
    Nanoseconds latency_ns[16];
  };
  struct Buffer {
    std::unique_ptr<CacheLine[]> lines;
    std::size_t size = 0;
  };

  /// At least `lines` cache lines, not initialised.
  Buffer take(std::size_t lines);
  void give_back(Buffer buffer);

 private:
  std::mutex mutex_;
  Buffer kept_;
};

/// Path latencies as the CPU keeps them: [snapshot][block of sources][satellite][lane], so that the lanes of
/// a satellite are one vector. Sources are sorted before they are split into blocks: neighbours have much in
/// common.
class CpuPathTable final : public PathTable {
 public:
  CpuPathTable(std::shared_ptr<PathMemory> memory, std::uint32_t snapshots, std::uint32_t nodes,
               std::uint32_t lanes, std::span<SatelliteId const> sources);
  ~CpuPathTable() override;
  CpuPathTable(CpuPathTable const&) = delete;
  CpuPathTable& operator=(CpuPathTable const&) = delete;

  std::uint32_t blocks() const { return static_cast<std::uint32_t>(sorted_.size() / lanes_); }
  /// The sources of a block, ascending; the last is repeated to fill its lanes.
  std::span<SatelliteId const> sources(std::uint32_t block) const {
    return std::span(sorted_).subspan(std::size_t{block} * lanes_, lanes_);
  }
  /// Rows [satellite][lane] of one block.
  Nanoseconds* rows(std::uint32_t snapshot, std::uint32_t block) {
    return latency_ns_ + (std::size_t{snapshot} * blocks() + block) * nodes_ * lanes_;
  }

  std::vector<Nanoseconds> gather(std::span<PathQuery const> queries) const override;
  std::vector<Nanoseconds> row(std::uint32_t snapshot, std::uint32_t source) const override;
  std::vector<std::uint64_t> sums(LostPath lost) const override;

 private:
  Nanoseconds const* snapshot_rows(std::uint32_t snapshot) const {
    return latency_ns_ + std::size_t{snapshot} * sorted_.size() * nodes_;
  }

  std::uint32_t snapshots_;
  std::uint32_t nodes_;
  std::uint32_t lanes_;
  std::vector<SatelliteId> sorted_;  ///< [block][lane]
  std::vector<std::size_t> column_;  ///< [source as asked for]: where its row begins in a snapshot
  std::shared_ptr<PathMemory> memory_;
  PathMemory::Buffer buffer_;
  Nanoseconds* latency_ns_;  ///< the whole buffer
};

/// Finds the path latencies of all snapshots by a plan. Throws SaturationError when a latency saturates.
std::unique_ptr<PathTable> path_table(PathPlan const& plan, std::shared_ptr<PathMemory> memory,
                                      SnapshotBatch const& batch, std::span<SatelliteId const> sources);

}  // namespace spacemoe
