#include "host/placement/placement.hpp"

#include <algorithm>

namespace spacemoe {
namespace {

std::string count_of(std::size_t count, char const* what) {
  return std::to_string(count) + " " + what;
}

}  // namespace

std::vector<std::string> problems(Placement const& placement, PlacementLimits const& limits) {
  std::vector<std::string> found;
  if (placement.gateway.size() != placement.layers) {
    found.push_back(count_of(placement.gateway.size(), "gateways for ") +
                    count_of(placement.layers, "layers"));
  }
  std::size_t const hosts = static_cast<std::size_t>(placement.layers) * placement.experts;
  if (placement.host.size() != hosts) {
    found.push_back(count_of(placement.host.size(), "hosts for ") + count_of(hosts, "experts"));
  }

  std::vector<std::uint32_t> load(limits.satellites, 0);
  for (SatelliteId const host : placement.host) {
    if (index(host) >= limits.satellites) {
      found.push_back("host " + std::to_string(index(host)) + " does not exist; satellites are 0 to " +
                      std::to_string(limits.satellites - 1));
    } else if (++load[index(host)] == limits.capacity + 1) {
      found.push_back("satellite " + std::to_string(index(host)) +
                      " hosts more experts than its capacity of " + std::to_string(limits.capacity));
    }
  }
  std::vector<SatelliteId> reported;
  for (SatelliteId const gateway : placement.gateway) {
    if (std::ranges::find(reported, gateway) != reported.end()) continue;
    reported.push_back(gateway);
    if (index(gateway) >= limits.satellites) {
      found.push_back("gateway " + std::to_string(index(gateway)) + " does not exist; satellites are 0 to " +
                      std::to_string(limits.satellites - 1));
    } else if (!limits.gateways_host_experts && load[index(gateway)] > 0) {
      found.push_back("gateway " + std::to_string(index(gateway)) +
                      " also hosts experts, which gateways_host_experts = false forbids");
    }
  }
  return found;
}

}  // namespace spacemoe
