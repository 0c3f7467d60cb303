#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/damage/damaged_network.hpp"
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

/// Appends every satellite that may be a gateway of a placement.
void add_gateways(Placement const& placement, std::vector<SatelliteId>& gateways);

/// Costs of one placement in one slot.
struct SlotCosts {
  std::vector<Nanoseconds> layer_ns;   ///< [layer]
  std::vector<Nanoseconds> expert_ns;  ///< [layer][expert]

  /// What is the same in every slot of an undamaged network without replicas, and else follows from the copy
  /// that serves.
  struct Serving {
    std::uint64_t head_ns = 0;
    std::vector<Nanoseconds> queue_ns;  ///< [layer][expert]
    std::vector<std::uint16_t> host;    ///< [layer][expert]
    std::vector<Nanoseconds> path_ns;   ///< [layer][expert]: there and back, or `unreachable`
  };
  std::optional<Serving> serving;
};

/// Who works for a token in one slot; nobody where no satellite can.
struct SlotWork {
  struct Worker {
    SatelliteId satellite;
    std::uint64_t compute_ns;
  };
  std::vector<std::optional<Worker>> gateway;  ///< [layer]; that of layer 0 computes the head, too
  std::vector<std::optional<Worker>> expert;   ///< [layer][expert]: the copy that serves
};

/// What a placement costs: the part that does not change with time, and the paths that the rest is made of.
class PlacementCosts {
 public:
  PlacementCosts(Scenario const& scenario, ComputeTimes const& compute, Placement const& placement,
                 PathSources const& sources);

  /// Paths that `in_slot` needs of one snapshot.
  std::span<PathQuery const> queries() const { return queries_; }

  /// Costs from the latencies of queries(). In a damaged slot, spare gateways step in for those that do not
  /// work, and an expert without a working copy is unreachable. Throws ScenarioError when a layer could take
  /// 2^31 ns or more.
  SlotCosts in_slot(std::span<Nanoseconds const> paths, SlotDamage const* damage = nullptr) const;

  /// Who works in the same slot. An expert is lost where no copy of it works, where a gateway that it needs
  /// does not, or where paths are missing.
  SlotWork work_in_slot(std::span<Nanoseconds const> paths, SlotDamage const* damage = nullptr) const;

  CostView view(SlotCosts const& costs) const;

  /// Layers in which a host has several experts.
  std::uint32_t shared_layers() const;

 private:
  /// A satellite that can serve an expert.
  struct Copy {
    SatelliteId host;
    std::uint16_t number;  ///< of the host within the layer
    std::uint64_t compute_ns;
  };
  struct Layer {
    std::vector<SatelliteId> gateway;       ///< the gateway, then its spares
    std::vector<std::uint64_t> gateway_ns;  ///< [gateway]
    std::size_t first_copy = 0;
    /// For each copy of its experts: paths to it from each gateway, and from each gateway where outputs meet.
    /// Then, with own gateways, from each gateway to each of the next layer's.
    std::size_t first_query = 0;
  };
  struct Acting;
  struct Served;

  void add_gateways(Placement const& placement, ComputeTimes const& compute);
  void add_copies(Placement const& placement, ComputeTimes const& compute, std::uint32_t layer);
  void add_queries(PathSources const& sources, std::uint32_t layer);
  std::span<Copy const> copies(std::uint32_t layer) const;
  std::uint32_t next(std::uint32_t layer) const { return (layer + 1) % layers_; }
  std::uint32_t aggregation(std::uint32_t layer) const { return own_gateway_ ? layer : next(layer); }

  std::vector<Acting> acting_gateways(SlotDamage const* damage) const;
  std::uint64_t path_ns(std::span<Nanoseconds const> paths, std::uint32_t layer, std::size_t copy,
                        std::span<Acting const> acting) const;
  Served best_copy(std::span<Nanoseconds const> paths, std::uint32_t layer, std::uint32_t expert,
                   std::span<Acting const> acting, SlotDamage const* damage) const;
  Nanoseconds layer_ns(std::span<Nanoseconds const> paths, std::uint32_t layer,
                       std::span<Acting const> acting, SlotDamage const* damage,
                       std::uint64_t slowest_ns) const;

  std::uint32_t layers_;
  std::uint32_t experts_;
  std::uint32_t top_k_;
  bool own_gateway_;
  bool replicated_;
  std::vector<Layer> layer_;
  std::vector<std::uint64_t> head_ns_;      ///< [gateway of layer 0]
  std::vector<Copy> copy_;                  ///< by layer and expert
  std::vector<std::size_t> first_copy_;     ///< [layer * experts + expert], and the end
  std::vector<Nanoseconds> queue_ns_;       ///< [layer][expert], of the first copy
  std::vector<std::uint16_t> host_;         ///< [layer][expert], likewise
  std::vector<std::uint8_t> shares_hosts_;  ///< [layer]
  std::vector<PathQuery> queries_;
};

}  // namespace spacemoe
