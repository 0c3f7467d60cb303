#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "host/search/search.hpp"

namespace spacemoe {

/// Writes where a search is, with the resolved scenario that it belongs to, as JSON; the file is whole or
/// untouched. Throws OutputError.
void write_checkpoint(std::filesystem::path const& file, std::string const& resolved_scenario, bool timed,
                      SearchState const& state);

/// Reads it back; nothing where there is no such file. Throws ScenarioError when the file is damaged, or
/// belongs to another scenario or to a search that ends otherwise, saying where the two differ.
std::optional<SearchState> read_checkpoint(std::filesystem::path const& file,
                                           std::string const& resolved_scenario, bool timed);

}  // namespace spacemoe
