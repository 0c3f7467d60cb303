#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

/// What a slot without a path counts as in a mean.
enum class LostPath : std::uint8_t {
  shunned,  ///< a hundred times the slot's greatest finite latency from the source: to be avoided, if it can
            ///< be
  nothing,  ///< 0 ns: no more than any way to serve the tokens that are delivered
  forbidden,  ///< makes the mean `unreachable`
};

/// Path latencies [ns] averaged over slots.
class MeanPaths {
 public:
  /// Means, rounded down, over the snapshots of a batch, which are taken a few at a time.
  MeanPaths(SnapshotBatch const& batch, Backend& backend, std::span<SatelliteId const> sources,
            LostPath lost);

  std::uint32_t nodes() const { return nodes_; }
  std::uint32_t sources() const { return static_cast<std::uint32_t>(mean_ns_.size() / nodes_); }
  /// From source number `source` to every satellite; at most `unreachable`.
  std::span<Nanoseconds const> from(std::uint32_t source) const {
    return std::span(mean_ns_).subspan(std::size_t{source} * nodes_, nodes_);
  }

 private:
  std::uint32_t nodes_;
  std::vector<Nanoseconds> mean_ns_;  ///< [source][node]
};

}  // namespace spacemoe
