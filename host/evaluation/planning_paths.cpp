#include "host/evaluation/planning_paths.hpp"

#include <algorithm>

#include "host/evaluation/planning.hpp"

namespace spacemoe {
namespace {

/// Far, but no farther than a detour.
constexpr LostPath twice_the_greatest{2, 0};

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
    for (std::uint32_t first = 0; first < slots; first += slots_per_batch_) {
      batches_.push_back(snapshots(scenario_, network_, first, std::min(slots_per_batch_, slots - first),
                                   Purpose::planning_outage));
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
    auto const sums = backend.path_latencies(batch, sources)->sums(twice_the_greatest);
    auto sum = sums.begin();
    for (auto& row : rows) {
      for (std::uint64_t& latency : row) latency = add_sums(latency, *sum++);
    }
  }
  return rows;
}

}  // namespace spacemoe
