#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/planning_paths.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/network/network.hpp"

namespace spacemoe {

/// The network of a scenario, before damage, and what has been computed of its paths. Evaluations of
/// scenarios with the same network may share one, at the same time, too.
class NetworkPaths {
 public:
  /// Keeps path latencies of the evaluation for others up to `most_bytes`; the first that fit stay.
  NetworkPaths(Scenario const& scenario, double most_bytes);

  bool serves(Scenario const& scenario) const { return same_network(scenario_, scenario); }
  Network const& network() const { return network_; }
  PlanningPaths& planning() { return planning_; }

  /// Path latencies without damage from these sources in slots [first, first + count) of the evaluation,
  /// where they are kept.
  std::shared_ptr<PathTable const> find(std::uint32_t first, std::uint32_t count,
                                        std::span<SatelliteId const> sources) const;
  /// Keeps them, if there is room.
  void keep(std::uint32_t first, std::uint32_t count, std::span<SatelliteId const> sources,
            std::shared_ptr<PathTable const> table);

 private:
  struct Kept {
    std::uint32_t first;
    std::uint32_t count;
    std::vector<SatelliteId> sources;
    std::shared_ptr<PathTable const> table;
  };

  Scenario scenario_;  ///< without what its snapshots do not depend on
  Network network_;
  PlanningPaths planning_;
  double bytes_left_;
  mutable std::mutex mutex_;
  std::vector<Kept> kept_;
};

}  // namespace spacemoe
