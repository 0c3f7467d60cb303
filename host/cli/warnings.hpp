#pragma once

#include <string>
#include <vector>

#include "host/evaluation/network_survey.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// A sentence for every choice that is allowed but unusual, and what it does.
std::vector<std::string> warnings(Scenario const& scenario, NetworkSurvey const& network,
                                  PathSurvey const& paths);

}  // namespace spacemoe
