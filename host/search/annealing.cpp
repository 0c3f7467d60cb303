#include "host/search/annealing.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace spacemoe {
namespace {

/// Of so many steps, one moves a gateway; of so many of these, one takes the experts around it along.
constexpr std::uint32_t steps_per_gateway = 8;
constexpr std::uint32_t gateways_per_surroundings = 4;

}  // namespace

MoveCounts& MoveCounts::operator+=(MoveCounts const& other) {
  for (std::size_t kind = 0; kind < tried.size(); ++kind) {
    tried[kind] += other.tried[kind];
    accepted[kind] += other.accepted[kind];
  }
  return *this;
}

std::uint64_t MoveCounts::all_tried() const {
  return std::accumulate(tried.begin(), tried.end(), std::uint64_t{0});
}

Annealing::Annealing(MeanModel const& model, Wiring const& wiring, bool move_gateways, Seed seed,
                     std::uint32_t chain, Placement const& start, PlacementLimits const& limits)
    : model_(model),
      wiring_(wiring),
      move_gateways_(move_gateways),
      seed_(seed),
      chain_(chain),
      layout_(start, limits),
      sorted_ns_(start.experts) {
  resume(start, start);
}

void Annealing::resume(Placement const& current, Placement const& best) {
  layout_ = Layout(best, layout_.limits());
  best_ = best;
  best_ns_ = score_all();
  layout_ = Layout(current, layout_.limits());
  score_all();
}

double Annealing::score_all() {
  layer_.assign(layout_.layers(), {});
  double total_ns = 0;
  for (std::uint32_t l = 0; l < layout_.layers(); ++l) {
    Layer& layer = layer_[l];
    for (std::uint32_t e = 0; e < layout_.experts(); ++e) {
      layer.cost_ns.push_back(model_.expert_ns(layout_, layout_.slot(l, e)));
      layer.order.push_back(e);
    }
    sort_by_cost(layer.cost_ns, layer.order, sorted_ns_);
    layer.mean_ns = model_.layer_ns(layout_, l, sorted_ns_);
    total_ns += layer.mean_ns;
  }
  return total_ns;
}

void Annealing::run(std::uint64_t first, std::uint64_t count, double temperature_ns) {
  for (std::uint64_t step = first; step < first + count; ++step) {
    Words4 const words = draw(seed_, Purpose::search, static_cast<std::uint32_t>(step),
                              static_cast<std::uint32_t>(step >> 32), chain_);
    if (propose(words)) {
      ++counts_.tried[static_cast<std::size_t>(kind_)];
      settle(temperature_ns, words.word[3]);
    } else {
      layout_.take_back();
    }
  }
}

bool Annealing::propose(Words4 const& words) {
  bool const gateway = move_gateways_ && words.word[2] % steps_per_gateway == 0;
  return gateway ? propose_gateway(words) : propose_expert(words);
}

/// From an expert's host, or from a gateway of its layer, to somewhere near.
bool Annealing::propose_expert(Words4 const& words) {
  auto const expert =
      static_cast<ExpertSlot>(bounded(words.word[0], 0, std::uint64_t{layout_.layers()} * layout_.experts()));
  SatelliteId const from = layout_.host(expert);
  std::uint32_t const layer = layout_.layer(expert);
  std::uint32_t const anchor = words.word[1] % 4;
  SatelliteId const start = anchor == 0   ? layout_.gateway(layer)
                            : anchor == 1 ? model_.aggregation(layout_, layer)
                                          : from;
  SatelliteId const to = walk(start, words.word[1] / 4);
  kind_ = MoveKind::move_expert;
  if (to == from || move_expert(layout_, expert, to)) return to != from;
  if (!layout_.open_to_experts(to)) {
    kind_ = MoveKind::move_gateway;
    return move_gateways_ && model_.knows(from) && move_gateway(layout_, layer_of_gateway(to), from) &&
           layout_.changes_keep_rules();
  }
  kind_ = MoveKind::swap_across_layers;
  auto const there = layout_.experts_on(to);
  ExpertSlot const other = there[words.word[2] / steps_per_gateway % there.size()];
  // Which expert of a layer is where does not matter to the mean model.
  return layout_.layer(other) != layer && swap_experts(layout_, expert, other);
}

