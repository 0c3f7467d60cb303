#include "host/damage/damaged_network.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "host/errors.hpp"

namespace spacemoe {
namespace {

/// One of two words, so that a probability of 1 means always.
std::uint64_t threshold(double probability) {
  return static_cast<std::uint64_t>(std::round(probability * 0x1p32));
}

double radians(double degrees) {
  return degrees * (std::numbers::pi / 180);
}

double dot(Vector3 const& a, Vector3 const& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}

double length(Vector3 const& v) {
  return std::sqrt(dot(v, v));
}

/// How many times as long work takes that loses a share of its rate.
double slowdown_at(double level) {
  return 1 / (1 - level);  // infinite at 1
}

/// Latency of a link on which sending takes longer, `unreachable` where it takes forever.
Nanoseconds slower(Nanoseconds latency_ns, Nanoseconds longer_ns) {
  Nanoseconds const slow_ns = add_latency(latency_ns, longer_ns);
  if (slow_ns < unreachable || longer_ns == unreachable) return slow_ns;
  throw ScenarioError({"damage.link_rate",
                       "a link takes " + std::to_string((std::uint64_t{latency_ns} + longer_ns) / 1e9) +
                           " s, past the limit of 2.147 s",
                       "damage the rate less, or use a smaller message"});
}

std::size_t victims(double level, std::size_t targets) {
  return static_cast<std::size_t>(std::llround(level * static_cast<double>(targets)));
}

}  // namespace

DamagedNetwork::DamagedNetwork(Network const& network, Damage const& damage, Seed seed,
                               DamageTargets const& targets)
    : network_(network),
      damage_(damage),
      seed_(seed),
      lost_(network.wiring().nodes, 0),
      lost_link_(network.wiring().links.size(), 0) {
  lose_random_satellites(seed);
  lose_random_planes(seed);
  lose_random_links();
  lose_targets(seed, targets);
  if (damage_[DamageFamily::storm] > 0) place_storm(seed);
  if (damage_[DamageFamily::eclipse] > 0) sun_ = sun_direction(damage_, network.constellation());
}

void DamagedNetwork::lose_random_satellites(Seed seed) {
  std::uint64_t const below = threshold(damage_[DamageFamily::satellites]);
  for (std::uint32_t id = 0; id < lost_.size(); ++id) {
    if (draw(seed, Purpose::damaged_satellite, id, damage_.draw, 0).word[0] < below) lost_[id] = 1;
  }
}

void DamagedNetwork::lose_random_planes(Seed seed) {
  std::uint64_t const below = threshold(damage_[DamageFamily::planes]);
  std::uint32_t first = 0;
  for (std::uint32_t s = 0; s < network_.constellation().shells.size(); ++s) {
    Shell const& shell = network_.constellation().shells[s];
    for (std::uint32_t plane = 0; plane < shell.planes; ++plane) {
      bool const lost = draw(seed, Purpose::damaged_plane, plane, damage_.draw, s).word[0] < below;
      if (lost) std::fill_n(lost_.begin() + first, shell.satellites_per_plane, std::uint8_t{1});
      first += shell.satellites_per_plane;
    }
  }
}

bool DamagedNetwork::is_lost_link(SatelliteId a, SatelliteId b) const {
  auto const word = draw(seed_, Purpose::damaged_link, static_cast<std::uint32_t>(a),
                         static_cast<std::uint32_t>(b), damage_.draw)
                        .word[0];
  return word < threshold(damage_[DamageFamily::links]);
}

void DamagedNetwork::lose_random_links() {
  auto const& links = network_.wiring().links;
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (is_lost_link(links[i].a, links[i].b)) lost_link_[i] = 1;
  }
}

void DamagedNetwork::lose_targets(Seed seed, DamageTargets const& targets) {
  auto const lose = [this](DamageFamily family, std::vector<SatelliteId> const& order) {
    std::size_t const count = victims(damage_[family], order.size());
    for (std::size_t i = 0; i < count; ++i) lost_[index(order[i])] = 1;
  };
  auto gateways = targets.gateways;
  std::ranges::sort(gateways, {}, [&](SatelliteId id) {
    auto const number = static_cast<std::uint32_t>(id);
    return std::pair(draw(seed, Purpose::damaged_gateway, number, damage_.draw, 0).word[0], number);
  });
  lose(DamageFamily::gateways, gateways);
  lose(DamageFamily::hosts, targets.hosts);
  lose(DamageFamily::busiest_satellites, targets.busiest_satellites);
  std::size_t const links = victims(damage_[DamageFamily::busiest_links], targets.busiest_links.size());
  for (std::size_t i = 0; i < links; ++i) lost_link_[targets.busiest_links[i]] = 1;
}

