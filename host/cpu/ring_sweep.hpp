#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/cpu/lanes.hpp"
#include "host/cpu/path_block.hpp"

namespace spacemoe {

/// Path latencies within one shell from a block of sources: crosses from plane to plane and closes each ring,
/// until no plane has anything left to offer. README.md says why that is exact, whatever the links cost.
template <std::uint32_t bytes, std::uint32_t width>
class RingSweep {
 public:
  SPACEMOE_BODY RingSweep(PathBlock const& block, RingGrid const& grid)
      : block_(block),
        grid_(grid),
        planes_(grid.planes),
        slots_(grid.satellites_per_plane),
        visited_(planes_, false),
        pending_{std::vector<bool>(planes_, false), std::vector<bool>(planes_, false)},
        entered_(planes_, false),
        crosses_(planes_, false) {}

  SPACEMOE_BODY void run() {
    std::vector<std::uint32_t> const starts = start();
    if (starts.empty()) {
      for (std::uint32_t plane = 0; plane < planes_; ++plane) clear(plane);
      visited_.assign(planes_, true);
      return;
    }
    Arc const arc = shortest_arc(starts);
    // Half of the planes outside the arc are first reached going forward, the others going backward.
    std::uint32_t const length = (arc.last + planes_ - arc.first) % planes_;
    std::uint32_t const ahead = is_circle() ? length + (planes_ - length) / 2 : planes_;
    std::uint32_t const meeting = (arc.first + ahead) % planes_;
    for (std::uint32_t pass = 0; is_pending(); ++pass) {
      Way const way = pass % 2 == 0 ? forward : backward;
      std::uint32_t const first = pass == 0 ? arc.first : pass == 1 ? arc.last : meeting;
      sweep(way, first, pass == 0 ? ahead : planes_);
    }
  }

  /// Carries on from planes that were entered from other shells.
  SPACEMOE_BODY void resume() {
    for (std::uint32_t plane = 0; plane < planes_; ++plane) {
      if (!entered_[plane]) continue;
      entered_[plane] = false;
      close_ring(plane);
      mark_changed(plane);
    }
    for (std::uint32_t pass = 0; is_pending(); ++pass) sweep(pass % 2 == 0 ? forward : backward, 0, planes_);
  }

  /// Offers what has changed to the neighbours in other shells, each of which enter(neighbor) tells of a
  /// gain; returns whether any gained.
  template <class Enter>
  SPACEMOE_BODY bool cross(Enter enter) {
    std::uint32_t const port = block_.links.wiring->degree - 1;
    std::uint32_t const* const neighbors = block_.links.neighbors(port);
    bool gained = false;
    for (std::uint32_t plane = 0; plane < planes_; ++plane) {
      if (!crosses_[plane]) continue;
      crosses_[plane] = false;
      std::uint32_t const first = grid_.first + plane * slots_;
      for (std::uint32_t node = first; node < first + slots_; ++node) {
        std::uint32_t const to = neighbors[node];
        if (to == node) continue;
        Nanoseconds* const there = block_.rows + std::size_t{to} * width;
        Row const before = Row::from(there);
        Row after = before;
        after.relax(Row::from(block_.rows + std::size_t{node} * width), *block_.link_ns(port, node));
        if (!Row::differ(before, after)) continue;
        after.store(there);
        enter(to);
        gained = true;
      }
    }
    return gained;
  }

  bool has(std::uint32_t node) const { return node - grid_.first < planes_ * slots_; }
  /// A satellite has gained from another shell.
  void enter(std::uint32_t node) { entered_[(node - grid_.first) / slots_] = true; }

 private:
  using Row = Lanes<bytes, width>;

  enum Way : std::uint8_t { forward, backward };

  /// Planes from `first` on, going forward, to `last`.
  struct Arc {
    std::uint32_t first, last;
  };

  /// All links by which a plane offers its latencies to the plane before or after it.
  struct Crossing {
    Nanoseconds const* from;
    Nanoseconds* to;
    Nanoseconds const* link;   ///< [slot of `to`]
    std::uint32_t first_slot;  ///< of `from`, linked to slot 0 of `to`
  };

  /// The links within a plane, one way round.
  struct Ring {
    Nanoseconds* rows;
    Nanoseconds const* link;  ///< [slot it leads to]
    std::uint32_t first_slot;
    std::uint32_t step;  ///< to the next slot, modulo 2^32
  };

