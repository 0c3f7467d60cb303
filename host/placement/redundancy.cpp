#include "host/placement/redundancy.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "host/errors.hpp"

namespace spacemoe {
namespace {

/// A copy that some expert is to get.
struct Wanted {
  double gain;
  std::uint32_t expert;  ///< layer * experts + expert
  std::uint32_t copy;    ///< how many it has before
};

class Copier {
 public:
  Copier(PlanningContext const& context, Redundancy const& redundancy, std::span<double const> chance,
         Placement placement)
      : context_(context),
        redundancy_(redundancy),
        chance_(chance),
        placement_(std::move(placement)),
        load_(context.limits.satellites, 0),
        is_gateway_(context.limits.satellites, 0) {
    for (SatelliteId const id : placement_.gateway) is_gateway_[index(id)] = 1;
    for (SatelliteId const id : placement_.host) ++load_[index(id)];
  }

  Placement run() {
    std::vector<SatelliteId> sources = placement_.gateway;
    rows_ = context_.expected_latencies(sources);
    for (std::uint32_t l = 0; l < placement_.layers; ++l) add_spares(l);
    nearest_.resize(placement_.layers);
    for (Wanted const& wanted : wanted_copies()) add_replica(wanted.expert);
    sort_redundancy(placement_);
    return std::move(placement_);
  }

 private:
  /// Plane of a satellite; a number of its own where there are no planes.
  std::uint32_t plane(SatelliteId id) const {
    return context_.plane.empty() ? static_cast<std::uint32_t>(id) : context_.plane[index(id)];
  }

  bool is_free(SatelliteId id) const {
    bool const gateway = is_gateway_[index(id)] != 0 && !context_.limits.gateways_host_experts;
    return !gateway && load_[index(id)] < context_.limits.capacity;
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

  std::vector<SatelliteId> by_rising(std::vector<std::uint64_t> const& latency) const {
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

  std::vector<Wanted> wanted_copies() const {
    std::vector<Wanted> wanted;
    auto const experts = static_cast<std::uint32_t>(placement_.host.size());
    std::uint32_t const each = redundancy_.replica_places > 0
                                   ? std::min(redundancy_.replica_places, most_copies)
                                   : redundancy_.replicas;
    for (std::uint32_t e = 0; e < experts; ++e) {
      for (std::uint32_t copy = 1; copy <= each; ++copy) {
        wanted.push_back({chance_[e] * std::pow(redundancy_.planned_loss, copy), e, copy});
      }
    }
    if (redundancy_.replica_places > 0) {
      std::ranges::sort(wanted, [](Wanted const& a, Wanted const& b) {
        return std::tuple(-a.gain, a.copy, a.expert) < std::tuple(-b.gain, b.copy, b.expert);
      });
      wanted.resize(std::min<std::size_t>(wanted.size(), redundancy_.replica_places));
    } else {
      std::ranges::sort(wanted, [](Wanted const& a, Wanted const& b) {
        return std::tuple(a.copy, -a.gain, a.expert) < std::tuple(b.copy, -b.gain, b.expert);
      });
    }
    return wanted;
  }

  /// Satellites by the latency that they add to a layer.
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

  void add_replica(std::uint32_t of) {
    std::uint32_t const layer = of / placement_.experts;
    std::uint32_t const expert = of % placement_.experts;
    std::vector<SatelliteId> copies{placement_.host[of]};
    std::vector<SatelliteId> taken;  // by experts of the layer
    for (std::uint32_t e = 0; e < placement_.experts; ++e) taken.push_back(placement_.host_of(layer, e));
    for (Replica const& r : placement_.replica) {
      if (r.layer != layer) continue;
      taken.push_back(r.host);
      if (r.expert == expert) copies.push_back(r.host);
    }
    std::ranges::sort(taken);
    SatelliteId const host = choose(
        nearest(layer), copies,
        [&](SatelliteId id) { return is_free(id) && !std::ranges::binary_search(taken, id); },
        "a replica of expert " + std::to_string(expert) + " of layer " + std::to_string(layer));
    ++load_[index(host)];
    placement_.replica.push_back({layer, expert, host});
  }

  static constexpr std::uint32_t most_copies = 16;  ///< of one expert, when places are shared out

  PlanningContext const& context_;
  Redundancy const& redundancy_;
  std::span<double const> chance_;
  Placement placement_;
  std::vector<std::vector<std::uint64_t>> rows_;   ///< [layer]: expected latencies from its gateway
  std::vector<std::vector<SatelliteId>> nearest_;  ///< [layer], where looked up
  std::vector<std::uint32_t> load_;                ///< [satellite]: experts
  std::vector<std::uint8_t> is_gateway_;           ///< [satellite]
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
