#include "host/evaluation/load.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

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

/// All traffic on routes from one gateway.
struct GatewayTraffic {
  std::vector<SatelliteId> target;
  std::vector<Traffic> traffic;  ///< [target]
};

/// Work per token of a host for a gateway, done where there is a route.
struct HostWork {
  SatelliteId host;
  double work_s;
};

/// What a placement asks of every slot.
struct Demand {
  PathSources sources;
  std::vector<GatewayTraffic> traffic;           ///< [source]
  std::vector<std::vector<HostWork>> host_work;  ///< [source]
  std::vector<double> gateway_s;                 ///< [satellite]
};

double seconds(std::uint64_t ns) {
  return static_cast<double>(ns) * 1e-9;
}

std::vector<GatewayTraffic> traffic(Scenario const& scenario, Placement const& placement,
                                    PathSources const& sources, std::span<double const> chance) {
  bool const own_gateway = scenario.aggregation == Aggregation::own_gateway;
  double const message_bit = scenario.links.message_bit;
  std::vector<std::map<SatelliteId, Traffic>> between(sources.ids().size());
  for (std::uint32_t l = 0; l < placement.layers; ++l) {
    auto& from = between[sources.number(placement.gateway[l])];
    auto& back = own_gateway ? from : between[sources.number(placement.next_gateway(l))];
    for (std::uint32_t e = 0; e < placement.experts; ++e) {
      double const bits = chance[std::size_t{l} * placement.experts + e] * message_bit;
      from[placement.host_of(l, e)].away_bit += bits;
      back[placement.host_of(l, e)].toward_bit += bits;
    }
    if (own_gateway) from[placement.next_gateway(l)].away_bit += message_bit;
  }
  std::vector<GatewayTraffic> listed(between.size());
  for (std::size_t source = 0; source < between.size(); ++source) {
    for (auto const& [target, bits] : between[source]) {
      listed[source].target.push_back(target);
      listed[source].traffic.push_back(bits);
    }
  }
  return listed;
}

Demand demand_of(Scenario const& scenario, ComputeTimes const& compute, Placement const& placement) {
  Demand demand{PathSources(placement.gateway), {}, {}, std::vector(satellites(scenario), 0.0)};
  std::vector<double> const chance = inclusion(scenario);
  demand.traffic = traffic(scenario, placement, demand.sources, chance);
  demand.host_work.resize(demand.sources.ids().size());
  SatelliteId const first = placement.gateway.front();
  demand.gateway_s[index(first)] = seconds(compute.head_ns(first));
  for (std::uint32_t l = 0; l < placement.layers; ++l) {
    SatelliteId const gateway = placement.gateway[l];
    demand.gateway_s[index(gateway)] += seconds(compute.gateway_ns(l, gateway));
    for (std::uint32_t e = 0; e < placement.experts; ++e) {
      SatelliteId const host = placement.host_of(l, e);
      double const drawn = chance[std::size_t{l} * placement.experts + e];
      demand.host_work[demand.sources.number(gateway)].push_back(
          {host, drawn * seconds(compute.expert_ns(l, e, host))});
    }
  }
  return demand;
}

/// Load in one slot.
struct SlotLoad {
  std::vector<double> work_s;    ///< [satellite]
  std::vector<double> link_bit;  ///< [link][direction]
};

/// Lets traffic between the source of a tree and its targets flow to the source, stop by stop, and loads the
/// links that it passes.
void add_flows(Wiring const& wiring, RouteTree const& tree, GatewayTraffic const& demand,
               std::vector<double>& link_bit) {
  std::vector<Traffic> flow(tree.stops.size());
  auto const join = [&](std::size_t stop, Traffic const& bits) {
    flow[stop].away_bit += bits.away_bit;
    flow[stop].toward_bit += bits.toward_bit;
  };
  for (std::size_t t = 0; t < tree.target.size(); ++t) {
    if (tree.target[t] != no_route) join(tree.target[t], demand.traffic[t]);
  }
  for (std::size_t i = tree.stops.size(); i-- > 1;) {
    RouteTree::Stop const& stop = tree.stops[i];
    std::uint32_t const link = wiring.link[std::size_t{stop.port} * wiring.nodes + index(stop.satellite)];
    join(stop.previous, flow[i]);
    if (link == Wiring::no_link) continue;  // between shells: another link in every slot
    std::size_t const away = wiring.links[link].b == stop.satellite ? 0 : 1;
    link_bit[link * directions + away] += flow[i].away_bit;
    link_bit[link * directions + (1 - away)] += flow[i].toward_bit;
  }
}

