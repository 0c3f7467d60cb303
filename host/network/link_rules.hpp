#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace spacemoe {

/// Links between the last plane of a shell and its first. Under nearest_phase, both wraps go to the partner
/// that is nearest in phase.
enum class Seam : std::uint8_t {
  cut,          ///< none
  wrap,         ///< to the same slot
  wrap_phased,  ///< to slot + F, the phase-continuous partner; alternating phasing has no F: as wrap
};

/// Which satellite of the next plane a link goes to.
enum class InterPlanePartner : std::uint8_t {
  same_slot,
  nearest_phase,  ///< slot offset in [0, S) of least phase difference, seam included; ties to the smaller
};

/// Links from shell to shell.
enum class BetweenShells : std::uint8_t {
  none,
  nearest,     ///< in each slot, between two satellites that are each other's nearest in another shell
  same_shell,  ///< none, and the whole model stays on one shell
};

/// Whether a latitude limit removes a link when either end or only when both ends are beyond it.
enum class LatitudeRule : std::uint8_t { either, both };

/// Which inter-satellite links exist and what they cost. Limits that are off are empty.
struct LinkRules {
  Seam seam = Seam::cut;
  bool star_seam = false;  ///< insist on links across the counter-rotating seam of a star
  InterPlanePartner inter_plane_partner = InterPlanePartner::same_slot;

  BetweenShells between_shells = BetweenShells::none;
  double between_shells_range_km = 0;  ///< that the nearest is sought within; unused under the other rules

  std::optional<double> latitude_limit_deg;  ///< links between planes of a shell only
  LatitudeRule latitude_rule = LatitudeRule::either;
  std::optional<double> grazing_altitude_km;  ///< line of sight stays above it
  std::optional<double> max_range_km;
  std::optional<double> max_pointing_rate_rad_s;  ///< |dr x dv| / |dr|^2
  double survival = 1;                            ///< probability per link and slot

  double rate_bit_s = 100e9;
  double message_bit = 0;    ///< size of the hidden state that a hop serialises
  double forwarding_ns = 0;  ///< per hop

  bool operator==(LinkRules const&) const = default;
};

}  // namespace spacemoe
