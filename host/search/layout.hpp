#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/placement/placement.hpp"

namespace spacemoe {

/// An expert of a placement: layer * experts + expert.
enum class ExpertSlot : std::uint32_t {};

/// A placement under search, and who is on every satellite. Changes are tried one after the other and then
/// kept or taken back together.
class Layout {
 public:
  Layout(Placement placement, PlacementLimits const& limits);

  Placement const& placement() const { return placement_; }
  std::uint32_t layers() const { return placement_.layers; }
  std::uint32_t experts() const { return placement_.experts; }
  std::uint32_t layer_before(std::uint32_t layer) const { return (layer + layers() - 1) % layers(); }
  SatelliteId gateway(std::uint32_t layer) const { return placement_.gateway[layer]; }
  SatelliteId host(ExpertSlot expert) const { return placement_.host[static_cast<std::size_t>(expert)]; }
  std::uint32_t layer(ExpertSlot expert) const {
    return static_cast<std::uint32_t>(expert) / placement_.experts;
  }
  ExpertSlot slot(std::uint32_t layer, std::uint32_t expert) const {
    return static_cast<ExpertSlot>(layer * placement_.experts + expert);
  }
  /// Hosts [expert] of a layer.
  std::span<SatelliteId const> hosts(std::uint32_t layer) const {
    return std::span(placement_.host).subspan(std::size_t{layer} * experts(), experts());
  }

  PlacementLimits const& limits() const { return limits_; }
  /// Experts on a satellite, by number.
  std::span<ExpertSlot const> experts_on(SatelliteId id) const { return experts_on_[index(id)]; }
  /// How many layers a satellite is the gateway of.
  std::uint32_t gateways_on(SatelliteId id) const { return gateways_on_[index(id)]; }
  /// Whether experts may be on a satellite as far as gateways go.
  bool open_to_experts(SatelliteId id) const { return limits_.gateways_host_experts || gateways_on(id) == 0; }
  /// Whether one more expert fits.
  bool has_place(SatelliteId id) const {
    return experts_on(id).size() < limits_.capacity && open_to_experts(id);
  }
  bool keeps_rules(SatelliteId id) const {
    return experts_on(id).size() <= limits_.capacity && (experts_on(id).empty() || open_to_experts(id));
  }

  void set_gateway(std::uint32_t layer, SatelliteId id);
  void set_host(ExpertSlot expert, SatelliteId id);

  /// One change since the last keep() or take_back().
  struct Change {
    bool is_gateway;
    std::uint32_t what;  ///< layer of a gateway, or ExpertSlot
    SatelliteId from;
    SatelliteId to;
  };
  std::span<Change const> changes() const { return changes_; }
  /// Layers whose latency the changes may change, in order of first touch.
  std::span<std::uint32_t const> touched() const { return touched_; }
  /// Whether all satellites that changed keep the rules.
  bool changes_keep_rules() const;
  void keep();
  void take_back();

 private:
  void touch(std::uint32_t layer);
  void place_gateway(std::uint32_t layer, SatelliteId id);
  void place_expert(ExpertSlot expert, SatelliteId id);

  Placement placement_;
  PlacementLimits limits_;
  std::vector<std::vector<ExpertSlot>> experts_on_;  ///< [satellite]
  std::vector<std::uint32_t> gateways_on_;           ///< [satellite]
  std::vector<Change> changes_;
  std::vector<std::uint32_t> touched_;
};

}  // namespace spacemoe