SlotLoad slot_load(SnapshotBatch const& slot, PathTable const& paths, std::uint32_t snapshot,
                   Demand const& demand) {
  Wiring const& wiring = *slot.wiring;
  SlotLoad load{demand.gateway_s, std::vector(wiring.links.size() * directions, 0.0)};
  for (std::uint32_t source = 0; source < demand.traffic.size(); ++source) {
    std::vector<Nanoseconds> const latency = paths.row(snapshot, source);
    GatewayTraffic const& traffic_here = demand.traffic[source];
    RouteTree const tree = route_tree(slot, demand.sources.ids()[source], latency, traffic_here.target);
    add_flows(wiring, tree, traffic_here, load.link_bit);
    for (HostWork const& work : demand.host_work[source]) {
      if (latency[index(work.host)] != unreachable) load.work_s[index(work.host)] += work.work_s;
    }
  }
  return load;
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

void divide(std::span<Load> sums, std::uint32_t slots) {
  for (Load& load : sums) load.mean /= slots;
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
                            Placement const& placement, Backend& backend) {
  Demand const demand = demand_of(scenario, compute, placement);
  Wiring const& wiring = network.wiring();
  std::uint32_t const slots = scenario.time.slots;
  std::size_t const slot_bytes =
      wiring.nodes * (demand.sources.ids().size() + wiring.degree) * sizeof(Nanoseconds);
  auto const step = static_cast<std::uint32_t>(std::clamp<std::size_t>(batch_bytes / slot_bytes, 1, slots));
  PlacementLoad load{std::vector<Load>(wiring.nodes), std::vector<Load>(wiring.links.size() * directions)};
  for (std::uint32_t first = 0; first < slots; first += step) {
    std::uint32_t const count = std::min(step, slots - first);
    SnapshotBatch const links = snapshots(scenario, network, first, count, Purpose::evaluation_outage);
    auto const paths = backend.path_latencies(links, demand.sources.ids());
    std::vector<SlotLoad> loads(count);
    tbb::parallel_for(std::uint32_t{0}, count,
                      [&](std::uint32_t i) { loads[i] = slot_load(part(links, i, 1), *paths, i, demand); });
    for (std::uint32_t i = 0; i < count; ++i) {
      add(loads[i].work_s, first + i, load.work_s);
      add(loads[i].link_bit, first + i, load.link_bit);
    }
  }
  divide(load.work_s, slots);
  divide(load.link_bit, slots);
  return load;
}

NetworkLoads expected_loads(Scenario const& scenario, std::span<Placement const> placements, Backend& backend,
                            std::function<void(std::size_t)> const& before_each) {
  Network const network = make_network(scenario);
  ComputeTimes const compute(scenario.model, scenario.compute);
  NetworkLoads loads{network.wiring().links, {}};
  for (std::size_t p = 0; p < placements.size(); ++p) {
    before_each(p);
    loads.placement.push_back(expected_load(scenario, network, compute, placements[p], backend));
  }
  return loads;
}

std::vector<std::size_t> busiest(std::span<Load const> loads, std::size_t count) {
  std::vector<std::size_t> order(loads.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return loads[i].peak == 0; });
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return loads[a].peak > loads[b].peak; });
  order.resize(std::min(order.size(), count));
  return order;
}

double saturating_rate_hz(Load const& load, double capacity) {
  return load.peak > 0 ? capacity / load.peak : std::numeric_limits<double>::infinity();
}

double saturating_rate_hz(std::span<Load const> loads, double capacity) {
  double least_hz = std::numeric_limits<double>::infinity();
  for (Load const& load : loads) least_hz = std::min(least_hz, saturating_rate_hz(load, capacity));
  return least_hz;
}

std::vector<BusyLink> busiest_links(PlacementLoad const& load, std::span<Link const> links, double rate_bit_s,
                                    std::size_t count) {
  std::vector<BusyLink> busy;
  for (std::size_t const i : busiest(load.link_bit, count)) {
    Link const& link = links[i / directions];
    bool const forward = i % directions == 0;
    busy.push_back({forward ? link.a : link.b, forward ? link.b : link.a, load.link_bit[i],
                    saturating_rate_hz(load.link_bit[i], rate_bit_s)});
  }
  return busy;
}

std::vector<BusySatellite> busiest_satellites(PlacementLoad const& load, std::size_t count) {
  std::vector<BusySatellite> busy;
  for (std::size_t const i : busiest(load.work_s, count)) {
    busy.push_back({satellite(i), load.work_s[i], saturating_rate_hz(load.work_s[i], 1)});
  }
  return busy;
}

}  // namespace spacemoe
