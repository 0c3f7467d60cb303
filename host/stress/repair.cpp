#include "host/stress/repair.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "host/evaluation/planning.hpp"
#include "host/search/mean_paths.hpp"

namespace spacemoe {
namespace {

/// In slots without a path weights are taken to travel as far as to the farthest satellite.
constexpr LostPath as_the_farthest{1, 0};
constexpr double no_cost = std::numeric_limits<double>::infinity();

/// An expert whose host is lost.
struct LostExpert {
  std::uint32_t layer;
  std::uint32_t expert;
  bool has_copy;  ///< some replica serves
  double chance;  ///< of being drawn
};

class Repairer {
 public:
  Repairer(RepairContext const& context, Remains const& remains, Placement placement)
      : context_(context),
        remains_(remains),
        own_gateway_(context.scenario.aggregation == Aggregation::own_gateway),
        experts_on_(satellites(context.scenario), 0),
        gateways_on_(satellites(context.scenario), 0) {
    repair_.placement = std::move(placement);
    for (SatelliteId const id : here().gateway) ++gateways_on_[index(id)];
    for (SpareGateway const& spare : here().spare) ++gateways_on_[index(spare.satellite)];
    for (SatelliteId const id : here().host) ++experts_on_[index(id)];
    for (Replica const& replica : here().replica) ++experts_on_[index(replica.host)];
  }

  Repair run(double budget_bytes) {
    for (std::uint32_t l = 0; l < here().layers; ++l) {
      if (!remains_.serves(here().gateway[l])) move_gateway(here().gateway[l]);
    }
    move_experts(budget_bytes);
    add_flights();
    return std::move(repair_);
  }

 private:
  Placement const& here() const { return repair_.placement; }
  std::uint32_t next(std::uint32_t layer) const { return (layer + 1) % here().layers; }
  double chance(std::uint32_t layer, std::uint32_t expert) const {
    return context_.chance[std::size_t{layer} * here().experts + expert];
  }

  /// Mean path latencies [ns] between satellites and every other; those in `sources` are worked out together.
  void find_paths(std::vector<SatelliteId> sources) {
    std::ranges::sort(sources);
    auto const repeated = std::ranges::unique(sources);
    sources.erase(repeated.begin(), repeated.end());
    std::erase_if(sources, [this](SatelliteId id) { return paths_.contains(id); });
    if (sources.empty()) return;
    MeanPaths const found(remains_.slots(), context_.backend, sources, shun_lost);
    for (std::uint32_t s = 0; s < sources.size(); ++s) {
      auto const row = found.from(s);
      paths_.emplace(sources[s], std::vector(row.begin(), row.end()));
    }
  }
  std::span<Nanoseconds const> paths(SatelliteId from) {
    if (!paths_.contains(from)) find_paths({from});
    return paths_.at(from);
  }

  /// The copy of an expert that a token is taken to use: its host, else the first replica that serves.
  std::optional<SatelliteId> serving_copy(std::uint32_t layer, std::uint32_t expert) const {
    if (remains_.serves(here().host_of(layer, expert))) return here().host_of(layer, expert);
    for (Replica const& replica : here().replica) {
      bool const of_expert = replica.layer == layer && replica.expert == expert;
      if (of_expert && remains_.serves(replica.host)) return replica.host;
    }
    return std::nullopt;
  }

  /// Adds what the messages of a layer's experts take [ns] from every satellite as one of the two gateways
  /// between which they travel, `other` being the other one: to where the expert is, or, as it will be placed
  /// in between, to the other one.
  void add_messages(std::uint32_t layer, std::optional<SatelliteId> other, std::span<double> cost_ns) {
    for (std::uint32_t e = 0; e < here().experts; ++e) {
      auto const end = serving_copy(layer, e);
      if (end || other) add_path(end ? *end : *other, chance(layer, e), cost_ns);
    }
  }
  void add_path(SatelliteId to, double times, std::span<double> cost_ns) {
    auto const row = paths(to);
    for (std::size_t i = 0; i < cost_ns.size(); ++i) cost_ns[i] += times * row[i];
  }

  /// A gateway, unless it is lost or to be moved with this one.
  std::optional<SatelliteId> gateway_besides(std::uint32_t layer, SatelliteId moved) const {
    SatelliteId const id = here().gateway[layer];
    if (id == moved || !remains_.serves(id)) return std::nullopt;
    return id;
  }

