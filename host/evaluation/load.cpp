#include "host/evaluation/load.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <tbb/parallel_for.h>

#include "host/evaluation/costs.hpp"
#include "host/evaluation/layer_distribution.hpp"
#include "host/evaluation/planning.hpp"
#include "host/model/routing_tables.hpp"
#include "host/network/routes.hpp"

namespace spacemoe {
namespace {

/// Path latencies and links of slots that are held at a time.
constexpr std::size_t batch_bytes = std::size_t{64} << 20;

/// Traffic per token [bit] between a gateway and a satellite.
struct Traffic {
  double away_bit = 0;    ///< from the gateway
  double toward_bit = 0;  ///< to the gateway
};

/// All traffic on routes from one gateway; a target may come several times.
struct GatewayTraffic {
  std::vector<SatelliteId> target;
  std::vector<Traffic> traffic;  ///< [target]

  void add(SatelliteId satellite, Traffic const& bits) {
    target.push_back(satellite);
    traffic.push_back(bits);
  }
};

/// A placement and what a token asks of it.
struct Demand {
  PathSources sources;
  PlacementCosts costs;
  std::uint32_t layers;
  std::uint32_t experts;
  std::vector<double> chance;  ///< [layer][expert]
  double message_bit;
  bool own_gateway;
};

Demand demand_of(Scenario const& scenario, ComputeTimes const& compute, Placement const& placement) {
  std::vector<SatelliteId> gateways;
  add_gateways(placement, gateways);
  PathSources sources(std::move(gateways));
  PlacementCosts costs(scenario, compute, placement, sources);
  return {std::move(sources),
          std::move(costs),
          placement.layers,
          placement.experts,
          inclusion(scenario),
          scenario.links.message_bit,
          scenario.aggregation == Aggregation::own_gateway};
}

/// Messages of a token in one slot, [source].
std::vector<GatewayTraffic> traffic(Demand const& demand, SlotWork const& work) {
  std::vector<GatewayTraffic> all(demand.sources.ids().size());
  auto const of = [&](std::uint32_t layer) -> GatewayTraffic& {
    return all[demand.sources.number(work.gateway[layer]->satellite)];
  };
  for (std::uint32_t l = 0; l < demand.layers; ++l) {
    std::uint32_t const next = (l + 1) % demand.layers;
    for (std::uint32_t e = 0; e < demand.experts; ++e) {
      std::size_t const which = std::size_t{l} * demand.experts + e;
      if (!work.expert[which]) continue;
      double const bits = demand.chance[which] * demand.message_bit;
      of(l).add(work.expert[which]->satellite, {bits, 0});
      of(demand.own_gateway ? l : next).add(work.expert[which]->satellite, {0, bits});
    }
    if (demand.own_gateway && work.gateway[l] && work.gateway[next]) {
      of(l).add(work.gateway[next]->satellite, {demand.message_bit, 0});
    }
  }
  return all;
}

/// Load in one slot, as PlacementLoad has it.
struct SlotLoad {
  explicit SlotLoad(Wiring const& wiring)
      : work_s(wiring.nodes, 0.0),
        experts(wiring.nodes, 0.0),
        link_bit(wiring.links.size() * directions, 0.0),
        terminal_bit(wiring.has_crossing_port ? wiring.nodes * directions : 0, 0.0) {}

