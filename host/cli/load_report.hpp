#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "host/evaluation/network_loads.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/placement/strategies.hpp"

namespace spacemoe {

/// What a placement saturates first.
struct LoadSummary {
  std::string strategy;
  double link_rate_hz;                    ///< tokens/s at which the first link or terminal saturates
  double satellite_rate_hz;               ///< tokens/s at which the first satellite saturates
  std::vector<BusyLink> links;            ///< the busiest first
  std::vector<BusySatellite> satellites;  ///< the busiest first
};

/// [strategy]; the loads are of one placement of each.
std::vector<LoadSummary> summaries(Scenario const& scenario, std::span<Strategy const> strategies,
                                   NetworkLoads const& loads);

/// What saturates first under each placement, then the busiest satellites and links of each.
void print_loads(std::ostream& out, std::vector<LoadSummary> const& loads);

/// Infinite rates become null. A busiest link is of the kind "link" or "terminal"; the other end of a
/// terminal is null.
nlohmann::ordered_json json_of(LoadSummary const& load);

}  // namespace spacemoe
