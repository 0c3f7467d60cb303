#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/io/scenario_sections.hpp"

namespace spacemoe {
namespace {

/// Satellites that take the gateways and experts of some layers.
struct Region {
  std::string name;
  std::uint64_t satellites;
  std::uint64_t layers;
};

/// The subnets of the ring, in the order of their first layers; layers that share one come as one.
std::vector<Region> subnets(Scenario const& scenario) {
  Shell const& shell = scenario.constellation.shells[scenario.ring_shell];
  std::uint32_t const layers = scenario.model.moe_layers;
  RingShell const one_plane{satellite(0), 1, shell.satellites_per_plane};
  std::vector<Region> regions;
  for (std::uint32_t first = 0; first < layers;) {
    auto const rows = subnet(one_plane, first, layers);
    std::uint32_t end = first + 1;
    while (end < layers && subnet(one_plane, end, layers) == rows) ++end;
    std::string const which = end == first + 1
                                  ? "layer " + std::to_string(first)
                                  : "layers " + std::to_string(first) + " to " + std::to_string(end - 1);
    regions.push_back({"the subnet of " + which, std::uint64_t{shell.planes} * rows.size(), end - first});
    first = end;
  }
  return regions;
}

/// What a region lacks, and what helps.
struct Shortage {
  std::string what;
  std::string remedy;
};

/// What a region lacks for so many different gateways and the experts of its layers.
std::optional<Shortage> shortage(Region const& region, std::uint64_t gateways, Scenario const& scenario,
                                 std::string const& enlarge) {
  if (region.satellites < gateways) {
    return Shortage{region.name + " has " + std::to_string(region.satellites) + " satellites for " +
                        std::to_string(gateways) + " gateways",
                    enlarge};
  }
  std::uint64_t const hosts = region.satellites - (scenario.gateways_host_experts ? 0 : gateways);
  std::uint64_t const places = hosts * scenario.capacity;
  std::uint64_t const experts = region.layers * scenario.model.experts;
  if (places >= experts) return std::nullopt;
  std::string remedy;
  if (hosts > 0) remedy += "raise placement.capacity, ";
  if (!scenario.gateways_host_experts) remedy += "set placement.gateways_host_experts = true, ";
  return Shortage{region.name + " has " + std::to_string(places) + " free places for " +
                      std::to_string(experts) + " experts",
                  remedy + "or " + enlarge};
}

/// The first shortage that a strategy meets wherever it draws. Greedy placements may meet others, which
/// depend on latencies: where satellites hold several experts, or gateways hold some, an expert may take the
/// last satellite that could have become a gateway.
std::optional<Shortage> first_shortage(Strategy strategy, Region const& network,
                                       std::vector<Region> const& ring, Scenario const& scenario) {
  if (!needs_shell(strategy)) return shortage(network, network.layers, scenario, "use more satellites");
  // Where room is scarce, all gateways are one satellite.
  if (strategy == Strategy::staircase) return shortage(network, 1, scenario, "use more satellites");
  for (Region const& region : ring) {
    // Layers that share a subnet share its central gateway; gateways drawn at random are all different.
    std::uint64_t const gateways = strategy == Strategy::rand_intra ? region.layers : 1;
    if (auto const found = shortage(region, gateways, scenario, "use more planes")) return found;
  }
  return std::nullopt;
}

/// What replicas and spare gateways lack in the whole network.
std::optional<Shortage> redundancy_shortage(Region const& network, Scenario const& scenario) {
  if (is_none(scenario.redundancy)) return std::nullopt;
  std::uint64_t const spares = network.layers * scenario.redundancy.spare_gateways;
  std::uint64_t const experts = network.layers * scenario.model.experts;
  std::uint64_t const copies =
      experts * (1 + std::uint64_t{scenario.redundancy.replicas}) + scenario.redundancy.replica_places;
  std::uint64_t const hosts = (copies + scenario.capacity - 1) / scenario.capacity;
  std::uint64_t const gateways = 1 + spares;  // spares are never shared, as gateways of layers may be
  std::uint64_t const wanted = scenario.gateways_host_experts ? std::max(hosts, gateways) : hosts + gateways;
  if (wanted <= network.satellites) return std::nullopt;
  return Shortage{network.name + " has " + std::to_string(network.satellites) + " satellites, too few for " +
                      std::to_string(copies) + " copies of experts, a gateway and " + std::to_string(spares) +
                      " spare ones",
                  "ask for fewer replicas or spares, or raise placement.capacity"};
}

}  // namespace

void check_room(std::string const& where, Scenario const& scenario, std::vector<Complaint>& complaints) {
  Region const network{is_listed(scenario) ? "the network" : "the constellation", satellites(scenario),
                       scenario.model.moe_layers};
  std::vector<Region> const ring = is_listed(scenario) ? std::vector<Region>{} : subnets(scenario);
  struct Failing {
    std::string names;
    Shortage shortage;
  };
  std::vector<Failing> failing;  // strategies that lack the same are named together
  for (Strategy const strategy : scenario.strategies) {
    bool const file = strategy == Strategy::file;
    if (file && std::ranges::all_of(scenario.file_placements, has_redundancy)) continue;
    auto found = file ? std::nullopt : first_shortage(strategy, network, ring, scenario);
    if (!found) found = redundancy_shortage(network, scenario);
    if (!found) continue;
    auto const same =
        std::ranges::find(failing, found->what, [](Failing const& other) { return other.shortage.what; });
    if (same == failing.end()) {
      failing.push_back({std::string(name(strategy)), *found});
    } else {
      same->names += ", " + std::string(name(strategy));
    }
  }
  for (auto const& [names, shortage] : failing) {
    complaints.push_back({where, names + ": " + shortage.what, shortage.remedy, true});
  }
}

}  // namespace spacemoe