  /// Expected latency [ns] per token of what passes through a gateway if it were on each satellite.
  std::vector<double> gateway_costs(std::vector<std::uint32_t> const& layers, SatelliteId moved) {
    std::vector<double> cost_ns(gateways_on_.size(), 0);
    for (std::uint32_t const l : layers) {
      std::uint32_t const before = (l + here().layers - 1) % here().layers;
      auto const behind = gateway_besides(before, moved);
      auto const ahead = gateway_besides(next(l), moved);
      add_messages(l, ahead, cost_ns);
      if (own_gateway_) {
        add_messages(l, ahead, cost_ns);  // and back
        if (ahead) add_path(*ahead, 1, cost_ns);
        if (behind) add_path(*behind, 1, cost_ns);
      } else {
        add_messages(before, behind, cost_ns);
      }
      for (std::size_t i = 0; i < cost_ns.size(); ++i) {
        cost_ns[i] += static_cast<double>(context_.compute.gateway_ns(l, satellite(i)));
        if (l == 0) cost_ns[i] += static_cast<double>(context_.compute.head_ns(satellite(i)));
      }
    }
    return cost_ns;
  }

  bool may_be_gateway(SatelliteId id, std::vector<std::uint32_t> const& layers) const {
    if (!remains_.serves(id)) return false;
    if (experts_on_[index(id)] > 0 && !context_.scenario.gateways_host_experts) return false;
    // A spare may take over, as it stands by for nothing else.
    auto const stands_by = std::ranges::count_if(here().spare, [&](SpareGateway const& spare) {
      return spare.satellite == id && std::ranges::find(layers, spare.layer) != layers.end();
    });
    return std::cmp_equal(gateways_on_[index(id)], stands_by);
  }

  /// Layers that share a gateway stay together.
  void move_gateway(SatelliteId lost) {
    std::vector<std::uint32_t> layers;
    std::vector<SatelliteId> ends;
    for (std::uint32_t l = 0; l < here().layers; ++l) {
      if (here().gateway[l] == lost) layers.push_back(l);
    }
    for (std::uint32_t const l : layers) {
      for (std::uint32_t const near : {(l + here().layers - 1) % here().layers, l}) {
        for (std::uint32_t e = 0; e < here().experts; ++e) {
          if (auto const copy = serving_copy(near, e)) ends.push_back(*copy);
        }
      }
    }
    find_paths(std::move(ends));
    auto const best = quickest(near_gateways(layers, lost), layers, lost);
    if (!best) return;
    for (std::uint32_t const l : layers) repair_.placement.gateway[l] = *best;
    std::erase_if(repair_.placement.spare, [&](SpareGateway const& spare) {
      if (spare.satellite != *best) return false;
      --gateways_on_[index(*best)];
      return true;
    });
    repair_.moved_gateways += static_cast<std::uint32_t>(layers.size());
    gateways_on_[index(lost)] -= static_cast<std::uint32_t>(layers.size());
    gateways_on_[index(*best)] += static_cast<std::uint32_t>(layers.size());
  }

  /// Satellites to which the gateway of some layers may move, those of least path latency.
  std::vector<SatelliteId> near_gateways(std::vector<std::uint32_t> const& layers, SatelliteId moved) {
    auto const cost_ns = gateway_costs(layers, moved);
    std::vector<SatelliteId> near;
    for (std::size_t i = 0; i < cost_ns.size(); ++i) {
      if (may_be_gateway(satellite(i), layers)) near.push_back(satellite(i));
    }
    auto const cost = [&](SatelliteId id) { return std::pair(cost_ns[index(id)], id); };
    auto const end = near.begin() + static_cast<std::ptrdiff_t>(std::min(near.size(), most_near));
    std::ranges::partial_sort(near, end, {}, cost);
    near.erase(end, near.end());
    return near;
  }

  /// The one that makes the layers on either side quickest.
  std::optional<SatelliteId> quickest(std::vector<SatelliteId> const& near,
                                      std::vector<std::uint32_t> const& layers, SatelliteId moved) {
    std::set<std::uint32_t> touched(layers.begin(), layers.end());
    for (std::uint32_t const l : layers) touched.insert((l + here().layers - 1) % here().layers);
    std::optional<SatelliteId> best;
    double least_ns = no_cost;
    for (SatelliteId const id : near) {
      double sum_ns = 0;
      for (std::uint32_t const l : touched) sum_ns += layer_ns(l, moved, id);
      if (sum_ns < least_ns) {
        least_ns = sum_ns;
        best = id;
      }
    }
    return best;
  }

