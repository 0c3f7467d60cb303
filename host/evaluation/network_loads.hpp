#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "host/evaluation/load.hpp"

namespace spacemoe {

/// Loads of several placements on one network.
struct NetworkLoads {
  std::vector<Link> links;  ///< of the wiring
  std::vector<PlacementLoad> placement;
};

/// Loads on the scenario's network with its damage; attacks aim at each placement on its own. `before_each`
/// is called before every placement with its number.
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

/// The same of the first link to saturate, terminals included; each direction has the whole `rate_bit_s`.
double saturating_link_rate_hz(PlacementLoad const& load, double rate_bit_s);

/// Rate [bit/s] that damage leaves every link.
double rate_left_bit_s(Scenario const& scenario);

/// A direction of a link of the wiring, or of a satellite's terminal: then the other end is nobody, since it
/// changes from slot to slot.
struct BusyLink {
  std::optional<SatelliteId> from;
  std::optional<SatelliteId> to;
  Load bit;
  double saturating_rate_hz;
};

struct BusySatellite {
  SatelliteId satellite;
  Load work_s;
  double saturating_rate_hz;
};

/// The directions of links and terminals that saturate first, at most `count`; among equals links come first.
/// `links` are the wiring's; each direction has the whole `rate_bit_s`.
std::vector<BusyLink> busiest_links(PlacementLoad const& load, std::span<Link const> links, double rate_bit_s,
                                    std::size_t count);

/// The satellites that saturate first, at most `count`.
std::vector<BusySatellite> busiest_satellites(PlacementLoad const& load, std::size_t count);

}  // namespace spacemoe
