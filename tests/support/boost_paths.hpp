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
  SlotLinks const links = batch.slot(snapshot);
  for (std::uint32_t port = 0; port < wiring.degree; ++port) {
    for (std::uint32_t node = 0; node < wiring.nodes; ++node) {
      Nanoseconds const link = links.latency_ns[std::size_t{port} * wiring.nodes + node];
      if (link != unreachable) boost::add_edge(node, links.neighbors(port)[node], link, graph);
    }
  }
  std::vector<std::uint64_t> distance(wiring.nodes);
  boost::dijkstra_shortest_paths(graph, index(source), boost::distance_map(distance.data()));
  for (auto& d : distance) {
    if (d == std::numeric_limits<std::uint64_t>::max()) d = unreachable;
  }
  return distance;
}

}  // namespace spacemoe::testing
