#pragma once

#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// Peak memory [bytes] of a search, as documented in README.md.
double search_bytes(Scenario const& scenario);

}  // namespace spacemoe
