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

std::vector<double> means(std::vector<Load> const& loads) {
  std::vector<double> mean;
  for (Load const& load : loads) mean.push_back(load.mean);
  return mean;
}

/// Traffic in both directions of each link, or of each terminal.
std::vector<double> both_directions(std::vector<Load> const& loads) {
  std::vector<double> sum;
  for (std::size_t i = 0; i < loads.size(); i += directions) {
    sum.push_back(loads[i].mean + loads[i + 1].mean);
  }
  return sum;
}

}  // namespace

DamageTargets damage_targets(Scenario const& scenario, Network const& network, ComputeTimes const& compute,
                             Placement const& placement, Backend& backend) {
  PlacementLoad const load = expected_load(scenario, network, compute, placement, backend);
  std::vector<double> const along = both_directions(load.link_bit);
  std::vector<double> through = both_directions(load.terminal_bit);
  through.resize(satellites(scenario), 0);  // without terminals
  for (std::size_t i = 0; i < along.size(); ++i) {
    Link const& link = network.wiring().links[i];
    through[index(link.a)] += along[i];
    through[index(link.b)] += along[i];
  }
  return {distinct_gateways(placement), satellites_by_amount(means(load.experts)),
          satellites_by_amount(through), by_amount(along)};
}

}  // namespace spacemoe