void DamagedNetwork::place_storm(Seed seed) {
  Words4 const words = draw(seed, Purpose::damaged_region, damage_.draw, 0, 0);
  double const height = 2 * (words.word[0] + 0.5) * 0x1p-32 - 1;  // even on a sphere
  double const turn = 2 * std::numbers::pi * (words.word[1] * 0x1p-32);
  storm_latitude_rad_ = damage_.storm_latitude_deg ? radians(*damage_.storm_latitude_deg) : std::asin(height);
  storm_longitude_rad_ = damage_.storm_longitude_deg ? radians(*damage_.storm_longitude_deg) : turn;
}

bool DamagedNetwork::in_storm(Vector3 const& position_km, double time_s) const {
  double const longitude = storm_longitude_rad_ + radians(damage_.storm_drift_deg_h) * time_s / 3600;
  Vector3 const centre{std::cos(storm_latitude_rad_) * std::cos(longitude),
                       std::cos(storm_latitude_rad_) * std::sin(longitude), std::sin(storm_latitude_rad_)};
  // A cap that covers the share x of a sphere ends where cos(angle) = 1 - 2 x. Rounding may not save the
  // satellite that is opposite.
  double const from_km = length(position_km);
  return std::max(dot(position_km, centre), -from_km) >= (1 - 2 * damage_[DamageFamily::storm]) * from_km;
}

bool DamagedNetwork::in_shadow(Vector3 const& position_km) const {
  double const along = dot(position_km, sun_);
  if (along >= 0) return false;
  double const radius_km = earth(network_.constellation().earth).radius_km;
  return dot(position_km, position_km) - along * along < radius_km * radius_km;
}

SlotDamage DamagedNetwork::at(double time_s) const {
  SlotDamage state;
  state.off = lost_;
  state.slowdown = slowdown_at(damage_[DamageFamily::compute_rate]);
  state.shadow_slowdown = slowdown_at(damage_[DamageFamily::eclipse]);
  bool const storm = damage_[DamageFamily::storm] > 0;
  bool const shadow = damage_[DamageFamily::eclipse] > 0;
  if (!storm && !shadow) return state;
  auto const where = states(network_.constellation(), time_s);
  if (shadow) state.in_shadow.resize(where.size());
  for (std::size_t i = 0; i < where.size(); ++i) {
    if (storm && in_storm(where[i].position_km, time_s)) state.off[i] = 1;
    if (shadow) state.in_shadow[i] = in_shadow(where[i].position_km) ? 1 : 0;
  }
  return state;
}

void DamagedNetwork::apply(SlotDamage const& state, double time_s, Snapshot& snapshot) const {
  auto const& links = network_.wiring().links;
  double const latitude = damage_[DamageFamily::latitude];
  auto const where = latitude > 0 ? states(network_.constellation(), time_s) : std::vector<State>();
  // Caps that cover the share x of a sphere begin where sin(latitude) = 1 - x.
  auto const in_caps = [&](SatelliteId id) {
    Vector3 const& position = where[index(id)].position_km;
    return std::abs(position.z) >= (1 - latitude) * length(position);
  };
  Nanoseconds const longer_ns = network_.more_serialisation_ns(damage_[DamageFamily::link_rate]);
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (snapshot.removal[i] != Removal::none) continue;
    Link const& link = links[i];
    bool const between_planes = link.kind == LinkKind::inter_plane || link.kind == LinkKind::seam;
    bool const lost = lost_link_[i] != 0 || state.off[index(link.a)] != 0 || state.off[index(link.b)] != 0 ||
                      (latitude > 0 && between_planes && (in_caps(link.a) || in_caps(link.b)));
    // Without any rate left a link carries nothing.
    snapshot.latency_ns[i] = lost ? unreachable : slower(snapshot.latency_ns[i], longer_ns);
    if (snapshot.latency_ns[i] == unreachable) snapshot.removal[i] = Removal::damage;
  }
  for (CrossingLink& link : snapshot.crossing) {
    if (link.removal != Removal::none) continue;
    bool const lost =
        state.off[index(link.a)] != 0 || state.off[index(link.b)] != 0 || is_lost_link(link.a, link.b);
    link.latency_ns = lost ? unreachable : slower(link.latency_ns, longer_ns);
    if (link.latency_ns == unreachable) link.removal = Removal::damage;
  }
}

}  // namespace spacemoe
