#include "host/search/neighbourhood.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace spacemoe {
namespace {

/// Lists candidates kind by kind, layer by layer.
class Lister {
 public:
  Lister(Layout& layout, MeanModel const& model, Wiring const& wiring, Neighbourhood const& around,
         std::function<bool(SatelliteId)> const& known)
      : layout_(layout),
        model_(model),
        wiring_(wiring),
        around_(around),
        known_(known),
        cost_(layout.experts()) {
    std::vector<std::uint32_t> any(layout.experts());
    std::iota(any.begin(), any.end(), 0u);
    order_.assign(layout.layers(), any);
    for (std::uint32_t l = 0; l < layout.layers(); ++l) layer_ns_.push_back(rescored(l, order_[l]));
  }

  std::vector<Candidate> list() {
    for (std::uint32_t l = 0; l < layout_.layers(); ++l) {
      swaps_in_layer(l);
      moves_of_experts(l);
      if (around_.gateways) moves_of_gateway(l);
    }
    if (around_.gateways) moves_of_all();
    std::ranges::stable_sort(found_, {}, &Candidate::mean_change_ns);
    if (found_.size() > around_.most) found_.resize(around_.most);
    return std::move(found_);
  }

 private:
  double rescored(std::uint32_t layer, std::vector<std::uint32_t>& order) {
    model_.cost_experts(layout_, layer, order, cost_);
    return model_.layer_ns(layout_, layer, cost_);
  }

  /// Notes what was tried on the layout, and takes it back.
  void note(MoveKind kind, bool possible) {
    possible =
        possible && layout_.changes_keep_rules() &&
        std::ranges::all_of(layout_.changes(), [&](auto const& c) { return !c.is_gateway || known_(c.to); });
    if (possible && !layout_.changes().empty()) {
      double change_ns = 0;
      for (std::uint32_t const l : layout_.touched()) {
        std::vector<std::uint32_t> order = order_[l];
        change_ns += rescored(l, order) - layer_ns_[l];
      }
      found_.push_back({kind, {layout_.changes().begin(), layout_.changes().end()}, change_ns});
      if (found_.size() > 8 * around_.most) forget_the_worst();
    }
    layout_.take_back();
  }

  void forget_the_worst() {
    std::ranges::stable_sort(found_, {}, &Candidate::mean_change_ns);
    found_.resize(around_.most);
  }

  void swaps_in_layer(std::uint32_t layer) {
    auto const& order = order_[layer];
    for (std::size_t a = 0; a < order.size(); ++a) {
      for (std::size_t b = a + 1; b < order.size() && b <= a + around_.near_ranks; ++b) {
        note(MoveKind::swap_in_layer,
             swap_experts(layout_, layout_.slot(layer, order[a]), layout_.slot(layer, order[b])));
      }
    }
  }

  /// To satellites of least mean cost: a free place, or that of another layer's expert.
  void moves_of_experts(std::uint32_t layer) {
    for (SatelliteId const to : near(layer)) {
      std::vector<ExpertSlot> const there(layout_.experts_on(to).begin(), layout_.experts_on(to).end());
      bool const free = layout_.has_place(to);
      for (std::uint32_t e = 0; e < layout_.experts(); ++e) {
        ExpertSlot const expert = layout_.slot(layer, e);
        if (free) note(MoveKind::move_expert, move_expert(layout_, expert, to));
        for (ExpertSlot const other : there) {
          if (layout_.layer(other) == layer) continue;
          note(MoveKind::swap_across_layers, swap_experts(layout_, expert, other));
        }
      }
    }
  }

