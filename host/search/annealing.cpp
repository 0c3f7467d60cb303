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

Annealing::Annealing(MeanModel const& model, Wiring const& wiring, bool move_gateways, Seed seed,
                     std::uint32_t chain, Placement const& start, PlacementLimits const& limits)
    : model_(model),
      wiring_(wiring),
      move_gateways_(move_gateways),
      seed_(seed),
      chain_(chain),
      layout_(start, limits),
      cost_ns_(start.experts) {
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
  std::vector<std::uint32_t> any(layout_.experts());
  std::iota(any.begin(), any.end(), 0u);
  order_.assign(layout_.layers(), any);
  new_order_.resize(std::max<std::size_t>(1, new_order_.size()));
  layer_ns_.clear();
  for (std::uint32_t l = 0; l < layout_.layers(); ++l) {
    layer_ns_.push_back(rescored(0, l));
    std::swap(order_[l], new_order_[0]);
  }
  return std::accumulate(layer_ns_.begin(), layer_ns_.end(), 0.0);
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
    return move_gateways_ && move_gateway(layout_, layer_of_gateway(to), from) &&
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

/// Mean of a layer, and the new order of its experts for the touched layer of that number.
double Annealing::rescored(std::size_t touched, std::uint32_t layer) {
  if (touched >= new_order_.size()) new_order_.resize(touched + 1);
  auto& order = new_order_[touched];
  order = order_[layer];
  model_.cost_experts(layout_, layer, order, cost_ns_);
  return model_.layer_ns(layout_, layer, cost_ns_);
}

void Annealing::settle(double temperature_ns, std::uint32_t word) {
  auto const touched = layout_.touched();
  double change_ns = 0;
  new_ns_.clear();
  for (std::size_t i = 0; i < touched.size(); ++i) {
    new_ns_.push_back(rescored(i, touched[i]));
    change_ns += new_ns_.back() - layer_ns_[touched[i]];
  }
  // Metropolis; a word cannot accept what exp(-22), less than 2^-31, would.
  bool const accepted = change_ns <= 0 || (change_ns < 22 * temperature_ns &&
                                           -temperature_ns * std::log((word + 0.5) * 0x1p-32) > change_ns);
  if (!accepted) {
    layout_.take_back();
    return;
  }
  for (std::size_t i = 0; i < touched.size(); ++i) {
    layer_ns_[touched[i]] = new_ns_[i];
    std::swap(order_[touched[i]], new_order_[i]);
  }
  ++counts_.accepted[static_cast<std::size_t>(kind_)];
  layout_.keep();
  // Summed afresh: a chain that is taken up again has the same bits.
  double const total_ns = std::accumulate(layer_ns_.begin(), layer_ns_.end(), 0.0);
  if (total_ns < best_ns_) {
    best_ns_ = total_ns;
    best_ = layout_.placement();
  }
}

}  // namespace spacemoe
