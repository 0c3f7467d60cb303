#include "host/search/mean_paths.hpp"

#include <algorithm>

#include <tbb/parallel_for.h>

namespace spacemoe {
namespace {

/// Slots whose paths are held at a time.
constexpr std::uint32_t slots_at_once = 4;

/// Above any sum of finite paths.
constexpr std::uint64_t forbidden_ns = std::uint64_t{1} << 62;

/// What a satellite without a path adds to its sum.
std::uint64_t lost_path_ns(std::span<Nanoseconds const> row, LostPath lost) {
  if (lost == LostPath::nothing) return 0;
  if (lost == LostPath::forbidden) return forbidden_ns;
  Nanoseconds greatest = 0;
  for (Nanoseconds const latency : row) {
    if (latency != unreachable) greatest = std::max(greatest, latency);
  }
  return 100 * std::uint64_t{greatest};
}

void add_slot(std::span<Nanoseconds const> row, LostPath lost, std::span<std::uint64_t> sum) {
  std::uint64_t const without = lost_path_ns(row, lost);
  for (std::size_t node = 0; node < row.size(); ++node) {
    sum[node] = std::min(sum[node] + (row[node] == unreachable ? without : row[node]), forbidden_ns);
  }
}

}  // namespace

MeanPaths::MeanPaths(SnapshotBatch const& batch, Backend& backend, std::span<SatelliteId const> sources,
                     LostPath lost)
    : nodes_(batch.wiring->nodes), mean_ns_(sources.size() * nodes_) {
  std::vector<std::uint64_t> sum(mean_ns_.size());
  for (std::uint32_t first = 0; first < batch.snapshots; first += slots_at_once) {
    std::uint32_t const count = std::min(slots_at_once, batch.snapshots - first);
    auto const table = backend.path_latencies(part(batch, first, count), sources);
    tbb::parallel_for(std::size_t{0}, sources.size(), [&](std::size_t source) {
      for (std::uint32_t slot = 0; slot < count; ++slot) {
        add_slot(table->row(slot, static_cast<std::uint32_t>(source)), lost,
                 std::span(sum).subspan(source * nodes_, nodes_));
      }
    });
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    mean_ns_[i] = static_cast<Nanoseconds>(std::min<std::uint64_t>(sum[i] / batch.snapshots, unreachable));
  }
}

}  // namespace spacemoe
