#include "host/network/routes.hpp"

#include <algorithm>

namespace spacemoe {
namespace {

/// Calls visit(predecessor, port to it) for every satellite before `node` on some shortest path.
template <class Visit>
void for_each_predecessor(SnapshotBatch const& batch, std::span<Nanoseconds const> latency, std::size_t node,
                          Visit visit) {
  Wiring const& wiring = *batch.wiring;
  for (std::uint32_t port = 0; port < wiring.degree; ++port) {
    std::size_t const entry = static_cast<std::size_t>(port) * wiring.nodes + node;
    std::uint32_t const neighbor = wiring.neighbor[entry];
    Nanoseconds const link = batch.latency_ns[entry];
    if (link != unreachable && latency[neighbor] + link == latency[node]) visit(neighbor, port);
  }
}

/// The satellites on some shortest path to a target, by rising latency and then id.
std::vector<std::uint32_t> on_shortest_paths(SnapshotBatch const& batch, std::span<Nanoseconds const> latency,
                                             std::span<SatelliteId const> targets) {
  std::vector<std::uint8_t> seen(latency.size(), 0);
  std::vector<std::uint64_t> found;  // latency and satellite in one number, so that sorting moves both
  auto const add = [&](std::size_t node) {
    if (seen[node] != 0) return;
    seen[node] = 1;
    found.push_back(std::uint64_t{latency[node]} << 32 | node);
  };
  for (SatelliteId const target : targets) {
    if (latency[index(target)] != unreachable) add(index(target));
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    for_each_predecessor(batch, latency, static_cast<std::uint32_t>(found[i]),
                         [&](std::uint32_t previous, std::uint32_t) { add(previous); });
  }
  std::ranges::sort(found);
  std::vector<std::uint32_t> nodes(found.size());
  std::ranges::transform(found, nodes.begin(),
                         [](std::uint64_t both) { return static_cast<std::uint32_t>(both); });
  return nodes;
}

}  // namespace

RouteTree route_tree(SnapshotBatch const& batch, SatelliteId source, std::span<Nanoseconds const> latency,
                     std::span<SatelliteId const> targets) {
  RouteTree tree;
  std::vector<std::uint32_t> stop(latency.size(), no_route);  // [satellite]
  for (std::uint32_t const node : on_shortest_paths(batch, latency, targets)) {
    auto const number = static_cast<std::uint32_t>(tree.stops.size());
    stop[node] = number;
    RouteTree::Stop best{satellite(node), no_route, number, 0};
    if (node == index(source)) best.hops = 0;
    for_each_predecessor(batch, latency, node, [&](std::uint32_t previous, std::uint32_t port) {
      RouteTree::Stop const& before = tree.stops[stop[previous]];
      std::uint32_t const hops = before.hops + 1;
      bool const lower = hops == best.hops && before.satellite < tree.stops[best.previous].satellite;
      if (hops < best.hops || lower) best = {satellite(node), hops, stop[previous], port};
    });
    tree.stops.push_back(best);
  }
  for (SatelliteId const target : targets) tree.target.push_back(stop[index(target)]);
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
