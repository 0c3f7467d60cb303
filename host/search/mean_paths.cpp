#include "host/search/mean_paths.hpp"

#include <algorithm>

namespace spacemoe {
namespace {

/// Slots whose paths are held at a time.
constexpr std::uint32_t slots_at_once = 4;

}  // namespace

MeanPaths::MeanPaths(SnapshotBatch const& batch, Backend& backend, std::span<SatelliteId const> sources,
                     LostPath lost)
    : nodes_(batch.wiring->nodes), mean_ns_(sources.size() * nodes_) {
  std::vector<std::uint64_t> sum(mean_ns_.size());
  for (std::uint32_t first = 0; first < batch.snapshots; first += slots_at_once) {
    std::uint32_t const count = std::min(slots_at_once, batch.snapshots - first);
    auto const more = backend.path_latencies(part(batch, first, count), sources)->sums(lost);
    std::ranges::transform(sum, more, sum.begin(), add_sums);
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    mean_ns_[i] = static_cast<Nanoseconds>(std::min<std::uint64_t>(sum[i] / batch.snapshots, unreachable));
  }
}

}  // namespace spacemoe
