#include "host/cpu/path_methods.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "host/cpu/relaxation.hpp"
#include "host/cpu/ring_sweep.hpp"
#include "host/errors.hpp"
#include "host/simd.hpp"

namespace spacemoe {
namespace {

SPACEMOE_BODY Nanoseconds greatest_finite(std::span<Nanoseconds const> latencies) {
  // One more than `unreachable` is the least of all signed numbers.
  std::int32_t one_more = 1;
  for (Nanoseconds const latency : latencies) {
    one_more = std::max(one_more, static_cast<std::int32_t>(latency + 1));
  }
  return static_cast<Nanoseconds>(one_more - 1);
}

/// Whether no latency of a block can have saturated; quick, but may miss it.
SPACEMOE_BODY bool is_far_from_saturated(PathBlock const& block, std::uint32_t lanes) {
  std::uint32_t const nodes = block.links.wiring->nodes;
  Nanoseconds greatest = 0;
  for (std::size_t node = 0; node < nodes; ++node) greatest = std::max(greatest, block.rows[node * lanes]);
  // From any node to any other by way of the first source.
  if (greatest < unreachable / 2) return true;
  std::span<Nanoseconds const> const rows(block.rows, std::size_t{nodes} * lanes);
  return greatest_finite(rows) + greatest_finite(block.links.latency_ns) < unreachable;
}

/// Finds the paths; returns whether none can have saturated.
template <std::uint32_t bytes>
SPACEMOE_BODY bool find_in_lanes(PathPlan const& plan, PathBlock const& block) {
  if (plan.method == PathMethod::ring_sweep) {
    if (plan.lanes == 16) {
      sweep_rings<bytes, 16>(block);
    } else {
      sweep_rings<bytes, 32>(block);
    }
  } else if (plan.lanes == 16) {
    Relaxation<bytes, 16>(block).run();
  } else {
    Relaxation<bytes, 64>(block).run();
  }
  return is_far_from_saturated(block, plan.lanes);
}

#if defined(SPACEMOE_SIMD_X86)
SPACEMOE_AVX512 bool find_avx512(PathPlan const& plan, PathBlock const& block) {
  return find_in_lanes<64>(plan, block);
}
SPACEMOE_AVX2 bool find_avx2(PathPlan const& plan, PathBlock const& block) {
  return find_in_lanes<32>(plan, block);
}
#endif

bool find_with(InstructionSet set, PathPlan const& plan, PathBlock const& block) {
#if defined(SPACEMOE_SIMD_X86)
  if (set == InstructionSet::avx512) return find_avx512(plan, block);
  if (set == InstructionSet::avx2) return find_avx2(plan, block);
#endif
  return find_in_lanes<16>(plan, block);
}

/// After the fixpoint an unreachable node with a finite live neighbour is one whose latency does not fit.
std::optional<std::size_t> saturated_node(PathBlock const& block, std::uint32_t lanes) {
  Wiring const& wiring = *block.links.wiring;
  for (std::uint32_t port = 0; port < wiring.degree; ++port) {
    Nanoseconds const* const link_ns = block.link_ns(port, 0);
    std::uint32_t const* const neighbors = block.links.neighbors(port);
    for (std::size_t node = 0; node < wiring.nodes; ++node) {
      if (link_ns[node] == unreachable) continue;
      Nanoseconds const* const own = block.rows + node * lanes;
      Nanoseconds const* const neighbor = block.rows + std::size_t{neighbors[node]} * lanes;
      bool saturated = false;
      for (std::uint32_t lane = 0; lane < lanes; ++lane) {
        saturated |= own[lane] == unreachable && neighbor[lane] != unreachable;
      }
      if (saturated) return node;
    }
  }
  return std::nullopt;
}

}  // namespace

PathPlan path_plan(Wiring const& wiring, std::size_t sources) {
  if (wiring.grids.empty()) return {PathMethod::relaxation, sources <= 32 ? 16u : 64u};
  // Links between shells make a block take more sweeps, and more lanes share them.
  std::size_t const few = wiring.has_crossing_port ? 16 : 64;
  return {PathMethod::ring_sweep, sources <= few ? 16u : 32u};
}

void find_paths(PathPlan const& plan, PathBlock const& block) {
  if (find_with(instruction_set(), plan, block)) return;
  if (auto const node = saturated_node(block, plan.lanes)) {
    throw SaturationError("the path latency to satellite " + std::to_string(*node) +
                          " reaches 2^31 ns (2.1 s), more than a path may take");
  }
}

}  // namespace spacemoe
