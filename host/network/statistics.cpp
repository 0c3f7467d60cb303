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

std::vector<std::uint32_t> components(SlotLinks const& links) {
  Wiring const& wiring = *links.wiring;
  std::vector<std::uint32_t> parent(wiring.nodes);
  std::iota(parent.begin(), parent.end(), 0u);
  for (std::uint32_t port = 0; port < wiring.degree; ++port) {
    std::uint32_t const* const neighbors = links.neighbors(port);
    for (std::uint32_t node = 0; node < wiring.nodes; ++node) {
      if (links.latency_ns[std::size_t{port} * wiring.nodes + node] == unreachable) continue;
      auto const [least, other] = std::minmax({root(parent, node), root(parent, neighbors[node])});
      parent[other] = least;
    }
  }
  for (std::uint32_t node = 0; node < wiring.nodes; ++node) parent[node] = root(parent, node);
  return parent;
}

std::uint32_t connected_components(Wiring const& wiring, Snapshot const& snapshot) {
  auto const least = components(batch(wiring, {snapshot}).slot(0));
  std::uint32_t count = 0;
  for (std::uint32_t node = 0; node < least.size(); ++node) count += least[node] == node ? 1u : 0u;
  return count;
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
