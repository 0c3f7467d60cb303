#include "host/network/network.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "host/errors.hpp"
#include "host/network/link_geometry.hpp"
#include "host/network/shell_pairs.hpp"
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

void remove(CrossingLink& link, Removal reason) {
  link.removal = reason;
  link.latency_ns = unreachable;
}

Link as_link(CrossingLink const& link) {
  return {link.a, link.b, LinkKind::inter_shell};
}

/// Links between shells before outages.
std::vector<CrossingLink> crossing_links(Constellation const& constellation, std::vector<State> const& state,
                                         LinkRules const& rules, GeometricRules const& geometric) {
  std::vector<CrossingLink> links;
  for (auto const& [a, b] : shell_pairs(constellation, state, rules.between_shells_range_km)) {
    double const length_km = link_length_km(state[index(a)], state[index(b)]);
    CrossingLink link{a, b, unreachable, Removal::none, length_km};
    link.removal = geometric.removal(LinkKind::inter_shell, state[index(a)], state[index(b)], length_km);
    if (link.removal == Removal::none) link.latency_ns = latency_ns(as_link(link), length_km, rules);
    links.push_back(link);
  }
  return links;
}

/// Entries of a batch per snapshot.
std::size_t ports(Wiring const& wiring) {
  return std::size_t{wiring.degree} * wiring.nodes;
}
std::size_t crossing_ports(Wiring const& wiring) {
  return wiring.has_crossing_port ? wiring.nodes : 0;
}

/// Writes links between shells to the last port of a snapshot: `latency_ns` and `neighbor` are [node].
void attach_crossing(Snapshot const& snapshot, Nanoseconds* latency_ns, std::uint32_t* neighbor) {
  for (CrossingLink const& link : snapshot.crossing) {
    if (link.removal != Removal::none) continue;
    auto const a = static_cast<std::uint32_t>(link.a);
    auto const b = static_cast<std::uint32_t>(link.b);
    neighbor[a] = b;
    neighbor[b] = a;
    latency_ns[a] = latency_ns[b] = link.latency_ns;
  }
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
  if (wiring_.has_crossing_port) snapshot.crossing = crossing_links(constellation_, state, rules_, geometric);
  return snapshot;
}

Snapshot Network::snapshot(std::uint32_t slot, double time_s, Purpose outages) const {
  bool const listed = constellation_.shells.empty();
  Snapshot snapshot = listed ? Snapshot{listed_ns_, std::vector(listed_ns_.size(), Removal::none), {}, {}}
                             : geometric_snapshot(time_s);
  auto const threshold = static_cast<std::uint64_t>(std::round(rules_.survival * 0x1p32));
  for (std::size_t i = 0; i < wiring_.links.size(); ++i) {
    if (snapshot.removal[i] != Removal::none) continue;
    if (!survives(seed_, outages, wiring_.links[i], slot, threshold)) remove(snapshot, i, Removal::outage);
  }
  for (CrossingLink& link : snapshot.crossing) {
    if (link.removal != Removal::none) continue;
    if (!survives(seed_, outages, as_link(link), slot, threshold)) remove(link, Removal::outage);
  }
  return snapshot;
}

SlotLinks SnapshotBatch::slot(std::uint32_t snapshot) const {
  std::size_t const all = ports(*wiring);
  std::size_t const crossing_all = crossing_ports(*wiring);
  return {wiring, std::span(latency_ns).subspan(snapshot * all, all),
          std::span(crossing).subspan(snapshot * crossing_all, crossing_all)};
}

SnapshotBatch batch(Wiring const& wiring, std::vector<Snapshot> const& snapshots) {
  SnapshotBatch result{&wiring, static_cast<std::uint32_t>(snapshots.size())};
  result.latency_ns.reserve(snapshots.size() * ports(wiring));
  for (Snapshot const& snapshot : snapshots) {
    for (std::uint32_t const link : wiring.link) {
      result.latency_ns.push_back(link == Wiring::no_link ? unreachable : snapshot.latency_ns[link]);
    }
    if (!wiring.has_crossing_port) continue;
    for (std::uint32_t node = 0; node < wiring.nodes; ++node) result.crossing.push_back(node);
    attach_crossing(snapshot, result.latency_ns.data() + result.latency_ns.size() - wiring.nodes,
                    result.crossing.data() + result.crossing.size() - wiring.nodes);
  }
  return result;
}

SnapshotBatch part(SnapshotBatch const& batch, std::uint32_t first, std::uint32_t count) {
  auto const cut = [&](auto const& all, std::size_t per_snapshot) {
    auto const begin = all.begin() + static_cast<std::ptrdiff_t>(first * per_snapshot);
    return std::vector(begin, begin + static_cast<std::ptrdiff_t>(count * per_snapshot));
  };
  return {batch.wiring, count, cut(batch.latency_ns, ports(*batch.wiring)),
          cut(batch.crossing, crossing_ports(*batch.wiring))};
}

void append(SnapshotBatch& batch, SnapshotBatch const& other) {
  batch.snapshots += other.snapshots;
  batch.latency_ns.insert(batch.latency_ns.end(), other.latency_ns.begin(), other.latency_ns.end());
  batch.crossing.insert(batch.crossing.end(), other.crossing.begin(), other.crossing.end());
}

}  // namespace spacemoe
