#include "host/search/layout.hpp"

#include <algorithm>
#include <utility>

namespace spacemoe {

Layout::Layout(Placement placement, PlacementLimits const& limits)
    : placement_(std::move(placement)),
      limits_(limits),
      experts_on_(limits.satellites),
      gateways_on_(limits.satellites) {
  for (std::size_t i = 0; i < placement_.host.size(); ++i) {
    experts_on_[index(placement_.host[i])].push_back(static_cast<ExpertSlot>(i));
  }
  for (SatelliteId const id : placement_.gateway) ++gateways_on_[index(id)];
}

void Layout::set_gateway(std::uint32_t layer, SatelliteId id) {
  changes_.push_back({true, layer, gateway(layer), id});
  place_gateway(layer, id);
  touch(layer_before(layer));
  touch(layer);
}

void Layout::set_host(ExpertSlot expert, SatelliteId id) {
  changes_.push_back({false, static_cast<std::uint32_t>(expert), host(expert), id});
  place_expert(expert, id);
  touch(layer(expert));
}

bool Layout::changes_keep_rules() const {
  return std::ranges::all_of(changes_, [this](Change const& change) { return keeps_rules(change.to); });
}

void Layout::keep() {
  changes_.clear();
  touched_.clear();
}

void Layout::take_back() {
  for (std::size_t i = changes_.size(); i-- > 0;) {
    Change const& change = changes_[i];
    if (change.is_gateway) {
      place_gateway(change.what, change.from);
    } else {
      place_expert(static_cast<ExpertSlot>(change.what), change.from);
    }
  }
  keep();
}

void Layout::touch(std::uint32_t layer) {
  if (std::ranges::find(touched_, layer) == touched_.end()) touched_.push_back(layer);
}

void Layout::place_gateway(std::uint32_t layer, SatelliteId id) {
  --gateways_on_[index(placement_.gateway[layer])];
  ++gateways_on_[index(id)];
  placement_.gateway[layer] = id;
}

void Layout::place_expert(ExpertSlot expert, SatelliteId id) {
  SatelliteId& host = placement_.host[static_cast<std::size_t>(expert)];
  std::erase(experts_on_[index(host)], expert);
  auto& there = experts_on_[index(id)];
  // In order, so that a layout depends on its placement alone and not on how it came about.
  there.insert(std::ranges::upper_bound(there, expert), expert);
  host = id;
}

}  // namespace spacemoe
