#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>

#include "host/network/network.hpp"

namespace spacemoe::testing {

/// Path latencies [ns] from one satellite by Boost's Dijkstra in 64 bits; `unreachable` where there is no
/// path.
inline std::vector<std::uint64_t> boost_dijkstra(SnapshotBatch const& batch, std::uint32_t snapshot,
                                                 SatelliteId source) {
  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                                      boost::property<boost::edge_weight_t, std::uint64_t>>;
  Wiring const& wiring = *batch.wiring;
  Graph graph(wiring.nodes);
  std::size_t const ports = std::size_t{wiring.degree} * wiring.nodes;
  for (std::size_t entry = 0; entry < ports; ++entry) {
    Nanoseconds const link = batch.latency_ns[snapshot * ports + entry];
    if (link != unreachable) boost::add_edge(entry % wiring.nodes, wiring.neighbor[entry], link, graph);
  }
  std::vector<std::uint64_t> distance(wiring.nodes);
  boost::dijkstra_shortest_paths(graph, index(source), boost::distance_map(distance.data()));
  for (auto& d : distance) {
    if (d == std::numeric_limits<std::uint64_t>::max()) d = unreachable;
  }
  return distance;
}

}  // namespace spacemoe::testing
