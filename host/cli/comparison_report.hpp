#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "host/evaluation/scenario.hpp"
#include "host/search/comparison.hpp"

namespace spacemoe {

/// A placement of a result.
struct PlacementOrigin {
  std::filesystem::path file;
  std::string strategy;
  std::size_t number = 0;  ///< among the strategy's placements
  std::size_t count = 1;   ///< how many it has
};

/// The two that are compared.
struct PlacementOrigins {
  PlacementOrigin a;
  PlacementOrigin b;
};

/// Latencies and losses of a and b with their differences.
void print_latencies(std::ostream& out, Comparison const& comparison);
nlohmann::ordered_json json_of(Comparison const& comparison);
nlohmann::ordered_json json_of(Estimate const& estimate);

void print_table(std::ostream& out, Scenario const& scenario, PlacementOrigins const& origins,
                 Comparison const& comparison);
void print_json(std::ostream& out, Scenario const& scenario, PlacementOrigins const& origins,
                Comparison const& comparison);

}  // namespace spacemoe