  bool is_circle() const { return grid_.slot_offset.size() == planes_; }
  bool is_pending() const {
    return std::ranges::find(pending_[forward], true) != pending_[forward].end() ||
           std::ranges::find(pending_[backward], true) != pending_[backward].end();
  }
  std::uint32_t next(std::uint32_t plane, Way way) const {
    if (way == forward) return plane + 1 == planes_ ? 0 : plane + 1;
    return plane == 0 ? planes_ - 1 : plane - 1;
  }
  Nanoseconds* row(std::uint32_t plane, std::uint32_t slot) const {
    return block_.rows + (grid_.first + static_cast<std::size_t>(plane) * slots_ + slot) * width;
  }
  Nanoseconds const* links(std::uint32_t port, std::uint32_t plane) const {
    return block_.link_ns(port, grid_.first + plane * slots_);
  }
  Crossing crossing(std::uint32_t from, Way way) const {
    std::uint32_t const to = next(from, way);
    if (way == backward) {
      return {row(from, 0), row(to, 0), links(RingGrid::next_plane, to), grid_.slot_offset[to]};
    }
    std::uint32_t const first_slot = (slots_ - grid_.slot_offset[from]) % slots_;
    return {row(from, 0), row(to, 0), links(RingGrid::previous_plane, to), first_slot};
  }

  Ring ring_of(std::uint32_t plane, Way way) const {
    if (way == forward) return {row(plane, 0), links(RingGrid::previous_in_plane, plane), 0, 1};
    return {row(plane, 0), links(RingGrid::next_in_plane, plane), slots_ - 1, ~0u};
  }

  /// Both of a plane's neighbours are to be offered its latencies; across a cut seam there is none.
  void mark_changed(std::uint32_t plane) {
    pending_[forward][plane] = plane < grid_.slot_offset.size();
    pending_[backward][plane] = next(plane, backward) < grid_.slot_offset.size();
    crosses_[plane] = true;
  }

  SPACEMOE_BODY void clear(std::uint32_t plane) {
    Row const none = Row::all(unreachable);
    for (std::uint32_t slot = 0; slot < slots_; ++slot) none.store(row(plane, slot));
  }

  /// Latencies within the planes that have sources; returns these planes, ascending.
  SPACEMOE_BODY std::vector<std::uint32_t> start() {
    std::vector<std::uint32_t> starts;
    for (std::uint32_t lane = 0; lane < width; ++lane) {
      std::size_t const source = index(block_.sources[lane]) - grid_.first;
      if (source >= std::size_t{planes_} * slots_) continue;  // of another shell
      auto const plane = static_cast<std::uint32_t>(source / slots_);
      if (starts.empty() || starts.back() != plane) {
        clear(plane);
        starts.push_back(plane);
      }
      row(plane, static_cast<std::uint32_t>(source % slots_))[lane] = 0;
    }
    for (std::uint32_t const plane : starts) {
      close_ring(plane);
      visited_[plane] = true;
      mark_changed(plane);
    }
    return starts;
  }

  /// The arc of all planes with sources that leaves out the longest gap; in a row of planes, the seam.
  Arc shortest_arc(std::vector<std::uint32_t> const& starts) const {
    Arc arc{starts.front(), starts.back()};
    std::uint32_t longest = is_circle() ? planes_ - (arc.last - arc.first) : planes_;
    for (std::size_t i = 1; i < starts.size(); ++i) {
      if (starts[i] - starts[i - 1] <= longest) continue;
      longest = starts[i] - starts[i - 1];
      arc = {starts[i], starts[i - 1]};
    }
    return arc;
  }

  SPACEMOE_BODY void sweep(Way way, std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t plane = first; count > 0; --count, plane = next(plane, way)) {
      if (pending_[way][plane]) push(plane, way);
    }
  }

  SPACEMOE_BODY void push(std::uint32_t from, Way way) {
    std::uint32_t const to = next(from, way);
    Way const back = way == forward ? backward : forward;
    pending_[way][from] = false;
    if (!visited_[to]) {
      visit(to, crossing(from, way), row(next(to, way), 0));
      visited_[to] = true;
    } else {
      if (!offer<true>(crossing(from, way))) return;
      close_ring(to);
    }
    mark_changed(to);
    // The way back hardly ever pays; finding out now, while both planes are in the cache, saves a push.
    if (pending_[back][to] && !offer<false>(crossing(to, back))) pending_[back][to] = false;
  }

