#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/damage/damaged_network.hpp"
#include "host/evaluation/backend.hpp"
#include "host/evaluation/layer_distribution.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// What is left of a damaged network, as those see it who repair: in all slots, with planning outages.
class Remains {
 public:
  Remains(Scenario const& scenario, Network const& network, DamagedNetwork const& damaged);

  SnapshotBatch const& slots() const { return slots_; }
  /// Whether a satellite computes and is linked to the largest part of the network in more than half of the
  /// slots.
  bool serves(SatelliteId id) const { return serves_[index(id)] != 0; }
  double rate_bit_s() const { return rate_bit_s_; }  ///< of every link

 private:
  SnapshotBatch slots_;
  std::vector<std::uint8_t> serves_;  ///< [satellite]
  double rate_bit_s_;
};

/// Weights of an expert on their way to a new host.
struct Transfer {
  std::uint32_t layer = 0;
  std::uint32_t expert = 0;
  SatelliteId from{};  ///< a copy that is left, or the gateway of the first layer, to which the ground sends
  SatelliteId to{};    ///< the new host
  double arrival_s = 0;  ///< after the repair began

  bool operator==(Transfer const&) const = default;
};

/// A placement after the best move of what was lost.
struct Repair {
  Placement placement;
  std::uint32_t moved_gateways = 0;  ///< layers that have another gateway
  std::vector<Transfer> transfers;   ///< in the order in which they are sent
  double bytes = 0;                  ///< of weights that are sent

  /// Until the last weights have arrived.
  double duration_s() const;
};

/// What repairs of any placement of a scenario need; all must outlive it.
struct RepairContext {
  Scenario const& scenario;
  ComputeTimes const& compute;
  std::span<LayerLaw const> laws;  ///< [layer]
  std::span<double const> chance;  ///< [layer][expert]: of a token to draw the expert
  Backend& backend;
};

/// Moves what no longer serves, and nothing else. Gateways go to the free satellite that makes the layers on
/// either side quickest, and send no weights. Experts that have lost their host follow, those without another
/// copy first, then by the chance that they are drawn, each to the free place of least expected latency,
/// until `budget_bytes` of weights are sent. README.md has the details.
Repair repaired(RepairContext const& context, Remains const& remains, Placement const& placement,
                double budget_bytes);

}  // namespace spacemoe
