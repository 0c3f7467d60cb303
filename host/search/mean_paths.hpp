#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

/// To be avoided, if it can be.
inline constexpr LostPath shun_lost{100, 0};
/// No more than any way to serve the tokens that are delivered.
inline constexpr LostPath ignore_lost{0, 0};
/// Makes the mean `unreachable`.
inline constexpr LostPath forbid_lost{0, forbidden_ns};

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
