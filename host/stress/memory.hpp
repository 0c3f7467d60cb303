#pragma once

#include "host/evaluation/scenario.hpp"
#include "host/stress/stress.hpp"

namespace spacemoe {

/// Peak memory [bytes] of a stress test, as documented in README.md.
double stress_bytes(Scenario const& scenario, StressOptions const& options);

}  // namespace spacemoe