  /// Expected latency [ns] of a layer on mean paths when a gateway moves: of its gateway and the slowest of
  /// its experts, each alone on its host. Paths to a gateway that is lost itself do not count.
  double layer_ns(std::uint32_t layer, SatelliteId moved, SatelliteId to) {
    auto const gateway = [&](std::uint32_t l) {
      SatelliteId const id = here().gateway[l];
      return id == moved ? std::optional(to) : remains_.serves(id) ? std::optional(id) : std::nullopt;
    };
    // Paths are known from where things are, not from where a gateway may go.
    auto const between = [&](SatelliteId one, std::optional<SatelliteId> other) {
      if (!other || one == *other) return Nanoseconds{0};
      return one == to ? paths(*other)[index(one)] : paths(one)[index(*other)];
    };
    auto const from = gateway(layer);
    auto const back = gateway(meeting(layer));
    std::vector<Nanoseconds> expert_ns;
    for (std::uint32_t e = 0; e < here().experts; ++e) {
      auto const copy = serving_copy(layer, e);
      SatelliteId const at = copy ? *copy : from ? *from : to;  // else it will be placed in between
      std::uint64_t const sum_ns =
          context_.compute.expert_ns(layer, e, at) + between(at, from) + between(at, back);
      expert_ns.push_back(static_cast<Nanoseconds>(std::min<std::uint64_t>(sum_ns, unreachable - 1)));
    }
    std::vector<Nanoseconds> const nothing(expert_ns.size(), 0);
    std::vector<std::uint16_t> const host(expert_ns.size(), 0);
    std::vector<std::uint8_t> const shared{0};
    CostView const cost{1, here().experts, 0, nothing, expert_ns, nothing, host, shared};
    double sum_ns = context_.laws[layer].distribution(cost, 0).mean_ns();
    if (from) sum_ns += static_cast<double>(context_.compute.gateway_ns(layer, *from));
    if (from && own_gateway_) sum_ns += between(*from, gateway(next(layer)));
    return sum_ns;
  }

  template <class Allowed>
  static std::optional<SatelliteId> cheapest(std::span<double const> cost_ns, Allowed allowed) {
    std::optional<SatelliteId> best;
    for (std::size_t i = 0; i < cost_ns.size(); ++i) {
      if (best && cost_ns[i] >= cost_ns[index(*best)]) continue;
      if (cost_ns[i] < no_cost && allowed(satellite(i))) best = satellite(i);
    }
    return best;
  }

  std::vector<LostExpert> lost_experts() const {
    std::vector<LostExpert> lost;
    for (std::uint32_t l = 0; l < here().layers; ++l) {
      bool const works = remains_.serves(here().gateway[l]) && remains_.serves(here().gateway[meeting(l)]);
      for (std::uint32_t e = 0; e < here().experts; ++e) {
        if (!works || remains_.serves(here().host_of(l, e)) || chance(l, e) == 0) continue;
        lost.push_back({l, e, serving_copy(l, e).has_value(), chance(l, e)});
      }
    }
    std::ranges::stable_sort(lost, {}, [](LostExpert const& x) { return std::pair(x.has_copy, -x.chance); });
    return lost;
  }
  /// The layer at whose gateway outputs of a layer meet.
  std::uint32_t meeting(std::uint32_t layer) const { return own_gateway_ ? layer : next(layer); }

  void move_experts(double budget_bytes) {
    auto const lost = lost_experts();
    std::vector<SatelliteId> gateways;
    for (LostExpert const& x : lost) {
      gateways.push_back(here().gateway[x.layer]);
      gateways.push_back(here().gateway[meeting(x.layer)]);
    }
    find_paths(std::move(gateways));
    for (LostExpert const& x : lost) {
      if (repair_.bytes + context_.scenario.model.expert_bytes > budget_bytes) return;
      move_expert(x);
    }
  }

  bool has_replica(LostExpert const& x, SatelliteId id) const {
    return std::ranges::find(here().replica, Replica{x.layer, x.expert, id}) != here().replica.end();
  }

  void move_expert(LostExpert const& x) {
    SatelliteId const old = here().host_of(x.layer, x.expert);
    auto const cost_ns = expert_costs(x);
    auto const best = cheapest(cost_ns, [&](SatelliteId id) {
      bool const gateway = gateways_on_[index(id)] > 0 && !context_.scenario.gateways_host_experts;
      bool const room = experts_on_[index(id)] < context_.scenario.capacity;
      return remains_.serves(id) && room && !gateway && !has_replica(x, id);
    });
    auto const from = best ? nearest_source(x, *best) : std::nullopt;
    if (!from) return;
    --experts_on_[index(old)];
    ++experts_on_[index(*best)];
    repair_.placement.host[std::size_t{x.layer} * here().experts + x.expert] = *best;
    send(x, *from, *best);
  }

