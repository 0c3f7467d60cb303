#include "host/placement/redundancy.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>
#include <string>
#include <tuple>
#include <utility>

#include "host/errors.hpp"

namespace spacemoe {
namespace {

class Copier {
 public:
  Copier(PlanningContext const& context, Redundancy const& redundancy, std::span<double const> chance,
         Placement placement)
      : context_(context),
        redundancy_(redundancy),
        chance_(chance),
        placement_(std::move(placement)),
        rows_(context.expected_latencies(placement_.gateway)),
        nearest_(placement_.layers),
        load_(context.limits.satellites, 0),
        is_gateway_(context.limits.satellites, 0),
        has_expert_(placement_.layers, std::vector<std::uint8_t>(context.limits.satellites, 0)) {
    for (SatelliteId const id : placement_.gateway) is_gateway_[index(id)] = 1;
    for (std::uint32_t e = 0; e < placement_.host.size(); ++e) take(e, placement_.host[e]);
  }

  Placement run() {
    for (std::uint32_t l = 0; l < placement_.layers; ++l) add_spares(l);
    auto const experts = redundancy_.replica_places > 0 ? shared_out() : each_in_turn();
    for (std::uint32_t const expert : experts) add_replica(expert);
    sort_redundancy(placement_);
    return std::move(placement_);
  }

 private:
  // Experts are counted over all layers.
  std::uint32_t layer_of(std::uint32_t expert) const { return expert / placement_.experts; }

  void take(std::uint32_t expert, SatelliteId id) {
    ++load_[index(id)];
    has_expert_[layer_of(expert)][index(id)] = 1;
  }

  /// Plane of a satellite; a number of its own where there are no planes.
  std::uint32_t plane(SatelliteId id) const {
    return context_.plane.empty() ? static_cast<std::uint32_t>(id) : context_.plane[index(id)];
  }

  /// The first of `order` that is allowed, outside of the planes of `others` if it can be.
  template <class Allowed>
  SatelliteId choose(std::vector<SatelliteId> const& order, std::vector<SatelliteId> const& others,
                     Allowed allowed, std::string const& what) const {
    auto const apart = [&](SatelliteId id) {
      return std::ranges::none_of(others, [&](SatelliteId other) { return plane(other) == plane(id); });
    };
    auto found = std::ranges::find_if(order, [&](SatelliteId id) { return allowed(id) && apart(id); });
    if (found == order.end()) found = std::ranges::find_if(order, allowed);
    if (found != order.end()) return *found;
    Complaint complaint{"placement", "there is no place left for " + what,
                        "ask for fewer replicas or spare gateways, or raise placement.capacity"};
    complaint.infeasible = true;
    throw ScenarioError(std::move(complaint));
  }