  std::vector<double> work_s;
  std::vector<double> experts;
  std::vector<double> link_bit;
  std::vector<double> terminal_bit;
};

void add_work(Demand const& demand, SlotWork const& work, SlotLoad& load) {
  auto const add = [&](SlotWork::Worker const& worker, double times) {
    load.work_s[index(worker.satellite)] += times * (static_cast<double>(worker.compute_ns) * 1e-9);
  };
  for (auto const& gateway : work.gateway) {
    if (gateway) add(*gateway, 1);
  }
  for (std::size_t e = 0; e < work.expert.size(); ++e) {
    if (!work.expert[e]) continue;
    add(*work.expert[e], demand.chance[e]);
    load.experts[index(work.expert[e]->satellite)] += demand.chance[e];
  }
}

/// Loads the link between a stop and the one before it.
void add_hop(Wiring const& wiring, RouteTree::Stop const& stop, SatelliteId before, Traffic const& bits,
             SlotLoad& load) {
  std::uint32_t const link = wiring.link[std::size_t{stop.port} * wiring.nodes + index(stop.satellite)];
  if (link == Wiring::no_link) {  // between shells
    load.terminal_bit[index(before) * directions] += bits.away_bit;
    load.terminal_bit[index(before) * directions + 1] += bits.toward_bit;
    load.terminal_bit[index(stop.satellite) * directions] += bits.toward_bit;
    load.terminal_bit[index(stop.satellite) * directions + 1] += bits.away_bit;
    return;
  }
  std::size_t const away = wiring.links[link].b == stop.satellite ? 0 : 1;
  load.link_bit[link * directions + away] += bits.away_bit;
  load.link_bit[link * directions + (1 - away)] += bits.toward_bit;
}

/// Lets traffic between the source of a tree and its targets flow to the source, stop by stop, and loads the
/// links that it passes.
void add_flows(Wiring const& wiring, RouteTree const& tree, std::span<Traffic const> traffic,
               SlotLoad& load) {
  std::vector<Traffic> flow(tree.stops.size());
  auto const join = [&](std::size_t stop, Traffic const& bits) {
    flow[stop].away_bit += bits.away_bit;
    flow[stop].toward_bit += bits.toward_bit;
  };
  for (std::size_t t = 0; t < tree.target.size(); ++t) {
    if (tree.target[t] != no_route) join(tree.target[t], traffic[t]);
  }
  for (std::size_t i = tree.stops.size(); i-- > 1;) {
    RouteTree::Stop const& stop = tree.stops[i];
    join(stop.previous, flow[i]);
    add_hop(wiring, stop, tree.stops[stop.previous].satellite, flow[i], load);
  }
}

SlotLoad slot_load(SnapshotBatch const& slot, PathTable const& paths, std::uint32_t snapshot,
                   Demand const& demand, SlotWork const& work) {
  SlotLoad load(*slot.wiring);
  add_work(demand, work, load);
  std::vector<GatewayTraffic> const all = traffic(demand, work);
  for (std::uint32_t source = 0; source < all.size(); ++source) {
    if (all[source].target.empty()) continue;
    RouteTree const tree =
        route_tree(slot, demand.sources.ids()[source], paths.row(snapshot, source), all[source].target);
    add_flows(*slot.wiring, tree, all[source].traffic, load);
  }
  return load;
}

/// [slot]
std::vector<SlotLoad> batch_loads(DamagedSlots const& slots, Demand const& demand, Backend& backend) {
  auto const paths = backend.path_latencies(slots.batch, demand.sources.ids());
  std::vector<Nanoseconds> const found = paths->gather(demand.costs.queries());
  std::size_t const queries = demand.costs.queries().size();
  std::vector<SlotLoad> loads(slots.batch.snapshots, SlotLoad(*slots.batch.wiring));
  tbb::parallel_for(std::uint32_t{0}, slots.batch.snapshots, [&](std::uint32_t i) {
    SlotDamage const* const damage = slots.state.empty() ? nullptr : &slots.state[i];
    auto const latencies = std::span(found).subspan(i * queries, queries);
    SlotWork const work = demand.costs.work_in_slot(latencies, damage);
    loads[i] = slot_load(part(slots.batch, i, 1), *paths, i, demand, work);
  });
  return loads;
}

/// Adds a slot's loads to their sums, which stand where the means will be.
void add(std::span<double const> loads, std::uint32_t slot, std::span<Load> sums) {
  for (std::size_t i = 0; i < loads.size(); ++i) {
    sums[i].mean += loads[i];
    if (loads[i] > sums[i].peak) {
      sums[i].peak = loads[i];
      sums[i].peak_slot = slot;
    }
  }
}

void add(SlotLoad const& loads, std::uint32_t slot, PlacementLoad& sums) {
  add(loads.work_s, slot, sums.work_s);
  add(loads.experts, slot, sums.experts);
  add(loads.link_bit, slot, sums.link_bit);
  add(loads.terminal_bit, slot, sums.terminal_bit);
}

void divide(PlacementLoad& sums, std::uint32_t slots) {
  for (auto* const loads : {&sums.work_s, &sums.experts, &sums.link_bit, &sums.terminal_bit}) {
    for (Load& load : *loads) load.mean /= slots;
  }
}

std::size_t bytes_per_slot(Wiring const& wiring, Demand const& demand) {
  std::size_t const latencies =
      wiring.nodes * (demand.sources.ids().size() + wiring.degree) + demand.costs.queries().size();
  std::size_t const loads = 2 * wiring.nodes + directions * (wiring.links.size() + wiring.nodes);
  return latencies * sizeof(Nanoseconds) + loads * sizeof(double);
}

}  // namespace

std::vector<double> inclusion(Scenario const& scenario) {
  std::uint32_t const top_k = scenario.model.top_k;
  ActivationWeights const sampled = RoutingTables(scenario.law, scenario.weights, top_k).sampled_weights();
  std::vector<double> chance(sampled.weight.size());
  tbb::parallel_for(std::uint32_t{0}, sampled.layers, [&](std::uint32_t l) {
    LayerLaw const law(scenario.law, Span(sampled.layer(l), sampled.experts), top_k);
    std::ranges::copy(law.inclusion(), chance.begin() + static_cast<std::ptrdiff_t>(l) * sampled.experts);
  });
  return chance;
}

PlacementLoad expected_load(Scenario const& scenario, Network const& network, ComputeTimes const& compute,
                            Placement const& placement, Backend& backend, DamagedNetwork const* damaged) {
  Demand const demand = demand_of(scenario, compute, placement);
  std::uint32_t const slots = scenario.time.slots;
  auto const step = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(batch_bytes / bytes_per_slot(network.wiring(), demand), 1, slots));
  SlotLoad const none(network.wiring());
  PlacementLoad load{std::vector<Load>(none.work_s.size()), std::vector<Load>(none.experts.size()),
                     std::vector<Load>(none.link_bit.size()), std::vector<Load>(none.terminal_bit.size())};
  for (std::uint32_t first = 0; first < slots; first += step) {
    std::uint32_t const count = std::min(step, slots - first);
    constexpr auto outages = Purpose::evaluation_outage;
    DamagedSlots const taken = damaged != nullptr
                                   ? damaged_snapshots(scenario, network, *damaged, first, count, outages)
                                   : DamagedSlots{snapshots(scenario, network, first, count, outages), {}};
    std::vector<SlotLoad> const loads = batch_loads(taken, demand, backend);
    for (std::uint32_t i = 0; i < count; ++i) add(loads[i], first + i, load);
  }
  divide(load, slots);
  return load;
}

}  // namespace spacemoe
