#include <algorithm>
#include <numeric>

#include "host/network/network.hpp"

namespace spacemoe {
namespace {

/// Root of a node's tree in a forest of parents; shortens the way for the next to ask.
std::uint32_t root(std::vector<std::uint32_t>& parent, std::uint32_t node) {
  while (parent[node] != node) {
    parent[node] = parent[parent[node]];
    node = parent[node];
  }
  return node;
}

/// Widens [min, max] by a value and adds it to the mean's sum.
void include(double value, bool first, double& min, double& sum, double& max) {
  min = first ? value : std::min(min, value);
  max = first ? value : std::max(max, value);
  sum += value;
}

}  // namespace

std::uint32_t connected_components(Wiring const& wiring, Snapshot const& snapshot) {
  std::vector<std::uint32_t> parent(wiring.nodes);
  std::iota(parent.begin(), parent.end(), 0u);
  std::uint32_t components = wiring.nodes;
  for (std::size_t i = 0; i < wiring.links.size(); ++i) {
    if (snapshot.removal[i] != Removal::none) continue;
    std::uint32_t const a = root(parent, static_cast<std::uint32_t>(wiring.links[i].a));
    std::uint32_t const b = root(parent, static_cast<std::uint32_t>(wiring.links[i].b));
    if (a == b) continue;
    parent[a] = b;
    --components;
  }
  return components;
}

std::array<LinkStatistics, link_kinds> link_statistics(Wiring const& wiring, Snapshot const& snapshot) {
  std::array<LinkStatistics, link_kinds> result{};
  for (std::size_t i = 0; i < wiring.links.size(); ++i) {
    LinkStatistics& of = result[static_cast<std::size_t>(wiring.links[i].kind)];
    if (snapshot.removal[i] != Removal::none) {
      ++of.removed[static_cast<std::size_t>(snapshot.removal[i])];
      continue;
    }
    bool const first = of.links++ == 0;
    include(snapshot.latency_ns[i] / 1e6, first, of.min_ms, of.mean_ms, of.max_ms);
    if (!snapshot.length_km.empty()) {
      include(snapshot.length_km[i], first, of.min_km, of.mean_km, of.max_km);
    }
  }
  for (LinkStatistics& of : result) {
    if (of.links == 0) continue;
    of.mean_km /= of.links;
    of.mean_ms /= of.links;
  }
  return result;
}

}  // namespace spacemoe
