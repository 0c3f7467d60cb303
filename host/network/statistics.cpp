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

/// Counts a link; `length_km` is null in a listed network.
void count(LinkStatistics& of, Removal removal, Nanoseconds latency_ns, double const* length_km) {
  if (removal != Removal::none) {
    ++of.removed[static_cast<std::size_t>(removal)];
    return;
  }
  bool const first = of.links++ == 0;
  include(latency_ns / 1e6, first, of.min_ms, of.mean_ms, of.max_ms);
  if (length_km != nullptr) include(*length_km, first, of.min_km, of.mean_km, of.max_km);
}

}  // namespace

std::uint32_t connected_components(Wiring const& wiring, Snapshot const& snapshot) {
  std::vector<std::uint32_t> parent(wiring.nodes);
  std::iota(parent.begin(), parent.end(), 0u);
  std::uint32_t components = wiring.nodes;
  auto const join = [&](SatelliteId one, SatelliteId other) {
    std::uint32_t const a = root(parent, static_cast<std::uint32_t>(one));
    std::uint32_t const b = root(parent, static_cast<std::uint32_t>(other));
    if (a == b) return;
    parent[a] = b;
    --components;
  };
  for (std::size_t i = 0; i < wiring.links.size(); ++i) {
    if (snapshot.removal[i] == Removal::none) join(wiring.links[i].a, wiring.links[i].b);
  }
  for (CrossingLink const& link : snapshot.crossing) {
    if (link.removal == Removal::none) join(link.a, link.b);
  }
  return components;
}

std::array<LinkStatistics, link_kinds> link_statistics(Wiring const& wiring, Snapshot const& snapshot) {
  std::array<LinkStatistics, link_kinds> result{};
  for (std::size_t i = 0; i < wiring.links.size(); ++i) {
    count(result[static_cast<std::size_t>(wiring.links[i].kind)], snapshot.removal[i], snapshot.latency_ns[i],
          snapshot.length_km.empty() ? nullptr : &snapshot.length_km[i]);
  }
  for (CrossingLink const& link : snapshot.crossing) {
    count(result[static_cast<std::size_t>(LinkKind::inter_shell)], link.removal, link.latency_ns,
          &link.length_km);
  }
  for (LinkStatistics& of : result) {
    if (of.links == 0) continue;
    of.mean_km /= of.links;
    of.mean_ms /= of.links;
  }
  return result;
}

}  // namespace spacemoe
