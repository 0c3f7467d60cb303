#include "host/evaluation/scenario.hpp"

#include <algorithm>

namespace spacemoe {

bool is_listed(Scenario const& scenario) {
  return scenario.constellation.shells.empty();
}

bool same_network(Scenario const& a, Scenario const& b) {
  return a.seed.value == b.seed.value && a.constellation == b.constellation &&
         a.listed_nodes == b.listed_nodes && a.listed_links == b.listed_links && a.links == b.links &&
         a.time == b.time;
}

std::uint32_t satellites(Scenario const& scenario) {
  if (is_listed(scenario)) return scenario.listed_nodes;
  return static_cast<std::uint32_t>(satellite_count(scenario.constellation));
}

double span_s(Scenario const& scenario) {
  if (scenario.time.span_s) return *scenario.time.span_s;
  if (is_listed(scenario)) return 0;
  return period_s(scenario.constellation, scenario.constellation.shells.front());
}

double slot_time_s(Scenario const& scenario, std::uint32_t slot) {
  return scenario.time.start_s + slot * span_s(scenario) / scenario.time.slots;
}

std::uint32_t usual_outages(Scenario const& scenario) {
  constexpr std::uint32_t enough_slots = 200;
  constexpr std::uint32_t most = 64;
  if (scenario.links.survival >= 1) return 1;
  return std::min(most, (enough_slots + scenario.time.slots - 1) / scenario.time.slots);
}

Network make_network(Scenario const& scenario) {
  if (is_listed(scenario)) {
    return {scenario.listed_nodes, scenario.listed_links, scenario.links, scenario.seed};
  }
  return {scenario.constellation, scenario.links, scenario.seed};
}

PlacementLimits placement_limits(Scenario const& scenario) {
  return {satellites(scenario), scenario.capacity, scenario.gateways_host_experts};
}

}  // namespace spacemoe