  /// First latencies of a plane: the crossing and one lap of the ring together. `ahead` is what the sweep
  /// writes next.
  SPACEMOE_BODY void visit(std::uint32_t plane, Crossing const& crossing, Nanoseconds const* ahead) {
    Ring const ring = ring_of(plane, forward);
    Row carried = Row::all(unreachable);
    std::uint32_t from_slot = crossing.first_slot;
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
      Row here = Row::all(unreachable);
      here.relax(Row::from(crossing.from + std::size_t{from_slot} * width), crossing.link[slot]);
      here.relax(carried, ring.link[slot]);
      here.store(crossing.to + std::size_t{slot} * width);
      Row::prefetch(ahead + std::size_t{slot} * width);
      carried = here;
      from_slot = from_slot + 1 == slots_ ? 0 : from_slot + 1;
    }
    carry_on(ring, carried);
    carry_around(plane, backward);
  }

  /// Whether a lane gains by a crossing; takes the gain if told to.
  template <bool take>
  SPACEMOE_BODY bool offer(Crossing const& crossing) {
    typename Row::Changes changes;
    std::uint32_t from_slot = crossing.first_slot;
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
      Row const before = Row::from(crossing.to + std::size_t{slot} * width);
      Row here = before;
      here.relax(Row::from(crossing.from + std::size_t{from_slot} * width), crossing.link[slot]);
      changes.note(before, here);
      if constexpr (take) here.store(crossing.to + std::size_t{slot} * width);
      from_slot = from_slot + 1 == slots_ ? 0 : from_slot + 1;
    }
    return changes.any();
  }

  /// Takes all ways along the ring of a plane; a shortest one never turns.
  SPACEMOE_BODY void close_ring(std::uint32_t plane) {
    carry_around(plane, forward);
    carry_around(plane, backward);
  }

  SPACEMOE_BODY void carry_around(std::uint32_t plane, Way way) {
    Ring const ring = ring_of(plane, way);
    std::uint32_t slot = ring.first_slot;
    Row carried = Row::from(ring.rows + std::size_t{slot} * width);
    for (std::uint32_t i = 1; i < slots_; ++i) {
      slot += ring.step;
      Row here = Row::from(ring.rows + std::size_t{slot} * width);
      here.relax(carried, ring.link[slot]);
      here.store(ring.rows + std::size_t{slot} * width);
      carried = here;
    }
    carry_on(ring, carried);
  }

  /// The second lap, which ends where nothing is gained.
  SPACEMOE_BODY void carry_on(Ring const& ring, Row& carried) {
    std::uint32_t slot = ring.first_slot;
    for (std::uint32_t i = 0; i < slots_; ++i) {
      Row const before = Row::from(ring.rows + std::size_t{slot} * width);
      Row here = before;
      here.relax(carried, ring.link[slot]);
      if (!Row::differ(before, here)) return;
      here.store(ring.rows + std::size_t{slot} * width);
      carried = here;
      slot += ring.step;
    }
  }

  PathBlock const& block_;
  RingGrid const& grid_;
  std::uint32_t planes_;
  std::uint32_t slots_;
  std::vector<bool> visited_;     ///< [plane]: its rows have been written
  std::vector<bool> pending_[2];  ///< [way][plane]: changed since it last made its offer that way
  std::vector<bool> entered_;     ///< [plane]: a satellite has gained from another shell, its ring is open
  std::vector<bool> crosses_;     ///< [plane]: changed since it last made its offer to other shells
};

/// Path latencies of a block in a network of shells.
template <std::uint32_t bytes, std::uint32_t width>
SPACEMOE_BODY void sweep_rings(PathBlock const& block) {
  std::vector<RingSweep<bytes, width>> shells;
  for (RingGrid const& grid : block.links.wiring->grids) shells.emplace_back(block, grid).run();
  if (!block.links.wiring->has_crossing_port) return;
  auto const enter = [&](std::uint32_t node) {
    std::ranges::find_if(shells, [node](auto const& shell) { return shell.has(node); })->enter(node);
  };
  for (bool gained = true; gained;) {
    gained = false;
    for (auto& shell : shells) {
      shell.resume();
      gained |= shell.cross(enter);
    }
  }
}

}  // namespace spacemoe
