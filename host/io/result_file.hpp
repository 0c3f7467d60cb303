#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "host/evaluation/result.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/search/record.hpp"

namespace spacemoe {

/// How a result came about.
struct Provenance {
  std::string command_line;
  SearchRecord const* search = nullptr;  ///< the search that led to it, if any
};

/// Writes an evaluation as HDF5 (data dictionary in README.md): beside the target, flushed, then renamed, so
/// that the target is complete or untouched. Throws OutputError.
void write_result(std::filesystem::path const& file, Scenario const& scenario,
                  std::string const& resolved_scenario, Evaluation const& evaluation,
                  Provenance const& provenance);

/// The scenario of a result as TOML, with every default spelt out. Throws ScenarioError.
std::string resolved_scenario(std::filesystem::path const& file);

/// The strategy whose placements of a result are meant: the one that is named, or else the only one, or else
/// `refined`. Throws ScenarioError where that leaves a choice.
std::string placed_strategy(std::filesystem::path const& file, std::optional<std::string> const& named);

/// Reads the placements of one strategy back from a result. Throws ScenarioError.
std::vector<Placement> read_placements(std::filesystem::path const& file, std::string const& strategy);

/// SHA-256 (hexadecimal) of the payload of an HDF5 file: names, types, shapes and decoded values of all
/// datasets and attributes whose names do not begin with `provenance_` or `timing_`. Throws ScenarioError.
std::string payload_digest(std::filesystem::path const& file);

}  // namespace spacemoe
