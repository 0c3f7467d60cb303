#include "host/placement/strategies.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

#include "host/errors.hpp"
#include "host/placement/staircase.hpp"

namespace spacemoe {
namespace {

struct StrategyName {
  Strategy strategy;
  std::string_view name;
};

constexpr std::array names{
    StrategyName{Strategy::rand_place, "rand-place"},
    StrategyName{Strategy::rand_intra, "rand-intra"},
    StrategyName{Strategy::rand_intra_cg, "rand-intra-cg"},
    StrategyName{Strategy::spacemoe, "spacemoe"},
    StrategyName{Strategy::near_random, "near-random"},
    StrategyName{Strategy::colocated, "colocated"},
    StrategyName{Strategy::greedy, "greedy"},
    StrategyName{Strategy::staircase, "staircase"},
    StrategyName{Strategy::refined, "refined"},
    StrategyName{Strategy::file, "file"},
};

/// `count` different numbers below `bound`, drawn uniformly by address: the start of a Fisher-Yates shuffle,
/// of which only the moved entries are kept.
std::vector<std::uint64_t> draw_distinct(std::uint64_t bound, std::size_t count,
                                         PlanningContext const& context, Purpose purpose,
                                         std::uint32_t placement, std::uint32_t layer) {
  std::unordered_map<std::uint64_t, std::uint64_t> moved;
  auto const at = [&](std::uint64_t position) {
    auto const found = moved.find(position);
    return found == moved.end() ? position : found->second;
  };
  std::vector<std::uint64_t> drawn;
  for (std::uint64_t i = 0; i < count; ++i) {
    Words4 const words = draw(context.seed, purpose, static_cast<std::uint32_t>(i), placement, layer);
    std::uint64_t const j = i + bounded(words.word[0], words.word[1], bound - i);
    drawn.push_back(at(j));
    moved[j] = at(i);
  }
  return drawn;
}

/// One row of blocks of the orbit: rows [begin, end) of the ring belong to a layer.
struct Rows {
  std::uint32_t begin;
  std::uint32_t end;
};

Rows rows_of(RingShell const& ring, std::uint32_t layer, std::uint32_t layers) {
  auto const row = [&](std::uint64_t l) {
    return static_cast<std::uint32_t>(l * ring.satellites_per_plane / layers);
  };
  std::uint32_t const begin = row(layer);
  return {begin, std::max(begin + 1, row(layer + 1))};
}

SatelliteId ring_satellite(RingShell const& ring, std::uint32_t plane, std::uint32_t row) {
  return satellite(index(ring.first) + static_cast<std::size_t>(plane) * ring.satellites_per_plane + row);
}

/// Experts of a layer, heaviest first; equal weights by lowest expert.
std::vector<std::uint32_t> by_falling_weight(ActivationWeights const& weights, std::uint32_t layer) {
  std::vector<std::uint32_t> order(weights.experts);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [row = weights.layer(layer)](std::uint32_t e) { return row[e]; });
  return order;
}

struct ExpertCost {
  double cost;
  double weight;
};

/// Expected greatest cost of `top_k` experts, as if they were drawn independently: the chance that all are
/// among those of least cost is their share of the weights to the power of `top_k`.
double expected_maximum(std::vector<ExpertCost> experts, std::uint32_t top_k) {
  std::ranges::stable_sort(experts, {}, &ExpertCost::cost);
  double total = 0;
  for (ExpertCost const& expert : experts) total += expert.weight;
  double mean = 0;
  double weight = 0;
  double before = 0;
  for (ExpertCost const& expert : experts) {
    weight += expert.weight;
    double chance = 1;
    for (std::uint32_t k = 0; k < top_k; ++k) chance *= weight / total;
    mean += (chance - before) * expert.cost;
    before = chance;
  }
  return mean;
}

/// Fills a placement while keeping count of the places left on every satellite.
class Planner {
 public:
  Planner(Strategy strategy, PlanningContext const& context, std::uint32_t number)
      : strategy_(strategy), context_(context), number_(number) {
    placement_.layers = context.weights->layers;
    placement_.experts = context.weights->experts;
    placement_.gateway.resize(placement_.layers);
    placement_.host.resize(static_cast<std::size_t>(placement_.layers) * placement_.experts);
    is_gateway_.resize(context.limits.satellites);
    load_.resize(context.limits.satellites);
  }

