#include "host/cpu/relaxation.hpp"

namespace spacemoe {

LiveLinks live_links(PathBlock const& block) {
  Wiring const& wiring = *block.links.wiring;
  LiveLinks live;
  live.first.reserve(wiring.nodes + std::size_t{1});
  live.neighbor.reserve(2 * wiring.links.size());
  live.latency_ns.reserve(2 * wiring.links.size());
  for (std::size_t node = 0; node < wiring.nodes; ++node) {
    live.first.push_back(static_cast<std::uint32_t>(live.neighbor.size()));
    for (std::uint32_t port = 0; port < wiring.degree; ++port) {
      Nanoseconds const link_ns = block.link_ns(port, 0)[node];
      if (link_ns == unreachable) continue;
      live.neighbor.push_back(block.links.neighbors(port)[node]);
      live.latency_ns.push_back(link_ns);
    }
  }
  live.first.push_back(static_cast<std::uint32_t>(live.neighbor.size()));
  return live;
}

std::vector<std::uint32_t> hop_order(LiveLinks const& links, SatelliteId source) {
  std::size_t const nodes = links.first.size() - 1;
  std::vector<std::uint32_t> order{static_cast<std::uint32_t>(source)};
  std::vector<bool> met(nodes, false);
  order.reserve(nodes);
  met[order.front()] = true;
  auto const meet = [&](std::uint32_t node) {
    if (!met[node]) order.push_back(node);
    met[node] = true;
  };
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::uint32_t const node = order[i];
    for (std::uint32_t link = links.first[node]; link < links.first[node + 1]; ++link) {
      meet(links.neighbor[link]);
    }
  }
  for (std::uint32_t node = 0; node < nodes; ++node) meet(node);
  return order;
}

}  // namespace spacemoe