bool Annealing::propose_gateway(Words4 const& words) {
  auto const layer = static_cast<std::uint32_t>(bounded(words.word[0], 0, layout_.layers()));
  SatelliteId const to = walk(layout_.gateway(layer), words.word[1] / 4);
  bool const along = words.word[2] / steps_per_gateway % gateways_per_surroundings == 0;
  kind_ = along ? MoveKind::move_surroundings : MoveKind::move_gateway;
  if (!model_.knows(to)) return false;
  return along ? move_surroundings(layout_, model_, layer, to) : move_gateway(layout_, layer, to);
}

/// One to three links in directions that the word draws.
SatelliteId Annealing::walk(SatelliteId from, std::uint32_t word) const {
  std::uint32_t const steps = 1 + word % 3;
  word /= 3;
  auto node = static_cast<std::uint32_t>(index(from));
  for (std::uint32_t i = 0; i < steps; ++i) {
    node = wiring_.neighbor[std::size_t{word % wiring_.degree} * wiring_.nodes + node];
    word /= wiring_.degree;
  }
  return satellite(node);
}

std::uint32_t Annealing::layer_of_gateway(SatelliteId id) const {
  auto const& gateways = layout_.placement().gateway;
  return static_cast<std::uint32_t>(std::ranges::find(gateways, id) - gateways.begin());
}

bool Annealing::gateways_changed(std::uint32_t layer) const {
  std::uint32_t const next = (layer + 1) % layout_.layers();
  return std::ranges::any_of(layout_.changes(), [&](Layout::Change const& change) {
    return change.is_gateway && (change.what == layer || change.what == next);
  });
}

/// The touched layer of that number as it is now; returns by how much its mean has changed.
double Annealing::rescored(std::size_t touched) {
  std::uint32_t const l = layout_.touched()[touched];
  if (touched == changed_.size()) changed_.emplace_back();
  Layer& layer = changed_[touched];
  layer = layer_[l];
  auto const update = [&](ExpertSlot expert) {
    if (layout_.layer(expert) != l) return;
    layer.cost_ns[static_cast<std::uint32_t>(expert) - l * layout_.experts()] =
        model_.expert_ns(layout_, expert);
  };
  if (gateways_changed(l)) {
    for (std::uint32_t e = 0; e < layout_.experts(); ++e) update(layout_.slot(l, e));
  } else {
    // Where experts came or went, the others wait for more or fewer.
    for (Layout::Change const& change : layout_.changes()) {
      if (change.is_gateway) continue;
      for (SatelliteId const id : {change.from, change.to})
        std::ranges::for_each(layout_.experts_on(id), update);
    }
  }
  sort_by_cost(layer.cost_ns, layer.order, sorted_ns_);
  layer.mean_ns = model_.layer_ns(layout_, l, sorted_ns_);
  return layer.mean_ns - layer_[l].mean_ns;
}

void Annealing::settle(double temperature_ns, std::uint32_t word) {
  auto const touched = layout_.touched();
  double change_ns = 0;
  for (std::size_t i = 0; i < touched.size(); ++i) change_ns += rescored(i);
  // Metropolis; a word cannot accept what exp(-22), less than 2^-31, would.
  bool const accepted = change_ns <= 0 || (change_ns < 22 * temperature_ns &&
                                           -temperature_ns * std::log((word + 0.5) * 0x1p-32) > change_ns);
  if (!accepted) {
    layout_.take_back();
    return;
  }
  for (std::size_t i = 0; i < touched.size(); ++i) std::swap(layer_[touched[i]], changed_[i]);
  ++counts_.accepted[static_cast<std::size_t>(kind_)];
  layout_.keep();
  // Summed afresh: a chain that is taken up again has the same bits.
  double total_ns = 0;
  for (Layer const& layer : layer_) total_ns += layer.mean_ns;
  if (total_ns < best_ns_) {
    best_ns_ = total_ns;
    best_ = layout_.placement();
  }
}

}  // namespace spacemoe
