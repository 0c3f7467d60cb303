#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/damage/damaged_network.hpp"
#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// Expected amount per token, over the slots.
struct Load {
  double mean = 0;
  double peak = 0;              ///< in the slot where it is greatest
  std::uint32_t peak_slot = 0;  ///< the first of these

  bool operator==(Load const&) const = default;
};

/// What one token asks of the network under one placement, by expectation.
struct PlacementLoad {
  std::vector<Load> work_s;    ///< [satellite]: compute time [s]
  std::vector<Load> experts;   ///< [satellite]: drawn experts that run there
  std::vector<Load> link_bit;  ///< [link of the wiring][direction]: traffic [bit]; direction 0 from a to b
  /// [satellite][direction]: traffic [bit] of its terminal, whichever satellites of other shells that points
  /// at; direction 0 sent, 1 received. Empty where shells are not linked to one another.
  std::vector<Load> terminal_bit;

  bool operator==(PlacementLoad const&) const = default;
};

/// Directions in `PlacementLoad`.
inline constexpr std::size_t directions = 2;

/// Chance that a token draws an expert, [layer][expert], by the integer weights that are sampled.
std::vector<double> inclusion(Scenario const& scenario);

/// Load of a placement on the evaluation's slots, damaged or whole: every expert by the chance that it is
/// drawn, every message on its route (host/network/routes.hpp). A drawn expert costs one message from its
/// gateway to the copy that serves and one from there to the gateway where outputs meet, on the route from
/// that gateway taken backwards; where outputs meet at their own gateway, a token costs one more, on to the
/// next, where that works and there is a route. An expert that is lost in a slot (`work_in_slot`) loads
/// nothing there, and tokens go on without it. Sums run in one order, whatever the threads.
PlacementLoad expected_load(Scenario const& scenario, Network const& network, ComputeTimes const& compute,
                            Placement const& placement, Backend& backend,
                            DamagedNetwork const* damaged = nullptr);

}  // namespace spacemoe
