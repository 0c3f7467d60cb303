#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "host/damage/damage.hpp"
#include "host/network/network.hpp"
#include "kernels/draw.hpp"

namespace spacemoe {

/// What is left of the satellites in one slot.
struct SlotDamage {
  std::vector<std::uint8_t> off;        ///< [satellite]: neither relays nor computes
  std::vector<std::uint8_t> in_shadow;  ///< [satellite]; empty where the shadow does not matter
  double slowdown = 1;         ///< computing takes so many times as long; infinite: it is not possible
  double shadow_slowdown = 1;  ///< the same in the shadow

  double slowdown_of(SatelliteId satellite) const {
    bool const shadowed = !in_shadow.empty() && in_shadow[index(satellite)] != 0;
    return shadowed ? slowdown * shadow_slowdown : slowdown;
  }
  bool computes(SatelliteId satellite) const {
    return off[index(satellite)] == 0 && slowdown_of(satellite) < std::numeric_limits<double>::infinity();
  }
};

/// What attacks aim at, in the order in which they hit; each loses the first round(level x size).
struct DamageTargets {
  std::vector<SatelliteId> gateways;  ///< in any order: a draw shuffles them
  std::vector<SatelliteId> hosts;
  std::vector<SatelliteId> busiest_satellites;
  std::vector<std::uint32_t> busiest_links;  ///< indices into Wiring::links
};

/// One draw of damage to a network. What is lost at one level is also lost at every higher level of the same
/// draw.
class DamagedNetwork {
 public:
  /// The network must outlive it. Targets are needed where the damage has attacks.
  DamagedNetwork(Network const& network, Damage const& damage, Seed seed, DamageTargets const& targets = {});

  Damage const& damage() const { return damage_; }
  SlotDamage at(double time_s) const;
  /// Takes out of a snapshot at that time what is lost. Throws ScenarioError when a link takes 2^31 - 1 ns or
  /// more at the rate that is left.
  void apply(SlotDamage const& state, double time_s, Snapshot& snapshot) const;

  /// Whether a satellite is off in every slot.
  bool is_lost(SatelliteId satellite) const { return lost_[index(satellite)] != 0; }

 private:
  void lose_random_satellites(Seed seed);
  void lose_random_planes(Seed seed);
  void lose_random_links();
  void lose_targets(Seed seed, DamageTargets const& targets);
  void place_storm(Seed seed);
  bool in_storm(Vector3 const& position_km, double time_s) const;
  bool in_shadow(Vector3 const& position_km) const;

  bool is_lost_link(SatelliteId a, SatelliteId b) const;

  Network const& network_;
  Damage damage_;
  Seed seed_;
  Vector3 sun_;
  double storm_latitude_rad_ = 0;
  double storm_longitude_rad_ = 0;       ///< at time 0
  std::vector<std::uint8_t> lost_;       ///< [satellite]
  std::vector<std::uint8_t> lost_link_;  ///< [link]
};

}  // namespace spacemoe
