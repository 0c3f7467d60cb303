#include "host/evaluation/damage_targets.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "host/evaluation/costs.hpp"
#include "host/evaluation/load.hpp"

namespace spacemoe {
namespace {

/// Numbers whose amount is above 0, the greatest first.
std::vector<std::uint32_t> by_amount(std::vector<double> const& amount) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < amount.size(); ++i) {
    if (amount[i] > 0) order.push_back(i);
  }
  std::ranges::stable_sort(order, std::ranges::greater(), [&](std::uint32_t i) { return amount[i]; });
  return order;
}

std::vector<SatelliteId> satellites_by_amount(std::vector<double> const& amount) {
  std::vector<SatelliteId> order;
  for (std::uint32_t const id : by_amount(amount)) order.push_back(satellite(id));
  return order;
}

std::vector<SatelliteId> distinct_gateways(Placement const& placement) {
  std::vector<SatelliteId> gateways;
  add_gateways(placement, gateways);
  PathSources const distinct(std::move(gateways));
  return {distinct.ids().begin(), distinct.ids().end()};
}

/// Experts that a token is expected to run on each satellite.
std::vector<double> expected_experts(Scenario const& scenario, Placement const& placement) {
  std::vector<double> const chance = inclusion(scenario);
  std::vector<double> experts(satellites(scenario), 0);
  for (std::size_t e = 0; e < placement.host.size(); ++e) experts[index(placement.host[e])] += chance[e];
  return experts;
}

}  // namespace

DamageTargets damage_targets(Scenario const& scenario, Network const& network, ComputeTimes const& compute,
                             Placement const& placement, Backend& backend) {
  PlacementLoad const load = expected_load(scenario, network, compute, placement, backend);
  std::vector<double> through(satellites(scenario), 0);
  std::vector<double> along;
  for (std::size_t i = 0; i < network.wiring().links.size(); ++i) {
    Link const& link = network.wiring().links[i];
    along.push_back(load.link_bit[directions * i].mean + load.link_bit[directions * i + 1].mean);
    through[index(link.a)] += along.back();
    through[index(link.b)] += along.back();
  }
  return {distinct_gateways(placement), satellites_by_amount(expected_experts(scenario, placement)),
          satellites_by_amount(through), by_amount(along)};
}

}  // namespace spacemoe