  Placement rand_place() {
    std::vector<SatelliteId> const everywhere = all_satellites();
    require(everywhere.size() >= placement_.layers, "the constellation", everywhere.size(), placement_.layers,
            "gateways");
    auto const gateways =
        draw_distinct(everywhere.size(), placement_.layers, context_, Purpose::gateway_placement, number_, 0);
    for (std::uint32_t l = 0; l < placement_.layers; ++l) set_gateway(l, everywhere[gateways[l]]);
    auto const places = draw_places(everywhere, placement_.host.size(), 0, "the constellation");
    for (std::size_t i = 0; i < placement_.host.size(); ++i) host(i, places[i]);
    return std::move(placement_);
  }

  Placement rand_intra(bool central) {
    if (central) {
      central_gateways();
    } else {
      random_gateways();
    }
    for (std::uint32_t l = 0; l < placement_.layers; ++l) {
      auto const places = draw_places(layer_subnet(l), placement_.experts, l, subnet_name(l));
      for (std::uint32_t e = 0; e < placement_.experts; ++e) host(l, e, places[e]);
    }
    return std::move(placement_);
  }

  Placement nearest_in_subnet(bool random_order) {
    central_gateways();
    look_up_rows();
    for (std::uint32_t l = 0; l < placement_.layers; ++l) {
      std::vector<SatelliteId> const chosen =
          spread(l, by_rising_latency(l, layer_subnet(l)), subnet_name(l));
      host_heaviest_first(l, random_order ? shuffled(chosen, l) : chosen);
    }
    return std::move(placement_);
  }

  Placement colocated() {
    central_gateways();
    look_up_rows();
    for (std::uint32_t l = 0; l < placement_.layers; ++l) {
      host_heaviest_first(l, fill(by_rising_latency(l, layer_subnet(l)), subnet_name(l)));
    }
    return std::move(placement_);
  }

  /// The next gateway is the nearest free satellite; the hosts are the free satellites of least expected
  /// latency between the two.
  Placement greedy() {
    add_greedy_gateway(0,
                       context_.ring ? central_gateway(*context_.ring, 0, placement_.layers) : satellite(0));
    for (std::uint32_t l = 0; l < placement_.layers; ++l) {
      if (l + 1 < placement_.layers) add_greedy_gateway(l + 1, nearest_unused(row_[l]));
      host_heaviest_first(l, spread(l, by_rising_latency(l, all_satellites()), "the constellation"));
    }
    return std::move(placement_);
  }

  /// Gateways on a loop; false, with nothing placed, where that leaves too few places.
  bool take_gateways(std::vector<SatelliteId> const& loop) {
    for (std::uint32_t l = 0; l < placement_.layers; ++l) set_gateway(l, loop[l]);
    std::uint64_t places = 0;
    for (SatelliteId const id : all_satellites()) places += places_left(id);
    return places >= placement_.host.size();
  }

  /// Hosts of least expected latency between the gateways: one expert on each, or as many as it takes.
  Placement host_along(bool shared) {
    look_up_rows();
    for (std::uint32_t l = 0; l < placement_.layers; ++l) {
      auto const nearest = by_rising_latency(l, all_satellites());
      host_heaviest_first(
          l, shared ? fill(nearest, "the constellation") : spread(l, nearest, "the constellation"));
    }
    return placement_;
  }

  /// Expected latency of a token [ns, summed over slots], without what gateways compute.
  double expected_latency() const {
    double sum = 0;
    for (std::uint32_t l = 0; l < placement_.layers; ++l) sum += expected_layer_latency(l);
    return sum;
  }

