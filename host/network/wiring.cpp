#include "host/network/wiring.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>

namespace spacemoe {
namespace {

constexpr std::uint32_t grid_degree = 4;  // and one for links between shells

Wiring unlinked(std::uint32_t nodes, std::uint32_t degree) {
  Wiring wiring;
  wiring.nodes = nodes;
  wiring.degree = degree;
  wiring.link.assign(static_cast<std::size_t>(degree) * nodes, Wiring::no_link);
  for (std::uint32_t port = 0; port < degree; ++port) {
    for (std::uint32_t node = 0; node < nodes; ++node) wiring.neighbor.push_back(node);
  }
  return wiring;
}

void attach(Wiring& wiring, std::uint32_t node, std::uint32_t port, std::uint32_t neighbor,
            std::uint32_t link) {
  std::size_t const entry = static_cast<std::size_t>(port) * wiring.nodes + node;
  wiring.neighbor[entry] = neighbor;
  wiring.link[entry] = link;
}

bool linked(Wiring const& wiring, std::uint32_t a, std::uint32_t b) {
  for (std::size_t entry = a; entry < wiring.neighbor.size(); entry += wiring.nodes) {
    if (wiring.neighbor[entry] == b) return true;
  }
  return false;
}

/// Links two satellites of a +Grid, unless they are one or linked already: in rings of 1 or 2 the next
/// satellite is also the previous one. The link leaves by a `next` port and arrives at the `previous` port
/// beside it.
void connect(Wiring& wiring, std::uint32_t from, std::uint32_t to, LinkKind kind, std::uint32_t next_port) {
  if (from == to || linked(wiring, from, to)) return;
  auto const link = static_cast<std::uint32_t>(wiring.links.size());
  wiring.links.push_back({satellite(std::min(from, to)), satellite(std::max(from, to)), kind});
  attach(wiring, from, next_port, to, link);
  attach(wiring, to, next_port + 1, from, link);
}

/// Phase of a plane in units of 1 / (2P) of a slot: whole for both phasing rules, so that comparing phase
/// differences is exact.
std::uint64_t phase_units(Shell const& shell, std::uint64_t plane) {
  if (shell.phasing_rule == PhasingRule::alternating) return plane % 2 * shell.planes;
  return 2 * plane * shell.phasing;
}

/// Slot offset in [0, S) to the satellite of plane `to` that is nearest in phase; ties to the smaller offset.
std::uint32_t nearest_phase_offset(Shell const& shell, std::uint32_t from, std::uint32_t to) {
  std::uint64_t const slot = 2 * std::uint64_t{shell.planes};
  std::uint64_t const turn = slot * shell.satellites_per_plane;
  std::uint64_t const start = (phase_units(shell, to) % turn + turn - phase_units(shell, from) % turn) % turn;
  std::uint32_t best = 0;
  std::uint64_t best_difference = turn;
  for (std::uint32_t offset = 0; offset < shell.satellites_per_plane; ++offset) {
    std::uint64_t const ahead = (start + offset * slot) % turn;
    std::uint64_t const difference = std::min(ahead, turn - ahead);
    if (difference < best_difference) {
      best = offset;
      best_difference = difference;
    }
  }
  return best;
}

/// Slot offset of the links from a plane to the next; after the last plane comes the first.
std::uint32_t slot_offset(Shell const& shell, LinkRules const& rules, std::uint32_t plane) {
  std::uint32_t const next = (plane + 1) % shell.planes;
  if (rules.inter_plane_partner == InterPlanePartner::nearest_phase) {
    return nearest_phase_offset(shell, plane, next);
  }
  bool const phased =
      next == 0 && rules.seam == Seam::wrap_phased && shell.phasing_rule == PhasingRule::walker;
  return phased ? shell.phasing % shell.satellites_per_plane : 0;
}

void connect_within_planes(Wiring& wiring, RingGrid const& grid) {
  std::uint32_t const slots = grid.satellites_per_plane;
  for (std::uint32_t plane = 0; plane < grid.planes; ++plane) {
    std::uint32_t const start = grid.first + plane * slots;
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      connect(wiring, start + slot, start + (slot + 1) % slots, LinkKind::intra_plane,
              RingGrid::next_in_plane);
    }
  }
}

RingGrid ring_grid(std::uint32_t first, Shell const& shell, LinkRules const& rules) {
  RingGrid grid{first, shell.planes, shell.satellites_per_plane, {}};
  std::uint32_t const gaps = rules.seam == Seam::cut ? shell.planes - 1 : shell.planes;
  for (std::uint32_t plane = 0; plane < gaps; ++plane) {
    grid.slot_offset.push_back(slot_offset(shell, rules, plane));
  }
  return grid;
}

void connect_planes(Wiring& wiring, RingGrid const& grid) {
  std::uint32_t const slots = grid.satellites_per_plane;
  for (std::uint32_t plane = 0; plane < grid.slot_offset.size(); ++plane) {
    std::uint32_t const next = (plane + 1) % grid.planes;
    LinkKind const kind = next == 0 ? LinkKind::seam : LinkKind::inter_plane;
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
      std::uint32_t const partner = grid.first + next * slots + (slot + grid.slot_offset[plane]) % slots;
      connect(wiring, grid.first + plane * slots + slot, partner, kind, RingGrid::next_plane);
    }
  }
}

