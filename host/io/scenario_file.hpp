#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/evaluation/scenario.hpp"
#include "host/io/placement_file.hpp"
#include "host/io/toml_document.hpp"

namespace spacemoe {

/// Values of the command line that replace those of the file before it is checked.
struct ScenarioOverrides {
  std::optional<std::vector<std::string>> strategies;
  std::optional<std::uint64_t> tokens;
  std::optional<std::uint64_t> seed;
  std::optional<PlacementFile> placements =
      {};  ///< for the strategy "file", which they add where it is missing
  std::optional<std::uint64_t> replicas = {};        ///< of every expert, 0 to 64, instead of any in the file
  std::optional<std::uint64_t> spare_gateways = {};  ///< of every layer, 0 to 64
  std::string strategies_option = "--strategies";    ///< what the command line calls `strategies`
};

/// Reads and checks a scenario. Throws ScenarioError with every complaint at once, each with file:line and
/// key. Files that it names are relative to the folder of the file that names them.
Scenario load_scenario(std::filesystem::path const& file, ScenarioOverrides const& overrides = {});

/// The same from text that is in memory; `file` is what complaints call it.
Scenario parse_scenario(std::string text, std::filesystem::path const& file,
                        ScenarioOverrides const& overrides = {});

/// The same from a document that is parsed, with complaints added to those that are there; its `given_text`
/// is empty.
std::optional<Scenario> read_scenario(TomlValue const& document, ScenarioOverrides const& overrides,
                                      std::vector<Complaint>& complaints);

/// The scenario with every default spelt out and every file it names included, as TOML that load_scenario
/// takes back to the same scenario (listed links and rates per satellite inline).
std::string resolved_text(Scenario const& scenario);

}  // namespace spacemoe
