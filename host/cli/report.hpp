#pragma once

#include <iosfwd>

#include <nlohmann/json_fwd.hpp>

#include "host/evaluation/result.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

/// Adds `quantiles_ms`, the middles of their bins, and `quantile_ranges_ms`.
void add_quantiles(nlohmann::ordered_json& json, QuantileSet const& quantiles);

void print_table(std::ostream& out, Scenario const& scenario, Evaluation const& evaluation);
void print_json(std::ostream& out, Scenario const& scenario, Evaluation const& evaluation);
void print_csv(std::ostream& out, Scenario const& scenario, Evaluation const& evaluation);

}  // namespace spacemoe
