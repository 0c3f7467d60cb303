#pragma once

#include <iosfwd>

#include "host/evaluation/result.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

void print_table(std::ostream& out, Scenario const& scenario, Evaluation const& evaluation);
void print_json(std::ostream& out, Scenario const& scenario, Evaluation const& evaluation);
void print_csv(std::ostream& out, Scenario const& scenario, Evaluation const& evaluation);

}  // namespace spacemoe