void refuse_star_seam(Shell const& shell, LinkRules const& rules) {
  if (shell.pattern != Pattern::star || shell.planes < 2) return;
  if (rules.seam == Seam::cut || rules.star_seam) return;
  throw std::invalid_argument(
      "shell '" + shell.name +
      "' is a star: its first and last plane counter-rotate, so links across the seam are "
      "800 to 15000 km long; cut the seam, or insist with star_seam = true");
}

std::string described(ListedLink const& link) {
  return "link " + std::to_string(index(link.a)) + " - " + std::to_string(index(link.b));
}

void check_listed(std::uint32_t nodes, ListedLink const& link) {
  if (link.a == link.b) throw std::invalid_argument(described(link) + " joins a node to itself");
  if (index(link.b) >= nodes) {
    throw std::invalid_argument(described(link) + " names a node past the last, " +
                                std::to_string(nodes - 1));
  }
  if (link.latency_ns == 0 || link.latency_ns >= unreachable) {
    throw std::invalid_argument(described(link) + " takes " + std::to_string(link.latency_ns) +
                                " ns, which is outside [1, " + std::to_string(unreachable - 1) + "]");
  }
}

}  // namespace

Wiring grid_wiring(Constellation const& constellation, LinkRules const& rules) {
  std::size_t const count = satellite_count(constellation);
  if (count >= Wiring::no_link) {
    throw std::invalid_argument(std::to_string(count) +
                                " satellites are more than 32-bit ids can tell apart");
  }
  bool const crossing = rules.between_shells == BetweenShells::nearest;
  Wiring wiring = unlinked(static_cast<std::uint32_t>(count), grid_degree + (crossing ? 1 : 0));
  wiring.has_crossing_port = crossing;
  for (std::size_t i = 0; i < constellation.shells.size(); ++i) {
    Shell const& shell = constellation.shells[i];
    refuse_star_seam(shell, rules);
    auto const first = static_cast<std::uint32_t>(index(first_satellite(constellation, i)));
    RingGrid const& grid = wiring.grids.emplace_back(ring_grid(first, shell, rules));
    connect_within_planes(wiring, grid);
    connect_planes(wiring, grid);
  }
  return wiring;
}

std::vector<ListedLink> ordered_links(std::uint32_t nodes, std::vector<ListedLink> links) {
  for (ListedLink& link : links) {
    if (link.b < link.a) std::swap(link.a, link.b);
    check_listed(nodes, link);
  }
  std::sort(links.begin(), links.end(),
            [](auto const& l, auto const& r) { return std::tie(l.a, l.b) < std::tie(r.a, r.b); });
  auto const twice = std::adjacent_find(
      links.begin(), links.end(), [](auto const& l, auto const& r) { return l.a == r.a && l.b == r.b; });
  if (twice != links.end()) throw std::invalid_argument(described(*twice) + " is listed twice");
  return links;
}

Wiring listed_wiring(std::uint32_t nodes, std::vector<ListedLink> const& links) {
  std::vector<std::uint32_t> used(nodes, 0);
  for (ListedLink const& link : links) {
    ++used[index(link.a)];
    ++used[index(link.b)];
  }
  Wiring wiring = unlinked(nodes, used.empty() ? 0 : *std::max_element(used.begin(), used.end()));
  std::fill(used.begin(), used.end(), 0);
  for (ListedLink const& listed : links) {
    auto const a = static_cast<std::uint32_t>(listed.a);
    auto const b = static_cast<std::uint32_t>(listed.b);
    auto const link = static_cast<std::uint32_t>(wiring.links.size());
    wiring.links.push_back({listed.a, listed.b, LinkKind::listed});
    attach(wiring, a, used[a]++, b, link);
    attach(wiring, b, used[b]++, a, link);
  }
  return wiring;
}

}  // namespace spacemoe
