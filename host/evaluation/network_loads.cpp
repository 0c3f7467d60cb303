#include "host/evaluation/network_loads.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "host/evaluation/damage_targets.hpp"

namespace spacemoe {
namespace {

/// The network that a placement meets; nothing where all of it is whole.
std::optional<DamagedNetwork> damaged_network(Scenario const& scenario, Network const& network,
                                              ComputeTimes const& compute, Placement const& placement,
                                              Backend& backend) {
  if (is_whole(scenario.damage)) return std::nullopt;
  DamageTargets const targets = has_attack(scenario.damage)
                                    ? damage_targets(scenario, network, compute, placement, backend)
                                    : DamageTargets();
  return DamagedNetwork(network, scenario.damage, scenario.seed, targets);
}

}  // namespace

NetworkLoads expected_loads(Scenario const& scenario, std::span<Placement const> placements, Backend& backend,
                            std::function<void(std::size_t)> const& before_each) {
  Network const network = make_network(scenario);
  ComputeTimes const compute(scenario.model, scenario.compute);
  NetworkLoads loads{network.wiring().links, {}};
  for (std::size_t p = 0; p < placements.size(); ++p) {
    before_each(p);
    auto const damaged = damaged_network(scenario, network, compute, placements[p], backend);
    loads.placement.push_back(
        expected_load(scenario, network, compute, placements[p], backend, damaged ? &*damaged : nullptr));
  }
  return loads;
}

std::vector<std::size_t> busiest(std::span<Load const> loads, std::size_t count) {
  std::vector<std::size_t> order(loads.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return loads[i].peak == 0; });
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return loads[a].peak > loads[b].peak; });
  order.resize(std::min(order.size(), count));
  return order;
}

double saturating_rate_hz(Load const& load, double capacity) {
  return load.peak > 0 ? capacity / load.peak : std::numeric_limits<double>::infinity();
}

double saturating_rate_hz(std::span<Load const> loads, double capacity) {
  double least_hz = std::numeric_limits<double>::infinity();
  for (Load const& load : loads) least_hz = std::min(least_hz, saturating_rate_hz(load, capacity));
  return least_hz;
}

double saturating_link_rate_hz(PlacementLoad const& load, double rate_bit_s) {
  return std::min(saturating_rate_hz(load.link_bit, rate_bit_s),
                  saturating_rate_hz(load.terminal_bit, rate_bit_s));
}

double rate_left_bit_s(Scenario const& scenario) {
  return scenario.links.rate_bit_s * (1 - scenario.damage[DamageFamily::link_rate]);
}

std::vector<BusyLink> busiest_links(PlacementLoad const& load, std::span<Link const> links, double rate_bit_s,
                                    std::size_t count) {
  std::vector<Load> all = load.link_bit;
  all.insert(all.end(), load.terminal_bit.begin(), load.terminal_bit.end());
  std::vector<BusyLink> busy;
  for (std::size_t const i : busiest(all, count)) {
    std::optional<SatelliteId> from;
    std::optional<SatelliteId> to;
    if (i < load.link_bit.size()) {
      from = links[i / directions].a;
      to = links[i / directions].b;
    } else {
      from = satellite((i - load.link_bit.size()) / directions);
    }
    if (i % directions == 1) std::swap(from, to);  // link_bit.size() is even
    busy.push_back({from, to, all[i], saturating_rate_hz(all[i], rate_bit_s)});
  }
  return busy;
}

std::vector<BusySatellite> busiest_satellites(PlacementLoad const& load, std::size_t count) {
  std::vector<BusySatellite> busy;
  for (std::size_t const i : busiest(load.work_s, count)) {
    busy.push_back({satellite(i), load.work_s[i], saturating_rate_hz(load.work_s[i], 1)});
  }
  return busy;
}

}  // namespace spacemoe
