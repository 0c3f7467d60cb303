#include "host/network/network.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "host/errors.hpp"
#include "host/network/link_geometry.hpp"
#include "host/network/wiring.hpp"

namespace spacemoe {
namespace {

std::string described(Link const& link) {
  return "link " + std::to_string(index(link.a)) + " - " + std::to_string(index(link.b));
}

/// Latency of a link [ns]: propagation, serialisation and forwarding, rounded once, at least 1 ns.
Nanoseconds latency_ns(Link const& link, double length_km, LinkRules const& rules) {
  double const exact_ns =
      length_km / light_speed_km_s * 1e9 + rules.message_bit / rules.rate_bit_s * 1e9 + rules.forwarding_ns;
  double const rounded_ns = std::max(std::round(exact_ns), 1.0);
  if (rounded_ns < unreachable) return static_cast<Nanoseconds>(rounded_ns);
  throw ScenarioError({described(link),
                       "its latency of " + std::to_string(exact_ns / 1e9) + " s passes the limit of 2.147 s",
                       "a smaller message, a greater rate or less forwarding"});
}

/// Whether a link is up: by its own address, so that it depends on no other link, slot or order.
bool survives(Seed seed, Purpose outages, Link const& link, std::uint32_t slot, std::uint64_t threshold) {
  auto const a = static_cast<std::uint32_t>(link.a);
  auto const b = static_cast<std::uint32_t>(link.b);
  return draw(seed, outages, a, b, slot).word[0] < threshold;
}

void remove(Snapshot& snapshot, std::size_t link, Removal reason) {
  snapshot.removal[link] = reason;
  snapshot.latency_ns[link] = unreachable;
}

}  // namespace

Network::Network(Constellation constellation, LinkRules rules, Seed seed)
    : constellation_(std::move(constellation)),
      rules_(rules),
      seed_(seed),
      wiring_(grid_wiring(constellation_, rules_)) {}

Network::Network(std::uint32_t nodes, std::vector<ListedLink> links, LinkRules rules, Seed seed)
    : rules_(rules), seed_(seed) {
  links = ordered_links(nodes, std::move(links));
  wiring_ = listed_wiring(nodes, links);
  for (ListedLink const& link : links) listed_ns_.push_back(link.latency_ns);
}

Nanoseconds Network::more_serialisation_ns(double lost_share) const {
  if (lost_share == 1) return unreachable;
  double const longer = lost_share / (1 - lost_share);
  double const more_ns = std::round(rules_.message_bit / rules_.rate_bit_s * 1e9 * longer);
  if (more_ns < unreachable) return static_cast<Nanoseconds>(more_ns);
  throw ScenarioError(
      {"damage.link_rate",
       "a hop takes " + std::to_string(more_ns / 1e9) + " s longer, past the limit of 2.147 s per path",
       "damage the rate less, or use a smaller message"});
}

Snapshot Network::geometric_snapshot(double time_s) const {
  std::vector<State> const state = states(constellation_, time_s);
  GeometricRules const geometric(rules_, earth(constellation_.earth).radius_km);
  std::size_t const links = wiring_.links.size();
  Snapshot snapshot;
  snapshot.latency_ns.resize(links);
  snapshot.removal.resize(links);
  snapshot.length_km.resize(links);
  for (std::size_t i = 0; i < links; ++i) {
    Link const& link = wiring_.links[i];
    State const& a = state[index(link.a)];
    State const& b = state[index(link.b)];
    double const length_km = link_length_km(a, b);
    snapshot.length_km[i] = length_km;
    Removal const reason = geometric.removal(link.kind, a, b, length_km);
    if (reason != Removal::none) {
      remove(snapshot, i, reason);
    } else {
      snapshot.latency_ns[i] = latency_ns(link, length_km, rules_);
    }
  }
  return snapshot;
}

Snapshot Network::snapshot(std::uint32_t slot, double time_s, Purpose outages) const {
  bool const listed = constellation_.shells.empty();
  Snapshot snapshot = listed ? Snapshot{listed_ns_, std::vector(listed_ns_.size(), Removal::none), {}}
                             : geometric_snapshot(time_s);
  auto const threshold = static_cast<std::uint64_t>(std::round(rules_.survival * 0x1p32));
  for (std::size_t i = 0; i < wiring_.links.size(); ++i) {
    if (snapshot.removal[i] != Removal::none) continue;
    if (!survives(seed_, outages, wiring_.links[i], slot, threshold)) remove(snapshot, i, Removal::outage);
  }
  return snapshot;
}

SnapshotBatch batch(Wiring const& wiring, std::vector<Snapshot> const& snapshots) {
  SnapshotBatch result{&wiring, static_cast<std::uint32_t>(snapshots.size()), {}};
  result.latency_ns.reserve(snapshots.size() * wiring.link.size());
  for (Snapshot const& snapshot : snapshots) {
    for (std::uint32_t const link : wiring.link) {
      result.latency_ns.push_back(link == Wiring::no_link ? unreachable : snapshot.latency_ns[link]);
    }
  }
  return result;
}

SnapshotBatch part(SnapshotBatch const& batch, std::uint32_t first, std::uint32_t count) {
  std::size_t const links = batch.wiring->link.size();
  auto const begin = batch.latency_ns.begin() + static_cast<std::ptrdiff_t>(first * links);
  return {batch.wiring, count, {begin, begin + static_cast<std::ptrdiff_t>(count * links)}};
}

}  // namespace spacemoe
