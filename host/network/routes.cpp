#include "host/network/routes.hpp"

#include <utility>

namespace spacemoe {
namespace {

/// Calls visit(predecessor, port to it) for every satellite before `node` on some shortest path.
template <class Visit>
void for_each_predecessor(SnapshotBatch const& batch, std::span<Nanoseconds const> latency, std::size_t node,
                          Visit visit) {
  Wiring const& wiring = *batch.wiring;
  SlotLinks const links = batch.slot(0);
  for (std::uint32_t port = 0; port < wiring.degree; ++port) {
    std::uint32_t const neighbor = links.neighbors(port)[node];
    Nanoseconds const link = links.latency_ns[static_cast<std::size_t>(port) * wiring.nodes + node];
    if (link != unreachable && latency[neighbor] + link == latency[node]) visit(neighbor, port);
  }
}

/// Grows a tree of routes from one source.
class TreeGrower {
 public:
  TreeGrower(SnapshotBatch const& batch, SatelliteId source, std::span<Nanoseconds const> latency)
      : batch_(batch), source_(source), latency_(latency), stop_(latency.size(), no_route) {}

  /// The stop of a satellite that is reached; it comes after all that are nearer on shortest paths to it.
  std::uint32_t stop(std::uint32_t target) {
    waiting_.push_back(target);
    while (!waiting_.empty()) {
      std::uint32_t const node = waiting_.back();
      if (stop_[node] == no_route && !add_stop(node)) continue;
      waiting_.pop_back();
    }
    return stop_[target];
  }

  std::vector<RouteTree::Stop> take_stops() { return std::move(stops_); }

 private:
  /// Unless some satellites before `node` have no stop yet; these then wait.
  bool add_stop(std::uint32_t node) {
    bool ready = true;
    RouteTree::Stop best{satellite(node), node == index(source_) ? 0 : no_route, 0, 0};
    for_each_predecessor(batch_, latency_, node, [&](std::uint32_t previous, std::uint32_t port) {
      if (stop_[previous] == no_route) {
        waiting_.push_back(previous);
        ready = false;
        return;
      }
      RouteTree::Stop const& before = stops_[stop_[previous]];
      std::uint32_t const hops = before.hops + 1;
      bool const lower = hops == best.hops && before.satellite < stops_[best.previous].satellite;
      if (hops < best.hops || lower) best = {satellite(node), hops, stop_[previous], port};
    });
    if (!ready) return false;
    stop_[node] = static_cast<std::uint32_t>(stops_.size());
    stops_.push_back(best);
    return true;
  }

  SnapshotBatch const& batch_;
  SatelliteId source_;
  std::span<Nanoseconds const> latency_;
  std::vector<std::uint32_t> stop_;  ///< [satellite], or no_route
  std::vector<RouteTree::Stop> stops_;
  std::vector<std::uint32_t> waiting_;
};

}  // namespace

RouteTree route_tree(SnapshotBatch const& batch, SatelliteId source, std::span<Nanoseconds const> latency,
                     std::span<SatelliteId const> targets) {
  TreeGrower grower(batch, source, latency);
  RouteTree tree;
  for (SatelliteId const target : targets) {
    bool const reached = latency[index(target)] != unreachable;
    tree.target.push_back(reached ? grower.stop(static_cast<std::uint32_t>(target)) : no_route);
  }
  tree.stops = grower.take_stops();
  return tree;
}

std::vector<std::uint32_t> hop_counts(SnapshotBatch const& batch, SatelliteId source,
                                      std::span<Nanoseconds const> latency) {
  std::vector<SatelliteId> everybody(latency.size());
  for (std::size_t node = 0; node < everybody.size(); ++node) everybody[node] = satellite(node);
  RouteTree const tree = route_tree(batch, source, latency, everybody);
  std::vector<std::uint32_t> hops(latency.size(), no_route);
  for (auto const& stop : tree.stops) hops[index(stop.satellite)] = stop.hops;
  return hops;
}

std::vector<SatelliteId> route(SnapshotBatch const& batch, SatelliteId source, SatelliteId target,
                               std::span<Nanoseconds const> latency) {
  RouteTree const tree = route_tree(batch, source, latency, std::span(&target, 1));
  if (tree.stops.empty()) return {};
  std::vector<SatelliteId> reversed;
  std::uint32_t at = tree.target.front();
  for (; at != 0; at = tree.stops[at].previous) reversed.push_back(tree.stops[at].satellite);
  reversed.push_back(source);
  return {reversed.rbegin(), reversed.rend()};
}

}  // namespace spacemoe