 private:
  std::string subnet_name(std::uint32_t layer) const {
    return "the subnet of layer " + std::to_string(layer);
  }

  void require(bool enough, std::string const& where, std::size_t places, std::size_t needed,
               char const* what) const {
    if (enough) return;
    throw ScenarioError(
        {"placement.strategies " + std::string(name(strategy_)),
         where + " has " + std::to_string(places) + " free places for " + std::to_string(needed) + " " + what,
         "raise placement.capacity, set placement.gateways_host_experts, or use a larger constellation"});
  }

  std::vector<SatelliteId> all_satellites() const {
    std::vector<SatelliteId> all(context_.limits.satellites);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = satellite(i);
    return all;
  }

  std::vector<SatelliteId> layer_subnet(std::uint32_t layer) const {
    return subnet(*context_.ring, layer, placement_.layers);
  }

  std::uint32_t places_left(SatelliteId id) const {
    if (is_gateway_[index(id)] && !context_.limits.gateways_host_experts) return 0;
    return context_.limits.capacity - load_[index(id)];
  }

  /// `count` places drawn uniformly from the free ones of `satellites`.
  std::vector<SatelliteId> draw_places(std::vector<SatelliteId> const& satellites, std::size_t count,
                                       std::uint32_t layer, std::string const& where) const {
    std::vector<std::uint64_t> places_up_to;  // [satellite]: its own included
    std::uint64_t total = 0;
    for (SatelliteId const id : satellites) places_up_to.push_back(total += places_left(id));
    require(total >= count, where, total, count, "experts");
    std::vector<SatelliteId> drawn;
    for (std::uint64_t const place :
         draw_distinct(total, count, context_, Purpose::expert_placement, number_, layer)) {
      auto const owner = std::ranges::upper_bound(places_up_to, place) - places_up_to.begin();
      drawn.push_back(satellites[static_cast<std::size_t>(owner)]);
    }
    return drawn;
  }

  std::vector<SatelliteId> shuffled(std::vector<SatelliteId> const& satellites, std::uint32_t layer) const {
    std::vector<SatelliteId> order;
    for (std::uint64_t const i : draw_distinct(satellites.size(), satellites.size(), context_,
                                               Purpose::expert_placement, number_, layer)) {
      order.push_back(satellites[i]);
    }
    return order;
  }

  /// Places for a layer's experts that fill one of `satellites` after the other.
  std::vector<SatelliteId> fill(std::vector<SatelliteId> const& satellites, std::string const& where) const {
    std::vector<SatelliteId> chosen;
    for (SatelliteId const id : satellites) {
      std::size_t const missing = placement_.experts - chosen.size();
      chosen.insert(chosen.end(), std::min<std::size_t>(places_left(id), missing), id);
    }
    require(chosen.size() == placement_.experts, where, chosen.size(), placement_.experts, "experts");
    return chosen;
  }

  void set_gateway(std::uint32_t layer, SatelliteId id) {
    placement_.gateway[layer] = id;
    is_gateway_[index(id)] = true;
  }

  void host(std::size_t expert, SatelliteId id) {
    placement_.host[expert] = id;
    ++load_[index(id)];
  }
  void host(std::uint32_t layer, std::uint32_t expert, SatelliteId id) {
    host(static_cast<std::size_t>(layer) * placement_.experts + expert, id);
  }

  void central_gateways() {
    for (std::uint32_t l = 0; l < placement_.layers; ++l) {
      set_gateway(l, central_gateway(*context_.ring, l, placement_.layers));
    }
  }

  /// Expected latencies from all gateways at once.
  void look_up_rows() { row_ = context_.expected_latencies(placement_.gateway); }

  void random_gateways() {
    for (std::uint32_t l = 0; l < placement_.layers; ++l) {
      std::vector<SatelliteId> candidates = layer_subnet(l);
      std::erase_if(candidates, [&](SatelliteId id) { return is_gateway_[index(id)]; });
      require(!candidates.empty(), subnet_name(l), 0, 1, "gateway");
      auto const drawn =
          draw_distinct(candidates.size(), 1, context_, Purpose::gateway_placement, number_, l);
      set_gateway(l, candidates[drawn.front()]);
    }
  }

