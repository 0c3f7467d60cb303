#pragma once

#include <iosfwd>

#include "host/evaluation/scenario.hpp"
#include "host/stress/stress.hpp"

namespace spacemoe {

void print_table(std::ostream& out, Scenario const& scenario, Stress const& stress);

}  // namespace spacemoe
