#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "host/constellation/constellation.hpp"
#include "host/network/link_rules.hpp"
#include "host/satellite_id.hpp"
#include "kernels/draw.hpp"
#include "kernels/latency.hpp"

namespace spacemoe {

enum class LinkKind : std::uint8_t { intra_plane, inter_plane, seam, inter_shell, listed };
inline constexpr std::size_t link_kinds = 5;

struct Link {
  SatelliteId a;
  SatelliteId b;  ///< a < b; every pair appears once
  LinkKind kind;
};

/// Shape of a shell's wiring: planes, each a ring of satellites, linked in a row or in a circle. Satellite =
/// first + plane * satellites_per_plane + slot.
struct RingGrid {
  // Ports of every +Grid.
  static constexpr std::uint32_t next_in_plane = 0;
  static constexpr std::uint32_t previous_in_plane = 1;
  static constexpr std::uint32_t next_plane = 2;
  static constexpr std::uint32_t previous_plane = 3;

  std::uint32_t first = 0;
  std::uint32_t planes = 0;
  std::uint32_t satellites_per_plane = 0;
  /// [plane]: slots of a plane are linked to slot + offset (modulo satellites_per_plane) of the next; the
  /// last plane has no entry where the seam is cut.
  std::vector<std::uint32_t> slot_offset;
};

/// Which satellites are wired to which; the same in every slot. Links that rules or outages remove in a slot
/// keep their place here. Links between shells, whose ends change from slot to slot, are no part of it.
struct Wiring {
  std::uint32_t nodes = 0;
  std::vector<Link> links;

  // The same links as a neighbour table. Missing ports name the node itself and no_link. A +Grid has the four
  // ports of RingGrid.
  std::uint32_t degree = 0;
  std::vector<std::uint32_t> neighbor;  ///< [port][node]
  std::vector<std::uint32_t> link;      ///< [port][node]: index into links

  /// [shell]: together all nodes and links of a network of shells; empty when it was listed.
  std::vector<RingGrid> grids;

  /// Whether the last port is for links between shells; missing here, since each slot has its own neighbours.
  bool has_crossing_port = false;

  static constexpr std::uint32_t no_link = 0xffffffff;
};

/// A link of a network given as a list: `a,b,latency_ms`.
struct ListedLink {
  SatelliteId a;
  SatelliteId b;
  Nanoseconds latency_ns;

  bool operator==(ListedLink const&) const = default;
};

/// Why a link is not there in a slot; the first rule that applies, in this order.
enum class Removal : std::uint8_t { none, latitude, line_of_sight, range, pointing, outage, damage };
inline constexpr std::size_t removals = 7;

/// A link between two shells in one slot.
struct CrossingLink {
  SatelliteId a;
  SatelliteId b;           ///< a < b
  Nanoseconds latency_ns;  ///< `unreachable` where removed
  Removal removal;
  double length_km;

  bool operator==(CrossingLink const&) const = default;
};

/// All links in one slot.
struct Snapshot {
  std::vector<Nanoseconds> latency_ns;  ///< [link], `unreachable` where removed
  std::vector<Removal> removal;         ///< [link]
  std::vector<double> length_km;        ///< [link]; empty for a listed network
  std::vector<CrossingLink> crossing;   ///< by a; a satellite has one at most
};

/// The network over time: +Grid wiring of every shell, link rules and outages; or a listed graph with
/// outages.
class Network {
 public:
  /// Throws std::invalid_argument for a seam across a star that the rules do not insist on.
  Network(Constellation constellation, LinkRules rules, Seed seed);
  /// `nodes` is one more than the greatest id. Links are undirected; duplicates, self-links and latencies
  /// outside [1, unreachable - 1] ns throw std::invalid_argument. They are wired in order of (a, b).
  Network(std::uint32_t nodes, std::vector<ListedLink> links, LinkRules rules, Seed seed);

  Wiring const& wiring() const { return wiring_; }
  Constellation const& constellation() const { return constellation_; }  ///< without shells when listed

  /// How much longer a hop takes [ns] when links lose a share of their rate; `unreachable` when they lose all
  /// of it. Throws ScenarioError when it takes 2^31 - 1 ns or more otherwise.
  Nanoseconds more_serialisation_ns(double lost_share) const;

  /// Links at a time [s]. Outages of `slot` are drawn by the address (a, b, slot) of `outages`
  /// (Purpose::evaluation_outage or Purpose::planning_outage). Throws ScenarioError when a surviving link
  /// takes 2^31 - 1 ns (`unreachable`) or more.
  Snapshot snapshot(std::uint32_t slot, double time_s, Purpose outages) const;

 private:
  Snapshot geometric_snapshot(double time_s) const;

  Constellation constellation_;
  LinkRules rules_;
  Seed seed_;
  Wiring wiring_;
  std::vector<Nanoseconds> listed_ns_;  ///< [link] of a listed network
};

/// The links of one slot, port by port.
struct SlotLinks {
  Wiring const* wiring;
  std::span<Nanoseconds const> latency_ns;  ///< [port][node], `unreachable` where there is no link
  std::span<std::uint32_t const> crossing;  ///< [node]: neighbour at the crossing port; empty without one

  /// Neighbours at a port in this slot [node]; the node itself where there is no link.
  std::uint32_t const* neighbors(std::uint32_t port) const {
    if (wiring->has_crossing_port && port + 1 == wiring->degree) return crossing.data();
    return wiring->neighbor.data() + std::size_t{port} * wiring->nodes;
  }
};

/// Links of several slots as the backends take them: one neighbour table but for links between shells,
/// latencies per slot.
struct SnapshotBatch {
  Wiring const* wiring = nullptr;
  std::uint32_t snapshots = 0;
  std::vector<Nanoseconds> latency_ns = {};  ///< [snapshot][port][node], `unreachable` where there is no link
  /// [snapshot][node]: neighbour at the crossing port, the node itself where there is none; empty without
  /// such a port.
  std::vector<std::uint32_t> crossing = {};

  SlotLinks slot(std::uint32_t snapshot) const;
};

SnapshotBatch batch(Wiring const& wiring, std::vector<Snapshot> const& snapshots);

/// Snapshots [first, first + count) of a batch.
SnapshotBatch part(SnapshotBatch const& batch, std::uint32_t first, std::uint32_t count);

/// Adds the snapshots of another batch of the same wiring behind those of a batch.
void append(SnapshotBatch& batch, SnapshotBatch const& other);

/// Connected component of every node [node], named by its least node.
std::vector<std::uint32_t> components(SlotLinks const& links);

/// Number of connected components of the surviving links.
std::uint32_t connected_components(Wiring const& wiring, Snapshot const& snapshot);

/// Counts and ranges of one kind of link in one slot, for `describe`.
struct LinkStatistics {
  std::uint32_t links = 0;                        ///< surviving
  std::array<std::uint32_t, removals> removed{};  ///< by reason
  double min_km = 0, mean_km = 0, max_km = 0;     ///< of surviving links; 0 for a listed network
  double min_ms = 0, mean_ms = 0, max_ms = 0;
};

std::array<LinkStatistics, link_kinds> link_statistics(Wiring const& wiring, Snapshot const& snapshot);

}  // namespace spacemoe
