#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/errors.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/io/table_reader.hpp"

namespace spacemoe {

/// A file of placements, and the keys or options that name it, of which complaints are made.
struct PlacementFile {
  std::filesystem::path file;           ///< a result (.h5), or TOML as of read_placement_table()
  std::optional<std::string> strategy;  ///< whose placements of a result; see placed_strategy()
  std::string where;
  std::string strategy_where;
};

/// The placements of a file for a scenario whose network, model and limits are read. Complains of what does
/// not fit.
std::vector<Placement> read_placement_file(PlacementFile const& named, Scenario const& scenario,
                                           std::vector<Complaint>& complaints);

/// `gateways` [layer] and `hosts` [layer][expert] of a table, with `replicas` (rows of layer, expert,
/// satellite) and `spares` (rows of layer, satellite) where there are any. Complains of what does not fit.
std::optional<Placement> read_placement_table(TableReader& table, Scenario const& scenario);

}  // namespace spacemoe
