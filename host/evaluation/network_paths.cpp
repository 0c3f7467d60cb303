#include "host/evaluation/network_paths.hpp"

#include <algorithm>
#include <utility>

namespace spacemoe {
namespace {

Scenario network_part(Scenario const& scenario) {
  Scenario part;
  part.seed = scenario.seed;
  part.constellation = scenario.constellation;
  part.listed_nodes = scenario.listed_nodes;
  part.listed_links = scenario.listed_links;
  part.links = scenario.links;
  part.time = scenario.time;
  return part;
}

}  // namespace

NetworkPaths::NetworkPaths(Scenario const& scenario, double most_bytes)
    : scenario_(network_part(scenario)),
      network_(make_network(scenario_)),
      planning_(scenario_, network_),
      bytes_left_(most_bytes) {}

std::shared_ptr<PathTable const> NetworkPaths::find(std::uint32_t first, std::uint32_t count,
                                                    std::span<SatelliteId const> sources) const {
  std::scoped_lock const lock(mutex_);
  auto const found = std::ranges::find_if(kept_, [&](Kept const& kept) {
    return kept.first == first && kept.count == count && std::ranges::equal(kept.sources, sources);
  });
  return found == kept_.end() ? nullptr : found->table;
}

void NetworkPaths::keep(std::uint32_t first, std::uint32_t count, std::span<SatelliteId const> sources,
                        std::shared_ptr<PathTable const> table) {
  double const bytes =
      sizeof(Nanoseconds) * static_cast<double>(sources.size()) * satellites(scenario_) * count;
  std::scoped_lock const lock(mutex_);
  if (bytes > bytes_left_) return;
  bytes_left_ -= bytes;
  kept_.push_back({first, count, {sources.begin(), sources.end()}, std::move(table)});
}

}  // namespace spacemoe
