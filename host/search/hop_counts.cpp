#include "host/search/hop_counts.hpp"

#include <algorithm>

namespace spacemoe {
namespace {

/// The most satellites [hops] that any satellite has within so many hops of the wiring, itself included;
/// until these are `enough` or there are no more.
std::vector<std::size_t> most_within(Wiring const& wiring, std::size_t enough) {
  std::vector<std::size_t> most{1};
  std::vector<std::uint32_t> met(wiring.nodes, wiring.nodes);
  for (std::uint32_t start = 0; start < wiring.nodes; ++start) {
    std::vector<std::uint32_t> reached{start};
    met[start] = start;
    std::size_t first = 0;
    for (std::size_t hops = 1; first < reached.size() && reached.size() < enough; ++hops) {
      std::size_t const end = reached.size();
      for (; first < end; ++first) {
        for (std::uint32_t port = 0; port < wiring.degree; ++port) {
          std::uint32_t const to = wiring.neighbor[std::size_t{port} * wiring.nodes + reached[first]];
          if (met[to] == start) continue;
          met[to] = start;
          reached.push_back(to);
        }
      }
      if (hops == most.size()) most.push_back(0);
      most[hops] = std::max(most[hops], reached.size());
    }
  }
  for (std::size_t hops = 1; hops < most.size(); ++hops) most[hops] = std::max(most[hops], most[hops - 1]);
  return most;
}

/// Hops there and back [m] that the m-th nearest place takes at least: of `hops` in all, half or less are to
/// one of the gateways.
std::vector<std::uint64_t> hops_to_places(RelaxedLayers const& layers, Wiring const& wiring) {
  std::size_t const itself = layers.gateways_host_experts ? 0 : 1;
  std::size_t const gateways = layers.own_gateway ? 1 : 2;
  std::size_t const needed = most_hosts(layers);
  auto const most = most_within(wiring, needed + itself);
  std::vector<std::uint64_t> hops;
  for (std::size_t half = 0; half < most.size(); ++half) {
    std::size_t const hosts = gateways * (most[half] - itself);
    hops.resize(std::max(hops.size(), std::min(hosts, needed) * layers.capacity), 2 * half);
  }
  return hops;
}

}  // namespace

std::optional<double> hop_counts(RelaxedLayers const& layers, SnapshotBatch const& slots) {
  if (slots.wiring->has_crossing_port) return std::nullopt;  // who is how near changes from slot to slot
  Nanoseconds const hop_ns = std::ranges::min(slots.latency_ns);
  auto const hops = hops_to_places(layers, *slots.wiring);
  double sum = static_cast<double>(std::ranges::min(layers.head_ns));
  for (std::uint32_t l = 0; l < layers.layers(); ++l) {
    auto const& chance = layers.chance[l];
    if (hops.size() < chance.size() || hop_ns == unreachable) return std::nullopt;
    auto const first = layers.fixed_ns.begin() + l * std::ptrdiff_t{layers.satellites};
    sum += static_cast<double>(*std::min_element(first, first + layers.satellites));
    sum += static_cast<double>(std::ranges::min(layers.satellite_ns));
    for (std::size_t m = 0; m < chance.size(); ++m) {
      sum += chance[m] * static_cast<double>(std::min<std::uint64_t>(hops[m] * hop_ns, unreachable));
    }
  }
  return sum * rounding_margin;
}

}  // namespace spacemoe