  static std::vector<SatelliteId> by_rising(std::vector<std::uint64_t> const& latency) {
    std::vector<SatelliteId> order(latency.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = satellite(i);
    std::ranges::stable_sort(order, {}, [&](SatelliteId id) { return latency[index(id)]; });
    return order;
  }

  void add_spares(std::uint32_t layer) {
    if (redundancy_.spare_gateways == 0) return;
    auto const order = by_rising(rows_[layer]);
    std::vector<SatelliteId> others{placement_.gateway[layer]};
    for (std::uint32_t i = 0; i < redundancy_.spare_gateways; ++i) {
      auto const allowed = [&](SatelliteId id) {
        bool const hosts = load_[index(id)] > 0 && !context_.limits.gateways_host_experts;
        return is_gateway_[index(id)] == 0 && !hosts;
      };
      SatelliteId const spare =
          choose(order, others, allowed, "a spare gateway of layer " + std::to_string(layer));
      is_gateway_[index(spare)] = 1;
      others.push_back(spare);
      placement_.spare.push_back({layer, spare});
    }
  }

  /// So many copies of every expert: the first of all, then the second of all, each time those first that are
  /// drawn most.
  std::vector<std::uint32_t> each_in_turn() const {
    std::vector<std::uint32_t> experts(placement_.host.size());
    std::iota(experts.begin(), experts.end(), 0u);
    std::ranges::stable_sort(experts, std::ranges::greater(), [&](std::uint32_t e) { return chance_[e]; });
    std::vector<std::uint32_t> turns;
    for (std::uint32_t copy = 0; copy < redundancy_.replicas; ++copy) {
      turns.insert(turns.end(), experts.begin(), experts.end());
    }
    return turns;
  }

  /// So many copies in all, one by one to the expert that gains most.
  std::vector<std::uint32_t> shared_out() const {
    struct Next {
      double gain;
      std::uint32_t copies;  ///< that there are already
      std::uint32_t expert;
    };
    auto const later = [](Next const& a, Next const& b) {
      return std::tuple(-a.gain, a.copies, a.expert) > std::tuple(-b.gain, b.copies, b.expert);
    };
    std::priority_queue<Next, std::vector<Next>, decltype(later)> next(later);
    for (std::uint32_t e = 0; e < placement_.host.size(); ++e) {
      next.push({chance_[e] * redundancy_.planned_loss, 1, e});
    }
    std::vector<std::uint32_t> experts;
    while (experts.size() < redundancy_.replica_places) {
      auto const [gain, copies, expert] = next.top();
      next.pop();
      next.push({gain * redundancy_.planned_loss, copies + 1, expert});
      experts.push_back(expert);
    }
    return experts;
  }

  /// Satellites by the latency that an expert there adds to a layer. Compute times differ between satellites
  /// or between experts, never both, so that the order is the same for all experts.
  std::vector<SatelliteId> const& nearest(std::uint32_t layer) {
    if (!nearest_[layer].empty()) return nearest_[layer];
    bool const own = context_.aggregation == Aggregation::own_gateway;
    auto const& back = rows_[own ? layer : (layer + 1) % placement_.layers];
    std::vector<std::uint64_t> latency = rows_[layer];
    for (std::size_t i = 0; i < latency.size(); ++i) {
      latency[i] += back[i] + context_.slots * context_.compute->expert_ns(layer, 0, satellite(i));
    }
    return nearest_[layer] = by_rising(latency);
  }

  void add_replica(std::uint32_t expert) {
    std::uint32_t const layer = layer_of(expert);
    std::uint32_t const of_layer = expert % placement_.experts;
    std::vector<SatelliteId> copies{placement_.host[expert]};
    for (Replica const& r : placement_.replica) {
      if (r.layer == layer && r.expert == of_layer) copies.push_back(r.host);
    }
    auto const allowed = [&](SatelliteId id) {
      bool const gateway = is_gateway_[index(id)] != 0 && !context_.limits.gateways_host_experts;
      return !gateway && load_[index(id)] < context_.limits.capacity && has_expert_[layer][index(id)] == 0;
    };
    SatelliteId const host =
        choose(nearest(layer), copies, allowed,
               "a replica of expert " + std::to_string(of_layer) + " of layer " + std::to_string(layer));
    take(expert, host);
    placement_.replica.push_back({layer, of_layer, host});
  }

  PlanningContext const& context_;
  Redundancy const& redundancy_;
  std::span<double const> chance_;
  Placement placement_;
  std::vector<std::vector<std::uint64_t>> rows_;       ///< [layer]: expected latencies from its gateway
  std::vector<std::vector<SatelliteId>> nearest_;      ///< [layer], where looked up
  std::vector<std::uint32_t> load_;                    ///< [satellite]: experts
  std::vector<std::uint8_t> is_gateway_;               ///< [satellite]
  std::vector<std::vector<std::uint8_t>> has_expert_;  ///< [layer][satellite]
};

}  // namespace

bool is_none(Redundancy const& redundancy) {
  return redundancy.replicas == 0 && redundancy.replica_places == 0 && redundancy.spare_gateways == 0;
}

Placement with_redundancy(PlanningContext const& context, Redundancy const& redundancy,
                          std::span<double const> chance, Placement placement) {
  if (is_none(redundancy)) return placement;
  return Copier(context, redundancy, chance, std::move(placement)).run();
}

}  // namespace spacemoe
