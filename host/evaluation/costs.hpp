#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// The satellites from which path latencies are computed: every gateway of some placement, by rising id.
class PathSources {
 public:
  explicit PathSources(std::vector<SatelliteId> gateways);

  std::span<SatelliteId const> ids() const { return ids_; }
  std::uint32_t number(SatelliteId id) const;

 private:
  std::vector<SatelliteId> ids_;
};

/// Costs of one placement in one slot.
struct SlotCosts {
  std::vector<Nanoseconds> layer_ns;   ///< [layer]
  std::vector<Nanoseconds> expert_ns;  ///< [layer][expert]
};

/// What a placement costs: the part that does not change with time, and the paths that the rest is made of.
class PlacementCosts {
 public:
  PlacementCosts(Scenario const& scenario, ComputeTimes const& compute, Placement const& placement,
                 PathSources const& sources);

  /// Paths that `in_slot` needs of one snapshot; as many for every placement of a scenario.
  std::span<PathQuery const> queries() const { return queries_; }

  /// Costs from the latencies of queries(). Throws ScenarioError when a layer could take 2^31 ns or more.
  SlotCosts in_slot(std::span<Nanoseconds const> paths) const;

  CostView view(SlotCosts const& costs) const;

  /// Layers in which a host has several experts.
  std::uint32_t shared_layers() const;

 private:
  std::uint32_t layers_;
  std::uint32_t experts_;
  std::uint32_t top_k_;
  bool own_gateway_;
  std::uint64_t head_ns_;
  std::vector<std::uint64_t> gateway_ns_;   ///< [layer]
  std::vector<std::uint64_t> compute_ns_;   ///< [layer][expert]
  std::vector<Nanoseconds> queue_ns_;       ///< [layer][expert]
  std::vector<std::uint16_t> host_;         ///< [layer][expert]
  std::vector<std::uint8_t> shares_hosts_;  ///< [layer]
  std::vector<PathQuery> queries_;
};

}  // namespace spacemoe
