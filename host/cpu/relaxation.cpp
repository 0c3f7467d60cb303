#include "host/cpu/relaxation.hpp"

#include <algorithm>
#include <string>

#include "host/cpu/path_table.hpp"
#include "host/errors.hpp"

namespace spacemoe {
namespace {

/// Offers a node every neighbour's latency plus the link; true when a lane improved.
bool relax_node(Wiring const& wiring, Nanoseconds const* link_ns, std::uint32_t node, Nanoseconds* rows) {
  Nanoseconds best[lanes];
  Nanoseconds* const own = rows + static_cast<std::size_t>(node) * lanes;
  std::copy_n(own, lanes, best);
  for (std::uint32_t port = 0; port < wiring.degree; ++port) {
    std::size_t const entry = static_cast<std::size_t>(port) * wiring.nodes + node;
    Nanoseconds const* const neighbor = rows + static_cast<std::size_t>(wiring.neighbor[entry]) * lanes;
    Nanoseconds const link = link_ns[entry];
    for (std::uint32_t lane = 0; lane < lanes; ++lane) best[lane] = relax(best[lane], neighbor[lane], link);
  }
  Nanoseconds changed = 0;
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    changed |= best[lane] ^ own[lane];
    own[lane] = best[lane];
  }
  return changed != 0;
}

/// After the fixpoint an unreachable node with a finite live neighbour is one whose latency does not fit.
void refuse_saturation(Wiring const& wiring, std::span<Nanoseconds const> link_ns,
                       std::span<Nanoseconds const> rows) {
  for (std::size_t entry = 0; entry < link_ns.size(); ++entry) {
    if (link_ns[entry] == unreachable) continue;
    std::size_t const node = entry % wiring.nodes;
    Nanoseconds const* const own = &rows[node * lanes];
    Nanoseconds const* const neighbor = &rows[static_cast<std::size_t>(wiring.neighbor[entry]) * lanes];
    bool saturated = false;
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      saturated |= own[lane] == unreachable && neighbor[lane] != unreachable;
    }
    if (saturated) {
      throw BackendError("the path latency to satellite " + std::to_string(node) +
                         " reaches 2^31 ns (2.1 s), more than a path may take");
    }
  }
}

}  // namespace

void relax_block(Wiring const& wiring, std::span<Nanoseconds const> link_ns,
                 std::span<SatelliteId const> sources, std::span<Nanoseconds> rows) {
  std::ranges::fill(rows, unreachable);
  for (std::size_t lane = 0; lane < sources.size(); ++lane) rows[index(sources[lane]) * lanes + lane] = 0;
  for (bool changed = true, forward = true; changed; forward = !forward) {
    changed = false;
    for (std::uint32_t i = 0; i < wiring.nodes; ++i) {
      std::uint32_t const node = forward ? i : wiring.nodes - 1 - i;
      changed |= relax_node(wiring, link_ns.data(), node, rows.data());
    }
  }
  refuse_saturation(wiring, link_ns, rows);
}

}  // namespace spacemoe
