#pragma once

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// About how long a point takes [s], from a run of a small part of its slots and tokens, without the searches
/// of the strategy `refined`.
double trial_seconds(Scenario scenario, Backend& backend);

}  // namespace spacemoe
