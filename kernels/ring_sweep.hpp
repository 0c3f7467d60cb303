#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/latency.hpp"
#include "kernels/plane_rows.hpp"
#include "kernels/span.hpp"

// Path latencies within a shell: planes, each a ring of satellites, every satellite linked to one in the
// plane before and after. Latencies from one source in a plane are a Row: row[slot], with row.slots() slots.

namespace spacemoe {

/// Latencies [ns] of the links of a satellite, `unreachable` where there is none.
struct alignas(16) GridLinks {
  Nanoseconds next_in_plane;
  Nanoseconds previous_in_plane;
  Nanoseconds next_plane;
  Nanoseconds previous_plane;
};

/// From plane to plane, or from slot to slot.
enum class Way : std::uint8_t { forward, backward };

SPACEMOE_FN constexpr Way opposite(Way way) {
  return way == Way::forward ? Way::backward : Way::forward;
}

/// Shape of a shell; satellite = first + plane * slots + slot.
struct GridView {
  std::uint32_t first = 0;
  std::uint32_t planes = 0;
  std::uint32_t slots = 0;
  /// [plane]: a slot is linked to slot + offset (modulo slots) of the next plane; the last plane has no entry
  /// where the seam is cut.
  Span<std::uint32_t const> slot_offset;

  SPACEMOE_FN constexpr bool is_circle() const { return slot_offset.size() == planes; }
  SPACEMOE_FN constexpr std::uint32_t next(std::uint32_t plane, Way way) const {
    if (way == Way::forward) return plane + 1 == planes ? 0 : plane + 1;
    return plane == 0 ? planes - 1 : plane - 1;
  }
  /// Whether a plane has links that way.
  SPACEMOE_FN constexpr bool has_next(std::uint32_t plane, Way way) const {
    return (way == Way::forward ? plane : next(plane, way)) < slot_offset.size();
  }
  /// Slot of a plane that is linked to slot 0 of the next one that way.
  SPACEMOE_FN constexpr std::uint32_t first_slot(std::uint32_t plane, Way way) const {
    if (way == Way::backward) return slot_offset[next(plane, way)];
    return slot_offset[plane] == 0 ? 0 : slots - slot_offset[plane];
  }
  SPACEMOE_FN constexpr std::uint32_t node(std::uint32_t plane) const { return first + plane * slots; }
};

/// Latency of the link by which a satellite is reached from the plane before it that way.
SPACEMOE_FN constexpr Nanoseconds crossing(GridLinks links, Way way) {
  return way == Way::forward ? links.previous_plane : links.next_plane;
}

/// Latency of the link by which a satellite is reached within its plane going that way.
SPACEMOE_FN constexpr Nanoseconds step_in_plane(GridLinks const& links, Way way) {
  return way == Way::forward ? links.previous_in_plane : links.next_in_plane;
}

/// A second lap of a plane, which ends where nothing is gained; `carried` is the latency at the end of the
/// first.
template <Way way, class Row>
SPACEMOE_FN constexpr void carry_on(Row& row, GridLinks const* links, Nanoseconds carried) {
  std::uint32_t const last = row.slots() - 1;
  SPACEMOE_UNROLL
  for (std::uint32_t i = 0; i <= last; ++i) {
    std::uint32_t const slot = way == Way::forward ? i : last - i;
    Nanoseconds const here = relax(row[slot], carried, step_in_plane(links[slot], way));
    if (here == row[slot]) return;
    row[slot] = carried = here;
  }
}

/// Takes all ways around a plane that go one way.
template <Way way, class Row>
SPACEMOE_FN constexpr void carry_around(Row& row, GridLinks const* links) {
  std::uint32_t const last = row.slots() - 1;
  Nanoseconds carried = row[way == Way::forward ? 0 : last];
  SPACEMOE_UNROLL
  for (std::uint32_t i = 1; i <= last; ++i) {
    std::uint32_t const slot = way == Way::forward ? i : last - i;
    carried = relax(row[slot], carried, step_in_plane(links[slot], way));
    row[slot] = carried;
  }
  carry_on<way>(row, links, carried);
}

/// Takes all ways around a plane; a shortest one never turns.
template <class Row>
SPACEMOE_FN constexpr void close_ring(Row& row, GridLinks const* links) {
  carry_around<Way::forward>(row, links);
  carry_around<Way::backward>(row, links);
}

/// Latencies in the plane that is entered from the one before it that way, whose latencies `row` holds at the
/// slots they lead to. Where `starting`, `row` holds latencies of the plane itself.
template <class Row>
SPACEMOE_FN constexpr void enter_plane(Row& row, GridLinks const* links, Way way, bool starting) {
  Nanoseconds carried = unreachable;
  SPACEMOE_UNROLL
  for (std::uint32_t slot = 0; slot < row.slots(); ++slot) {
    GridLinks const link = links[slot];
    Nanoseconds const crossed = relax(unreachable, row[slot], starting ? 0 : crossing(link, way));
    carried = relax(crossed, carried, link.previous_in_plane);
    row[slot] = carried;
  }
  carry_on<Way::forward>(row, links, carried);
  carry_around<Way::backward>(row, links);
}

/// Offers the latencies of a plane to the one after it that way, whose links are given; slot `first_slot`
/// leads to slot 0. Returns whether any slot gains.
template <class Row>
SPACEMOE_FN constexpr bool offer(StridedRow from, std::uint32_t first_slot, Row& to, GridLinks const* links,
                                 Way way) {
  bool gained = false;
  Nanoseconds const* const first = from.first();
  Nanoseconds const* const end = first + to.slots() * from.stride();
  Nanoseconds const* here = first + first_slot * from.stride();
  SPACEMOE_UNROLL
  for (std::uint32_t slot = 0; slot < to.slots(); ++slot) {
    Nanoseconds const after = relax(to[slot], *here, crossing(links[slot], way));
    gained |= after < to[slot];
    to[slot] = after;
    here += from.stride();
    if (here == end) here = first;
  }
  return gained;
}

/// Whether a plane, whose links are given, would gain from the plane after it that way; slot `first_slot` of
/// it leads to slot 0 of that plane, `next`. `plane` holds its latencies from `first_slot` on.
template <class Row>
SPACEMOE_FN constexpr bool gains_from_next(Row& plane, GridLinks const* links, std::uint32_t first_slot,
                                           Row& next, Way way) {
  bool gains = false;
  auto const look = [&](std::uint32_t slot, GridLinks link) {
    gains |= next[slot] + crossing(link, opposite(way)) < plane[slot];
  };
  if (first_slot == 0) {  // nearly always, and then no address depends on anything but the slot
    SPACEMOE_UNROLL
    for (std::uint32_t slot = 0; slot < plane.slots(); ++slot) look(slot, links[slot]);
    return gains;
  }
  GridLinks const* link = links + first_slot;
  SPACEMOE_UNROLL
  for (std::uint32_t slot = 0; slot < plane.slots(); ++slot) {
    look(slot, *link);
    if (++link == links + plane.slots()) link = links;
  }
  return gains;
}

/// The greatest finite latency of a plane, or 0.
template <class Row>
SPACEMOE_FN constexpr Nanoseconds greatest_finite(Row& row) {
  Nanoseconds greatest = 0;
  SPACEMOE_UNROLL
  for (std::uint32_t slot = 0; slot < row.slots(); ++slot) greatest = greater_finite(greatest, row[slot]);
  return greatest;
}

}  // namespace spacemoe
