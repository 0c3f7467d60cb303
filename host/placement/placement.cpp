#include "host/placement/placement.hpp"

#include <utility>

namespace spacemoe {
namespace {

class Inspection {
 public:
  explicit Inspection(PlacementLimits const& limits) : limits_(limits), load_(limits.satellites) {}

  void host(SatelliteId id, std::uint32_t layer, std::uint32_t expert) {
    if (!exists(id, layer, expert) || ++load_[index(id)] != limits_.capacity + 1) return;
    found_.push_back({layer, expert,
                      "satellite " + std::to_string(index(id)) + " hosts more experts than its capacity of " +
                          std::to_string(limits_.capacity),
                      "move the expert, or raise placement.capacity"});
  }

  /// After all hosts.
  void gateway(SatelliteId id, std::uint32_t layer) {
    if (!exists(id, layer, std::nullopt) || limits_.gateways_host_experts || load_[index(id)] == 0) return;
    found_.push_back({layer, std::nullopt, "gateway " + std::to_string(index(id)) + " also hosts experts",
                      "move one of them, or set placement.gateways_host_experts = true"});
  }

  std::vector<PlacementProblem> found() { return std::move(found_); }

 private:
  bool exists(SatelliteId id, std::uint32_t layer, std::optional<std::uint32_t> expert) {
    if (index(id) < limits_.satellites) return true;
    found_.push_back({layer, expert, "satellite " + std::to_string(index(id)) + " does not exist",
                      "satellites are 0 to " + std::to_string(limits_.satellites - 1)});
    return false;
  }

  PlacementLimits limits_;
  std::vector<std::uint32_t> load_;  ///< [satellite]
  std::vector<PlacementProblem> found_;
};

}  // namespace

std::vector<PlacementProblem> problems(Placement const& placement, PlacementLimits const& limits) {
  Inspection inspection(limits);
  for (std::uint32_t l = 0; l < placement.layers; ++l) {
    for (std::uint32_t e = 0; e < placement.experts; ++e) inspection.host(placement.host_of(l, e), l, e);
  }
  for (std::uint32_t l = 0; l < placement.layers; ++l) inspection.gateway(placement.gateway[l], l);
  return inspection.found();
}

}  // namespace spacemoe
