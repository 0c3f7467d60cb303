#include "host/evaluation/planning_paths.hpp"

#include <algorithm>

#include "host/evaluation/planning.hpp"

namespace spacemoe {
namespace {

/// Far, but no farther than a detour.
constexpr LostPath twice_the_greatest{2, 0};

/// Of snapshots in a batch: few, so that rows of a processor's sweep stay in its caches until they are added
/// up.
constexpr double batch_bytes = 1 << 18;
/// Of path rows at a time.
constexpr double row_bytes = 16 << 20;

std::uint32_t slots_at_once(Network const& network) {
  double const bytes =
      sizeof(Nanoseconds) * static_cast<double>(network.wiring().degree) * network.wiring().nodes;
  return static_cast<std::uint32_t>(std::max(1.0, batch_bytes / bytes));
}

std::size_t sources_at_once(SnapshotBatch const& batch, std::uint32_t nodes) {
  constexpr double fewest = 64;  // fill the lanes of a vector sweep
  double const bytes = sizeof(Nanoseconds) * static_cast<double>(nodes) * batch.snapshots;
  return static_cast<std::size_t>(std::max(fewest, row_bytes / bytes));
}

}  // namespace

std::vector<std::vector<std::uint64_t>> PlanningPaths::from(std::span<SatelliteId const> sources,
                                                            Backend& backend) {
  std::vector<SatelliteId> missing;
  {
    std::scoped_lock const lock(mutex_);
    for (SatelliteId const source : sources) {
      if (!rows_.contains(source) && std::ranges::find(missing, source) == missing.end())
        missing.push_back(source);
    }
  }
  // Not under the lock: two that ask for the same at the same time compute it twice, and get the same.
  auto computed = sums(missing, backend);
  std::scoped_lock const lock(mutex_);
  for (std::size_t s = 0; s < missing.size(); ++s) rows_.try_emplace(missing[s], std::move(computed[s]));
  std::vector<std::vector<std::uint64_t>> rows;
  for (SatelliteId const source : sources) rows.push_back(rows_.at(source));
  return rows;
}

std::vector<SnapshotBatch> const& PlanningPaths::batches() {
  std::call_once(taken_, [&] {
    std::uint32_t const slots = scenario_.time.slots;
    std::uint32_t const step = slots_at_once(network_);
    for (std::uint32_t first = 0; first < slots; first += step) {
      batches_.push_back(
          snapshots(scenario_, network_, first, std::min(step, slots - first), Purpose::planning_outage));
    }
  });
  return batches_;
}

std::vector<std::vector<std::uint64_t>> PlanningPaths::sums(std::span<SatelliteId const> sources,
                                                            Backend& backend) {
  std::vector<std::vector<std::uint64_t>> rows(sources.size(),
                                               std::vector<std::uint64_t>(satellites(scenario_)));
  if (sources.empty()) return rows;
  for (auto const& batch : batches()) {
    std::size_t const step = sources_at_once(batch, satellites(scenario_));
    for (std::size_t first = 0; first < sources.size(); first += step) {
      std::size_t const count = std::min(step, sources.size() - first);
      add_sums_of(batch, sources.subspan(first, count), backend, std::span(rows).subspan(first, count));
    }
  }
  return rows;
}

void PlanningPaths::add_sums_of(SnapshotBatch const& batch, std::span<SatelliteId const> sources,
                                Backend& backend, std::span<std::vector<std::uint64_t>> rows) const {
  auto const sums = backend.path_latencies(batch, sources)->sums(twice_the_greatest);
  auto sum = sums.begin();
  for (auto& row : rows) {
    for (std::uint64_t& latency : row) latency = add_sums(latency, *sum++);
  }
}

}  // namespace spacemoe
