#include "host/placement/placement.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace spacemoe {
namespace {

class Inspection {
 public:
  Inspection(Placement const& placement, PlacementLimits const& limits)
      : placement_(placement), limits_(limits), load_(limits.satellites) {}

  std::vector<PlacementProblem> run() {
    for (std::size_t i = 0; i < placement_.host.size(); ++i) {
      host({PlacementPart::host, i}, static_cast<std::uint32_t>(i), placement_.host[i]);
    }
    for (std::size_t i = 0; i < placement_.replica.size(); ++i) replica(i, placement_.replica[i]);
    for (std::uint32_t l = 0; l < placement_.gateway.size(); ++l) {
      gateway({PlacementPart::gateway, l}, l, placement_.gateway[l]);
    }
    for (std::size_t i = 0; i < placement_.spare.size(); ++i) {
      SpareGateway const& spare = placement_.spare[i];
      Place const at{PlacementPart::spare, i};
      if (exists(at, spare.layer, placement_.layers, "layer")) gateway(at, spare.layer, spare.satellite);
    }
    return std::move(found_);
  }

 private:
  struct Place {
    PlacementPart part;
    std::size_t number;
  };

  void complain(Place at, std::string what, std::string remedy) {
    found_.push_back({at.part, at.number, std::move(what), std::move(remedy)});
  }

  bool exists(Place at, std::size_t number, std::uint32_t count, std::string const& name) {
    if (number < count) return true;
    complain(at, name + " " + std::to_string(number) + " does not exist",
             name + "s are 0 to " + std::to_string(count - 1));
    return false;
  }
  bool exists(Place at, SatelliteId id) { return exists(at, index(id), limits_.satellites, "satellite"); }

  void replica(std::size_t number, Replica const& replica) {
    Place const at{PlacementPart::replica, number};
    bool const layer = exists(at, replica.layer, placement_.layers, "layer");
    bool const expert = exists(at, replica.expert, placement_.experts, "expert");
    if (layer && expert) host(at, replica.layer * placement_.experts + replica.expert, replica.host);
  }

  /// `expert` counts over all layers.
  void host(Place at, std::uint32_t expert, SatelliteId id) {
    if (!exists(at, id)) return;
    if (!copies_.emplace(expert, id).second) {
      complain(at,
               "satellite " + std::to_string(index(id)) + " has expert " +
                   std::to_string(expert % placement_.experts) + " of layer " +
                   std::to_string(expert / placement_.experts) + " already",
               "give another satellite");
    } else if (++load_[index(id)] == limits_.capacity + 1) {
      complain(at,
               "satellite " + std::to_string(index(id)) + " hosts more experts than its capacity of " +
                   std::to_string(limits_.capacity),
               "move the expert, or raise placement.capacity");
    }
  }

  /// After all hosts.
  void gateway(Place at, std::uint32_t layer, SatelliteId id) {
    if (!exists(at, id)) return;
    if (!gateways_.emplace(layer, id).second) {
      complain(at,
               "satellite " + std::to_string(index(id)) + " is a gateway of layer " + std::to_string(layer) +
                   " already",
               "give another satellite");
    } else if (!limits_.gateways_host_experts && load_[index(id)] > 0) {
      complain(at, "gateway " + std::to_string(index(id)) + " also hosts experts",
               "move one of them, or set placement.gateways_host_experts = true");
    }
  }

  Placement const& placement_;
  PlacementLimits limits_;
  std::vector<std::uint32_t> load_;                           ///< [satellite]: experts
  std::set<std::pair<std::uint32_t, SatelliteId>> copies_;    ///< of experts
  std::set<std::pair<std::uint32_t, SatelliteId>> gateways_;  ///< of layers
  std::vector<PlacementProblem> found_;
};

}  // namespace

std::vector<PlacementProblem> problems(Placement const& placement, PlacementLimits const& limits) {
  return Inspection(placement, limits).run();
}

void sort_redundancy(Placement& placement) {
  std::ranges::stable_sort(placement.replica, {},
                           [](Replica const& r) { return std::pair(r.layer, r.expert); });
  std::ranges::stable_sort(placement.spare, {}, &SpareGateway::layer);
}

}  // namespace spacemoe