  /// Expected c_l of a layer's experts [ns, summed over slots] on every satellite.
  std::vector<std::uint64_t> expected_costs(std::uint32_t layer) const {
    bool const own = context_.aggregation == Aggregation::own_gateway;
    auto const& there = row_[layer];
    auto const& onward = row_[own ? layer : (layer + 1) % placement_.layers];
    std::vector<std::uint64_t> cost(context_.limits.satellites);
    for (std::size_t s = 0; s < cost.size(); ++s) {
      cost[s] = there[s] + onward[s] + context_.slots * context_.compute->expert_ns(layer, 0, satellite(s));
    }
    return cost;
  }

  /// Expected latency of a layer [ns, summed over slots]. Of the other experts on a host, (K - 1) / (E - 1)
  /// compute before one.
  double expected_layer_latency(std::uint32_t layer) const {
    std::uint32_t const experts = placement_.experts;
    std::unordered_map<SatelliteId, std::uint32_t> load;
    for (std::uint32_t e = 0; e < experts; ++e) ++load[placement_.host_of(layer, e)];
    double const drawn_with_one = experts == 1 ? 0 : (context_.top_k - 1.0) / (experts - 1.0);
    auto const cost = expected_costs(layer);
    std::vector<ExpertCost> drawn;
    for (std::uint32_t e = 0; e < experts; ++e) {
      SatelliteId const id = placement_.host_of(layer, e);
      double const compute_ns = static_cast<double>(context_.compute->expert_ns(layer, e, id));
      double const queue = (load[id] - 1.0) * drawn_with_one * compute_ns * context_.slots;
      drawn.push_back({static_cast<double>(cost[index(id)]) + queue, context_.weights->layer(layer)[e]});
    }
    return expected_maximum(std::move(drawn), context_.top_k);
  }

  std::vector<SatelliteId> by_rising_latency(std::uint32_t layer, std::vector<SatelliteId> satellites) const {
    auto const cost = expected_costs(layer);
    std::ranges::stable_sort(satellites, {}, [&](SatelliteId id) { return cost[index(id)]; });
    return satellites;
  }

  /// Places for a layer's experts on the first of `satellites` that have room: one expert each, then a second
  /// round, and so on where there are fewer satellites than experts.
  std::vector<SatelliteId> spread(std::uint32_t layer, std::vector<SatelliteId> const& satellites,
                                  std::string const& where) const {
    std::vector<SatelliteId> chosen;
    std::size_t before = 0;
    for (std::uint32_t round = 1; round == 1 || chosen.size() > before; ++round) {
      before = chosen.size();
      for (SatelliteId const id : satellites) {
        if (chosen.size() == placement_.experts) return chosen;
        if (places_left(id) >= round) chosen.push_back(id);
      }
    }
    require(chosen.size() == placement_.experts, where, chosen.size(), placement_.experts,
            ("experts of layer " + std::to_string(layer)).c_str());
    return chosen;
  }

  void host_heaviest_first(std::uint32_t layer, std::vector<SatelliteId> const& satellites) {
    auto const order = by_falling_weight(*context_.weights, layer);
    for (std::size_t i = 0; i < order.size(); ++i) host(layer, order[i], satellites[i]);
  }

  void add_greedy_gateway(std::uint32_t layer, SatelliteId id) {
    set_gateway(layer, id);
    row_.push_back(context_.expected_latencies(std::array{id}).front());
  }

  SatelliteId nearest_unused(std::vector<std::uint64_t> const& row) const {
    std::optional<SatelliteId> nearest;
    for (SatelliteId const id : all_satellites()) {
      bool const unused = !is_gateway_[index(id)] && load_[index(id)] == 0;
      if (unused && (!nearest || row[index(id)] < row[index(*nearest)])) nearest = id;
    }
    require(nearest.has_value(), "the constellation", 0, 1, "gateway");
    return *nearest;
  }

