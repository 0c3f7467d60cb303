#pragma once

#include <iosfwd>

#include "host/evaluation/scenario.hpp"
#include "host/search/record.hpp"

namespace spacemoe {

void print_table(std::ostream& out, Scenario const& scenario, SearchRecord const& record);
void print_json(std::ostream& out, Scenario const& scenario, SearchRecord const& record);

}  // namespace spacemoe
