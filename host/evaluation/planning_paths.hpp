#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/network/network.hpp"

namespace spacemoe {

/// Path latencies expected on planning outages, each source computed once. Keeps the snapshots of all slots,
/// once asked for latencies. Several threads may ask at the same time.
class PlanningPaths {
 public:
  /// Of `scenario` only what makes its snapshots matters; it and the network must outlive the object.
  PlanningPaths(Scenario const& scenario, Network const& network) : scenario_(scenario), network_(network) {}

  /// Latencies [ns] summed over all slots from each source to every satellite; lost paths count as twice the
  /// greatest finite latency of their slot.
  std::vector<std::vector<std::uint64_t>> from(std::span<SatelliteId const> sources, Backend& backend);

 private:
  std::vector<SnapshotBatch> const& batches();
  std::vector<std::vector<std::uint64_t>> sums(std::span<SatelliteId const> sources, Backend& backend);
  void add_sums_of(SnapshotBatch const& batch, std::span<SatelliteId const> sources, Backend& backend,
                   std::span<std::vector<std::uint64_t>> rows) const;

  Scenario const& scenario_;
  Network const& network_;
  std::once_flag taken_;
  std::vector<SnapshotBatch> batches_;
  std::mutex mutex_;
  std::map<SatelliteId, std::vector<std::uint64_t>> rows_;
};

}  // namespace spacemoe
