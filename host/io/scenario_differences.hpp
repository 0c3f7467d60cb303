#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace spacemoe {

/// A key in which two scenarios differ, and what each has there ("nothing" where the key is absent).
struct ScenarioDifference {
  std::string key;  ///< "shell[0].planes"
  std::string a;
  std::string b;
};

/// Where two resolved scenarios differ, by key, in what latencies depend on: everything but title, seed,
/// [search], [evaluation] and which placements are evaluated. Throws ScenarioError for what is no TOML.
std::vector<ScenarioDifference> scenario_differences(std::string const& a, std::string const& b);

}  // namespace spacemoe