  std::vector<SatelliteId> near(std::uint32_t layer) const {
    SatelliteId const gateway = layout_.gateway(layer);
    SatelliteId const aggregation = model_.aggregation(layout_, layer);
    std::vector<SatelliteId> open;
    for (std::uint32_t s = 0; s < model_.satellites(); ++s) {
      if (layout_.open_to_experts(satellite(s))) open.push_back(satellite(s));
    }
    auto const rank = [&](SatelliteId id) { return std::pair(model_.host_ns(gateway, aggregation, id), id); };
    auto const kept = static_cast<std::ptrdiff_t>(std::min<std::size_t>(around_.near_places, open.size()));
    std::ranges::partial_sort(open, open.begin() + kept, {}, rank);
    open.resize(static_cast<std::size_t>(kept));
    return open;
  }

  void moves_of_gateway(std::uint32_t layer) {
    std::array const centre{layout_.gateway(layer)};
    for (SatelliteId const to : within_links(wiring_, centre, around_.links)) {
      if (!known_(to)) continue;
      bool const moves = move_gateway(layout_, layer, to);
      if (moves) {
        std::vector<std::uint32_t> const touched(layout_.touched().begin(), layout_.touched().end());
        for (std::uint32_t const l : touched) sort_experts(layout_, model_, l);
      }
      note(MoveKind::move_gateway, moves);
      note(MoveKind::move_surroundings, move_surroundings(layout_, model_, layer, to));
    }
  }

  void moves_of_all() {
    for (std::uint32_t const by : {1u, layout_.layers() - 1}) {
      note(MoveKind::rotate_layers, rotate_layers(layout_, by));
    }
    if (!around_.ring) return;
    for (std::uint32_t const planes : {0u, 1u, around_.ring->planes - 1}) {
      for (std::uint32_t const slots : {0u, 1u, around_.ring->satellites_per_plane - 1}) {
        note(MoveKind::shift_all, shift_all(layout_, *around_.ring, planes, slots));
      }
    }
  }

  Layout& layout_;
  MeanModel const& model_;
  Wiring const& wiring_;
  Neighbourhood const& around_;
  std::function<bool(SatelliteId)> const& known_;
  std::vector<double> cost_;
  std::vector<std::vector<std::uint32_t>> order_;  ///< [layer][m]: experts by rising cost
  std::vector<double> layer_ns_;                   ///< [layer]
  std::vector<Candidate> found_;
};

}  // namespace

bool try_again(Layout& layout, Candidate const& candidate) {
  for (Layout::Change const& change : candidate.changes) {
    if (change.is_gateway) {
      if (layout.gateway(change.what) != change.from) return false;
      layout.set_gateway(change.what, change.to);
    } else {
      auto const expert = static_cast<ExpertSlot>(change.what);
      if (layout.host(expert) != change.from) return false;
      layout.set_host(expert, change.to);
    }
  }
  return layout.changes_keep_rules();
}

std::vector<Candidate> candidates(Layout& layout, MeanModel const& model, Wiring const& wiring,
                                  Neighbourhood const& around,
                                  std::function<bool(SatelliteId)> const& known) {
  return Lister(layout, model, wiring, around, known).list();
}

std::vector<SatelliteId> within_links(Wiring const& wiring, std::span<SatelliteId const> centres,
                                      std::uint32_t links) {
  std::vector<bool> reached(wiring.nodes);
  std::vector<SatelliteId> edge;
  for (SatelliteId const id : centres) {
    if (!reached[index(id)]) edge.push_back(id);
    reached[index(id)] = true;
  }
  for (std::uint32_t step = 0; step < links; ++step) {
    std::vector<SatelliteId> next;
    for (SatelliteId const id : edge) {
      for (std::uint32_t port = 0; port < wiring.degree; ++port) {
        std::uint32_t const node = wiring.neighbor[std::size_t{port} * wiring.nodes + index(id)];
        if (!reached[node]) next.push_back(satellite(node));
        reached[node] = true;
      }
    }
    edge = std::move(next);
  }
  std::vector<SatelliteId> all;
  for (std::uint32_t node = 0; node < wiring.nodes; ++node) {
    if (reached[node]) all.push_back(satellite(node));
  }
  return all;
}

}  // namespace spacemoe
