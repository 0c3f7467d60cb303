#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/dijkstra_shortest_paths_no_color_map.hpp>

#include "benches/peers/csr_graph.hpp"

namespace spacemoe::benches {

/// Boost's dijkstra_shortest_paths_no_color_map on its compressed sparse rows.
class BoostDijkstra {
 public:
  explicit BoostDijkstra(CsrGraph const& csr) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
    std::vector<Weight> weights;
    for (std::uint32_t node = 0; node < csr.nodes(); ++node) {
      for (std::uint32_t i = csr.first[node]; i < csr.first[node + 1]; ++i) {
        edges.emplace_back(node, csr.neighbor[i]);
        weights.push_back({csr.latency[i]});
      }
    }
    graph_ = Graph(boost::edges_are_sorted, edges.begin(), edges.end(), weights.begin(),
                   static_cast<std::uint32_t>(csr.nodes()));
  }

  /// Writes the distance of every node [ns], `unreachable` where there is none.
  void run(std::uint32_t source, std::span<std::uint32_t> distance) {
    boost::dijkstra_shortest_paths_no_color_map(graph_, source,
                                                boost::weight_map(boost::get(&Weight::ns, graph_))
                                                    .distance_map(distance.data())
                                                    .distance_inf(CsrGraph::unreachable));
  }

 private:
  struct Weight {
    std::uint32_t ns;
  };
  using Graph = boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, Weight,
                                                   boost::no_property, std::uint32_t, std::uint32_t>;
  Graph graph_;
};

}  // namespace spacemoe::benches
