#pragma once

#include <array>
#include <cstdint>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/network/network.hpp"

namespace spacemoe {

/// What the links of a scenario look like.
struct NetworkSurvey {
  std::array<LinkStatistics, link_kinds> first_slot{};       ///< by kind, at slot 0
  std::uint32_t components = 0;                              ///< at slot 0
  std::array<std::uint64_t, removals> removed_over_slots{};  ///< by reason, over all slots
  std::uint64_t links_over_slots = 0;                        ///< wired links times slots
  double grazing_altitude_km = 0;                            ///< least altitude of any live link at slot 0
};

/// Path latencies at slot 0 over all ordered pairs of different satellites, or from evenly spread sources
/// only where all pairs would be too many.
struct PathSurvey {
  std::uint32_t sources = 0;
  double mean_ms = 0;
  double max_ms = 0;
  double unreachable = 0;  ///< share of pairs
};

NetworkSurvey survey_network(Scenario const& scenario);
PathSurvey survey_paths(Scenario const& scenario, Backend& backend);

}  // namespace spacemoe
