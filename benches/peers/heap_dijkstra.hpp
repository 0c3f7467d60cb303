#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "benches/peers/csr_graph.hpp"

namespace spacemoe::benches {

/// Dijkstra's algorithm on an indexed heap with four children to a node.
class HeapDijkstra {
 public:
  explicit HeapDijkstra(CsrGraph const& graph) : graph_(graph), position_(graph.nodes()) {}

  /// Writes the distance of every node [ns], `unreachable` where there is none.
  void run(std::uint32_t source, std::span<std::uint32_t> distance) {
    distance_ = distance;
    for (auto& d : distance_) d = unreachable;
    distance_[source] = 0;
    heap_.assign(1, source);
    position_[source] = 0;
    while (!heap_.empty()) {
      std::uint32_t const node = pop();
      for (std::uint32_t i = graph_.first[node]; i < graph_.first[node + 1]; ++i) {
        offer(graph_.neighbor[i], distance_[node] + graph_.latency[i]);
      }
    }
  }

 private:
  static constexpr std::uint32_t unreachable = CsrGraph::unreachable;

  void offer(std::uint32_t node, std::uint32_t distance) {
    if (distance >= distance_[node]) return;
    if (distance_[node] == unreachable) {
      position_[node] = static_cast<std::uint32_t>(heap_.size());
      heap_.push_back(node);
    }
    distance_[node] = distance;
    rise(node);
  }

  std::uint32_t pop() {
    std::uint32_t const least = heap_.front();
    std::uint32_t const last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
    return least;
  }

  void rise(std::uint32_t node) {
    std::uint32_t at = position_[node];
    while (at > 0) {
      std::uint32_t const parent = heap_[(at - 1) / 4];
      if (distance_[parent] <= distance_[node]) break;
      place(parent, at);
      at = (at - 1) / 4;
    }
    place(node, at);
  }

  void sink(std::uint32_t node) {
    auto const size = static_cast<std::uint32_t>(heap_.size());
    std::uint32_t at = 0;
    for (std::uint32_t child = 1; child < size; child = 4 * at + 1) {
      std::uint32_t const end = child + 4 < size ? child + 4 : size;
      std::uint32_t least = child;
      for (std::uint32_t c = child + 1; c < end; ++c) {
        if (distance_[heap_[c]] < distance_[heap_[least]]) least = c;
      }
      if (distance_[heap_[least]] >= distance_[node]) break;
      place(heap_[least], at);
      at = least;
    }
    place(node, at);
  }

  void place(std::uint32_t node, std::uint32_t at) {
    heap_[at] = node;
    position_[node] = at;
  }

  CsrGraph const& graph_;
  std::vector<std::uint32_t> position_;  ///< [node] in the heap
  std::vector<std::uint32_t> heap_;
  std::span<std::uint32_t> distance_;
};

}  // namespace spacemoe::benches
