#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Sources that are computed side by side, one per lane.
inline constexpr std::uint32_t lanes = 16;

/// Path latencies as the CPU keeps them: [snapshot][block of sources][satellite][lane], so that the lanes of
/// a satellite are one vector.
class CpuPathTable final : public PathTable {
 public:
  CpuPathTable(std::uint32_t snapshots, std::uint32_t sources, std::uint32_t nodes)
      : blocks_((sources + lanes - 1) / lanes),
        nodes_(nodes),
        latency_(static_cast<std::size_t>(snapshots) * blocks_ * nodes * lanes) {}

  std::uint32_t blocks() const { return blocks_; }
  /// Rows [satellite][lane] of one block.
  std::span<Nanoseconds> block(std::uint32_t snapshot, std::uint32_t number) {
    return std::span(latency_).subspan(offset(snapshot, number), static_cast<std::size_t>(nodes_) * lanes);
  }

  std::vector<Nanoseconds> gather(std::uint32_t snapshot, std::span<PathQuery const> queries) const override;
  std::vector<Nanoseconds> row(std::uint32_t snapshot, std::uint32_t source) const override;

 private:
  std::size_t offset(std::uint32_t snapshot, std::uint32_t number) const {
    return (static_cast<std::size_t>(snapshot) * blocks_ + number) * nodes_ * lanes;
  }
  Nanoseconds at(std::uint32_t snapshot, std::uint32_t source, std::size_t node) const {
    return latency_[offset(snapshot, source / lanes) + node * lanes + source % lanes];
  }

  std::uint32_t blocks_;
  std::uint32_t nodes_;
  std::vector<Nanoseconds> latency_;
};

}  // namespace spacemoe
