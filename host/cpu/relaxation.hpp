#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/cpu/lanes.hpp"
#include "host/cpu/path_block.hpp"

namespace spacemoe {

/// The links that are up in a snapshot, node by node.
struct LiveLinks {
  std::vector<std::uint32_t> first;     ///< [node]: its links are [first[node], first[node + 1])
  std::vector<std::uint32_t> neighbor;  ///< [live link]
  std::vector<Nanoseconds> latency_ns;  ///< [live link]
};

LiveLinks live_links(PathBlock const& block);

/// All nodes by hops from a source, those that cannot be reached last: near the order in which latencies
/// settle.
std::vector<std::uint32_t> hop_order(LiveLinks const& links, SatelliteId source);

/// Path latencies in any graph from a block of sources: Gauss-Seidel sweeps to and fro over the nodes with a
/// neighbour that changed, until there is none.
template <std::uint32_t bytes, std::uint32_t width>
class Relaxation {
 public:
  SPACEMOE_BODY explicit Relaxation(PathBlock const& block)
      : block_(block),
        links_(live_links(block)),
        order_(hop_order(links_, block.sources.front())),
        stale_(order_.size(), 0) {}

  SPACEMOE_BODY void run() {
    start();
    for (bool outward = true; stale_nodes_ > 0; outward = !outward) {
      for (std::size_t i = 0; i < order_.size(); ++i) {
        std::uint32_t const node = order_[outward ? i : order_.size() - 1 - i];
        if (stale_[node] != 0) update(node);
      }
    }
  }

 private:
  using Row = Lanes<bytes, width>;

  Nanoseconds* row(std::size_t node) const { return block_.rows + node * width; }

  SPACEMOE_BODY void start() {
    Row const none = Row::all(unreachable);
    for (std::uint32_t const node : order_) none.store(row(node));
    for (std::uint32_t lane = 0; lane < width; ++lane) {
      std::size_t const source = index(block_.sources[lane]);
      row(source)[lane] = 0;
      mark_neighbors(source);
    }
  }

  /// A node is stale when a neighbour has changed since the node last looked.
  void mark_neighbors(std::size_t node) {
    for (std::uint32_t link = links_.first[node]; link < links_.first[node + 1]; ++link) {
      std::uint8_t& stale = stale_[links_.neighbor[link]];
      stale_nodes_ += 1u - stale;
      stale = 1;
    }
  }

  SPACEMOE_BODY void update(std::uint32_t node) {
    stale_[node] = 0;
    --stale_nodes_;
    Row const before = Row::from(row(node));
    Row here = before;
    for (std::uint32_t link = links_.first[node]; link < links_.first[node + 1]; ++link) {
      here.relax(Row::from(row(links_.neighbor[link])), links_.latency_ns[link]);
    }
    if (!Row::differ(before, here)) return;
    here.store(row(node));
    mark_neighbors(node);
  }

  PathBlock const& block_;
  LiveLinks links_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint8_t> stale_;  ///< [node]
  std::uint32_t stale_nodes_ = 0;
};

}  // namespace spacemoe
