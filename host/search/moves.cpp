#include "host/search/moves.hpp"

#include <algorithm>
#include <vector>

namespace spacemoe {
namespace {

/// A place on a satellite for one expert.
struct Place {
  double cost_ns;
  SatelliteId id;

  bool operator<(Place const& other) const {
    return cost_ns < other.cost_ns || (cost_ns == other.cost_ns && id < other.id);
  }
};

/// Gives the experts of a layer, heaviest first, the places, which rise in cost.
void occupy(Layout& layout, MeanModel const& model, std::uint32_t layer, std::span<Place const> places) {
  auto const order = model.by_falling_weight(layer);
  for (std::size_t m = 0; m < order.size(); ++m) {
    ExpertSlot const expert = layout.slot(layer, order[m]);
    if (layout.host(expert) != places[m].id) layout.set_host(expert, places[m].id);
  }
}

}  // namespace

std::string_view name(MoveKind kind) {
  constexpr std::array<std::string_view, move_kinds.size()> names{
      "swap in layer",     "swap across layers", "move expert",  "move gateway",
      "move surroundings", "shift all",          "rotate layers"};
  return names[static_cast<std::size_t>(kind)];
}

bool swap_experts(Layout& layout, ExpertSlot a, ExpertSlot b) {
  SatelliteId const host_a = layout.host(a);
  SatelliteId const host_b = layout.host(b);
  if (host_a == host_b) return false;
  layout.set_host(a, host_b);
  layout.set_host(b, host_a);
  return true;
}

bool move_expert(Layout& layout, ExpertSlot expert, SatelliteId to) {
  if (layout.host(expert) == to || !layout.has_place(to)) return false;
  layout.set_host(expert, to);
  return true;
}

bool move_gateway(Layout& layout, std::uint32_t layer, SatelliteId to) {
  SatelliteId const from = layout.gateway(layer);
  if (from == to) return false;
  layout.set_gateway(layer, to);
  while (!layout.open_to_experts(to) && !layout.experts_on(to).empty()) {
    if (!move_expert(layout, layout.experts_on(to).front(), from)) return false;
  }
  return true;
}

bool move_surroundings(Layout& layout, MeanModel const& model, std::uint32_t layer, SatelliteId to) {
  if (!move_gateway(layout, layer, to)) return false;
  std::uint32_t const before = layout.layer_before(layer);
  return choose_places(layout, model, before) && (before == layer || choose_places(layout, model, layer));
}

bool shift_all(Layout& layout, RingShell const& ring, std::uint32_t planes, std::uint32_t slots) {
  std::uint32_t const per_plane = ring.satellites_per_plane;
  std::size_t const first = index(ring.first);
  auto const shifted = [&](SatelliteId id) {
    std::size_t const at = index(id) - first;  // wraps around below the shell
    if (at >= std::size_t{ring.planes} * per_plane) return id;
    std::size_t const plane = (at / per_plane + planes) % ring.planes;
    return satellite(first + plane * per_plane + (at + slots) % per_plane);
  };
  if (planes % ring.planes == 0 && slots % per_plane == 0) return false;
  for (std::uint32_t l = 0; l < layout.layers(); ++l) layout.set_gateway(l, shifted(layout.gateway(l)));
  for (std::uint32_t i = 0; i < layout.placement().host.size(); ++i) {
    auto const expert = static_cast<ExpertSlot>(i);
    layout.set_host(expert, shifted(layout.host(expert)));
  }
  return layout.changes_keep_rules();
}

bool rotate_layers(Layout& layout, std::uint32_t by) {
  if (by % layout.layers() == 0) return false;
  Placement const before = layout.placement();
  for (std::uint32_t l = 0; l < layout.layers(); ++l) {
    std::uint32_t const taken = (l + by) % layout.layers();
    layout.set_gateway(l, before.gateway[taken]);
    for (std::uint32_t e = 0; e < layout.experts(); ++e) {
      layout.set_host(layout.slot(l, e), before.host_of(taken, e));
    }
  }
  return true;
}

bool choose_places(Layout& layout, MeanModel const& model, std::uint32_t layer) {
  SatelliteId const gateway = layout.gateway(layer);
  SatelliteId const aggregation = model.aggregation(layout, layer);
  std::vector<std::uint32_t> own(model.satellites());
  for (SatelliteId const host : layout.hosts(layer)) ++own[index(host)];
  auto const free = [&](SatelliteId id) {
    std::size_t const others = layout.experts_on(id).size() - own[index(id)];
    return std::max<std::size_t>(layout.limits().capacity, others) - others;
  };
  std::vector<Place> hosts;
  for (std::uint32_t s = 0; s < model.satellites(); ++s) {
    SatelliteId const id = satellite(s);
    if (!layout.open_to_experts(id) || free(id) == 0) continue;
    hosts.push_back({model.host_ns(gateway, aggregation, id), id});
  }
  // As many hosts as experts have the best places, and more.
  if (hosts.size() > layout.experts()) {
    std::nth_element(hosts.begin(), hosts.begin() + layout.experts(), hosts.end());
    hosts.resize(layout.experts());
  }
  std::vector<Place> places;
  for (Place host : hosts) {
    // Each further expert on a host waits for those before it.
    for (std::size_t i = 0; i < std::min<std::size_t>(free(host.id), layout.experts()); ++i) {
      places.push_back(host);
      host.cost_ns += model.queue_ns(host.id);
    }
  }
  if (places.size() < layout.experts()) return false;
  auto const chosen = places.begin() + layout.experts();
  std::nth_element(places.begin(), chosen - 1, places.end());
  std::sort(places.begin(), chosen);
  occupy(layout, model, layer, std::span(places).first(layout.experts()));
  return true;
}

void sort_experts(Layout& layout, MeanModel const& model, std::uint32_t layer) {
  SatelliteId const gateway = layout.gateway(layer);
  SatelliteId const aggregation = model.aggregation(layout, layer);
  std::vector<Place> places;
  for (SatelliteId const id : layout.hosts(layer)) {
    places.push_back({model.host_ns(gateway, aggregation, id), id});
  }
  std::ranges::sort(places, std::less<>());
  occupy(layout, model, layer, places);
}

}  // namespace spacemoe