  Strategy strategy_;
  PlanningContext const& context_;
  std::uint32_t number_;
  Placement placement_;
  std::vector<std::vector<std::uint64_t>> row_;  ///< [layer][satellite]: expected latencies from the gateway
  std::vector<bool> is_gateway_;
  std::vector<std::uint32_t> load_;
};

/// The loop of least expected latency, with hosts placed along it.
Placement staircase(PlanningContext const& context) {
  std::uint32_t const capacity = context.limits.capacity;
  auto const loops = staircase_loops(*context.ring, context.weights->layers,
                                     satellites_per_layer(context.weights->experts, capacity));
  std::optional<Placement> best;
  double best_latency = 0;
  for (auto const& loop : loops) {
    Planner start(Strategy::staircase, context, 0);
    if (!start.take_gateways(loop) && &loop != &loops.back()) continue;
    for (bool const shared : {false, true}) {
      if (shared && capacity == 1) continue;
      Planner planner = start;
      Placement placement = planner.host_along(shared);
      double const latency = planner.expected_latency();
      if (best && latency >= best_latency) continue;
      best = std::move(placement);
      best_latency = latency;
    }
  }
  return *best;
}

}  // namespace

std::string_view name(Strategy strategy) {
  return std::ranges::find(names, strategy, &StrategyName::strategy)->name;
}

std::optional<Strategy> strategy_named(std::string_view wanted) {
  auto const found = std::ranges::find(names, wanted, &StrategyName::name);
  if (found == names.end()) return std::nullopt;
  return found->strategy;
}

std::vector<Strategy> const& all_strategies() {
  static std::vector<Strategy> const all = [] {
    std::vector<Strategy> strategies;
    for (auto const& entry : names) strategies.push_back(entry.strategy);
    return strategies;
  }();
  return all;
}

bool is_planned(Strategy strategy) {
  return strategy != Strategy::refined && strategy != Strategy::file;
}

bool is_random(Strategy strategy) {
  return strategy == Strategy::rand_place || strategy == Strategy::rand_intra ||
         strategy == Strategy::rand_intra_cg || strategy == Strategy::near_random;
}

bool needs_shell(Strategy strategy) {
  return strategy != Strategy::rand_place && strategy != Strategy::greedy && is_planned(strategy);
}

std::vector<SatelliteId> subnet(RingShell const& ring, std::uint32_t layer, std::uint32_t layers) {
  Rows const rows = rows_of(ring, layer, layers);
  std::vector<SatelliteId> satellites;
  for (std::uint32_t plane = 0; plane < ring.planes; ++plane) {
    for (std::uint32_t row = rows.begin; row < rows.end; ++row) {
      satellites.push_back(ring_satellite(ring, plane, row));
    }
  }
  return satellites;
}

SatelliteId central_gateway(RingShell const& ring, std::uint32_t layer, std::uint32_t layers) {
  Rows const rows = rows_of(ring, layer, layers);
  return ring_satellite(ring, ring.planes / 2, rows.begin + (rows.end - rows.begin - 1) / 2);
}

Placement plan(Strategy strategy, PlanningContext const& context, std::uint32_t placement) {
  Planner planner(strategy, context, placement);
  switch (strategy) {
    case Strategy::rand_place:
      return planner.rand_place();
    case Strategy::rand_intra:
      return planner.rand_intra(false);
    case Strategy::rand_intra_cg:
      return planner.rand_intra(true);
    case Strategy::spacemoe:
      return planner.nearest_in_subnet(false);
    case Strategy::near_random:
      return planner.nearest_in_subnet(true);
    case Strategy::colocated:
      return planner.colocated();
    case Strategy::greedy:
      return planner.greedy();
    case Strategy::staircase:
      return staircase(context);
    case Strategy::refined:
    case Strategy::file:
      break;
  }
  throw std::logic_error("this strategy's placements are searched for or read, not planned");
}

}  // namespace spacemoe
