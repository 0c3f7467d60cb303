#include "host/network/routes.hpp"

#include <algorithm>
#include <numeric>

namespace spacemoe {
namespace {

/// Calls `visit` with every satellite before `node` on some shortest path.
template <class Visit>
void for_each_predecessor(SnapshotBatch const& batch, std::span<Nanoseconds const> latency, std::size_t node,
                          Visit visit) {
  Wiring const& wiring = *batch.wiring;
  for (std::uint32_t port = 0; port < wiring.degree; ++port) {
    std::size_t const entry = static_cast<std::size_t>(port) * wiring.nodes + node;
    std::uint32_t const neighbor = wiring.neighbor[entry];
    Nanoseconds const link = batch.latency_ns[entry];
    if (link != unreachable && latency[neighbor] + link == latency[node]) visit(neighbor);
  }
}

}  // namespace

std::vector<std::uint32_t> hop_counts(SnapshotBatch const& batch, SatelliteId source,
                                      std::span<Nanoseconds const> latency) {
  std::vector<std::uint32_t> nearest_first(latency.size());
  std::iota(nearest_first.begin(), nearest_first.end(), 0u);
  std::ranges::sort(nearest_first, {}, [&](std::uint32_t node) { return latency[node]; });

  std::vector<std::uint32_t> hops(latency.size(), no_route);
  hops[index(source)] = 0;
  for (std::uint32_t const node : nearest_first) {
    if (latency[node] == unreachable || node == index(source)) continue;
    for_each_predecessor(batch, latency, node, [&](std::uint32_t previous) {
      hops[node] = std::min(hops[node], hops[previous] + 1);
    });
  }
  return hops;
}

std::vector<SatelliteId> route(SnapshotBatch const& batch, SatelliteId source, SatelliteId target,
                               std::span<Nanoseconds const> latency) {
  if (latency[index(target)] == unreachable) return {};
  auto const hops = hop_counts(batch, source, latency);
  std::vector<SatelliteId> reversed{target};
  while (reversed.back() != source) {
    std::uint32_t best = no_route;
    for_each_predecessor(batch, latency, index(reversed.back()), [&](std::uint32_t previous) {
      bool const fewer = best == no_route || hops[previous] < hops[best];
      if (fewer || (hops[previous] == hops[best] && previous < best)) best = previous;
    });
    reversed.push_back(satellite(best));
  }
  return {reversed.rbegin(), reversed.rend()};
}

}  // namespace spacemoe