  /// Expected latency [ns] of an expert on each satellite: there, compute, queue and back.
  std::vector<double> expert_costs(LostExpert const& x) {
    auto const there = paths(here().gateway[x.layer]);
    auto const back = paths(here().gateway[meeting(x.layer)]);
    std::vector<double> runs(there.size(), 1);
    auto const meet = [&](std::uint32_t other, SatelliteId host) {
      double const drawn_too = (context_.scenario.model.top_k - 1.0) / std::max(1.0, here().experts - 1.0);
      if (other != x.expert) runs[index(host)] += drawn_too;
    };
    for (std::uint32_t e = 0; e < here().experts; ++e) meet(e, here().host_of(x.layer, e));
    for (Replica const& replica : here().replica) {
      if (replica.layer == x.layer) meet(replica.expert, replica.host);
    }
    for (std::size_t i = 0; i < runs.size(); ++i) {
      auto const compute_ns = context_.compute.expert_ns(x.layer, x.expert, satellite(i));
      runs[i] = there[i] + back[i] + runs[i] * static_cast<double>(compute_ns);
    }
    return runs;
  }

  /// The nearest copy that is left, else the gateway that the ground sends to; none where that is lost.
  std::optional<SatelliteId> nearest_source(LostExpert const& x, SatelliteId to) {
    std::optional<SatelliteId> nearest;
    for (Replica const& replica : here().replica) {
      if (replica.layer != x.layer || replica.expert != x.expert || !remains_.serves(replica.host)) continue;
      auto const distance = [&](SatelliteId id) { return paths(id)[index(to)]; };
      if (!nearest || distance(replica.host) < distance(*nearest)) nearest = replica.host;
    }
    if (nearest) return nearest;
    SatelliteId const uplink = here().gateway.front();
    if (!remains_.serves(uplink)) return std::nullopt;
    return uplink;
  }

  /// A satellite sends one after the other.
  void send(LostExpert const& x, SatelliteId from, SatelliteId to) {
    double const bytes = context_.scenario.model.expert_bytes;
    double& sent_s = sent_s_[from];
    sent_s += 8 * bytes / remains_.rate_bit_s();
    repair_.transfers.push_back({x.layer, x.expert, from, to, sent_s});
    repair_.bytes += bytes;
  }

  /// Adds to when weights are sent the path that they take then, on the mean of all slots.
  void add_flights() {
    std::vector<SatelliteId> senders;
    for (auto const& [sender, sent_s] : sent_s_) senders.push_back(sender);
    if (senders.empty()) return;
    MeanPaths const flights(remains_.slots(), context_.backend, senders, as_the_farthest);
    for (Transfer& transfer : repair_.transfers) {
      auto const sender = std::ranges::lower_bound(senders, transfer.from) - senders.begin();
      transfer.arrival_s += flights.from(static_cast<std::uint32_t>(sender))[index(transfer.to)] * 1e-9;
    }
  }

  static constexpr std::size_t most_near = 64;  ///< satellites that are looked at for a gateway

  RepairContext const& context_;
  Remains const& remains_;
  bool own_gateway_;
  Repair repair_;
  std::vector<std::uint32_t> experts_on_;   ///< [satellite]: copies
  std::vector<std::uint32_t> gateways_on_;  ///< [satellite]: layers, spares included
  std::map<SatelliteId, std::vector<Nanoseconds>> paths_;
  std::map<SatelliteId, double> sent_s_;  ///< when a sender is done
};

}  // namespace

Remains::Remains(Scenario const& scenario, Network const& network, DamagedNetwork const& damaged)
    : serves_(satellites(scenario), 0),
      rate_bit_s_(scenario.links.rate_bit_s * (1 - damaged.damage()[DamageFamily::link_rate])) {
  std::uint32_t const slots = scenario.time.slots;
  DamagedSlots taken = damaged_snapshots(scenario, network, damaged, 0, slots, Purpose::planning_outage);
  std::vector<std::uint32_t> served(serves_.size(), 0);  // slots
  for (std::uint32_t slot = 0; slot < slots; ++slot) {
    auto const component = components(taken.batch.slot(slot));
    std::vector<std::uint32_t> size(component.size(), 0);
    for (std::uint32_t const c : component) ++size[c];
    auto const largest = std::ranges::max_element(size) - size.begin();
    for (std::size_t i = 0; i < served.size(); ++i) {
      if (std::cmp_equal(component[i], largest) && taken.state[slot].computes(satellite(i))) ++served[i];
    }
  }
  for (std::size_t i = 0; i < served.size(); ++i) serves_[i] = 2 * served[i] > slots ? 1 : 0;
  slots_ = std::move(taken.batch);
}

double Repair::duration_s() const {
  double last_s = 0;
  for (Transfer const& transfer : transfers) last_s = std::max(last_s, transfer.arrival_s);
  return last_s;
}

Repair repaired(RepairContext const& context, Remains const& remains, Placement const& placement,
                double budget_bytes) {
  return Repairer(context, remains, placement).run(budget_bytes);
}

}  // namespace spacemoe
