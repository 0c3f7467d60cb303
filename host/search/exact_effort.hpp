#pragma once

#include <cstdint>

#include "host/search/problem.hpp"

namespace spacemoe {

/// Memory for paths from gateways whose placements are scored exactly.
inline constexpr double exact_table_bytes = 1 << 30;

/// How much of a problem is scored exactly. Depends on the problem alone, so that results do not depend on
/// the machine.
struct ExactEffort {
  std::uint32_t slots;        ///< of the problem's, evenly spread
  std::uint64_t neighbours;   ///< moves scored in a pass, at most
  std::uint64_t moves;        ///< moves scored in all descents, unless options say otherwise
  std::uint32_t final_slots;  ///< on which the result and its start are compared
};

/// So much that a pass takes about two seconds of one core, paths from `gateways` satellites take a GiB at
/// most, and all descents take a minute; shared hosts, on which drawn experts queue, take most.
ExactEffort exact_effort(SearchProblem const& problem, std::size_t gateways);

/// Slots of a draw on which a result is verified: all, or so many that 32 draws take about 20 s of one core.
std::uint32_t verification_slots(SearchProblem const& problem);

}  // namespace spacemoe
