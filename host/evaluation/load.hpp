#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

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
  std::vector<Load> work_s;  ///< [satellite]: compute time [s]
  /// [link of the wiring][direction]: traffic [bit]; direction 0 from a to b. Links between shells, which are
  /// others in every slot, are left out.
  std::vector<Load> link_bit;

  bool operator==(PlacementLoad const&) const = default;
};

/// Directions of a link in `PlacementLoad::link_bit`.
inline constexpr std::size_t directions = 2;

/// Chance that a token draws an expert, [layer][expert], by the integer weights that are sampled.
std::vector<double> inclusion(Scenario const& scenario);

/// Load of a placement on the evaluation's slots: every expert by the chance that it is drawn, every message
/// on its route (host/network/routes.hpp). A drawn expert costs one message from its gateway to its host and
/// one from there to the gateway where outputs meet, on the route from that gateway taken backwards; where
/// outputs meet at their own gateway, a token costs one more, on to the next. In a slot in which there is no
/// route, a message loads nothing, and a host without a route from its gateway does not compute. Gateways
/// compute in every slot. Damage, replicas and spare gateways do not matter. Sums run in one order, whatever
/// the threads.
PlacementLoad expected_load(Scenario const& scenario, Network const& network, ComputeTimes const& compute,
                            Placement const& placement, Backend& backend);

/// Loads of several placements on one network.
struct NetworkLoads {
  std::vector<Link> links;  ///< of the wiring
  std::vector<PlacementLoad> placement;
};

/// Loads on the scenario's network; `before_each` is called before every placement with its number.
NetworkLoads expected_loads(Scenario const& scenario, std::span<Placement const> placements, Backend& backend,
                            std::function<void(std::size_t)> const& before_each);

/// The most loaded by peak, as indices into `loads`, the greatest first and among equals the lowest index; at
/// most `count`, and none without load.
std::vector<std::size_t> busiest(std::span<Load const> loads, std::size_t count);

/// Tokens per second at which `capacity` [amount/s] is used up in the slot of the peak; infinite without
/// load. A token keeps a link busy for its bits over the rate, a satellite for its compute time; nothing
/// queues.
double saturating_rate_hz(Load const& load, double capacity);

/// The same of the first of several to saturate.
double saturating_rate_hz(std::span<Load const> loads, double capacity);

struct BusyLink {
  SatelliteId from;
  SatelliteId to;
  Load bit;
  double saturating_rate_hz;
};

struct BusySatellite {
  SatelliteId satellite;
  Load work_s;
  double saturating_rate_hz;
};

/// The directions of links that saturate first, at most `count`. `links` are the wiring's; each direction has
/// the whole `rate_bit_s`.
std::vector<BusyLink> busiest_links(PlacementLoad const& load, std::span<Link const> links, double rate_bit_s,
                                    std::size_t count);

/// The satellites that saturate first, at most `count`.
std::vector<BusySatellite> busiest_satellites(PlacementLoad const& load, std::size_t count);

}  // namespace spacemoe
