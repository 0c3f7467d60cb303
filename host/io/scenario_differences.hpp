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

/// Which keys count: all, or those that the latencies of a given placement depend on, which are all but
/// title, seed, [search], [evaluation], which placements are evaluated and what redundancy is planned.
enum class KeysCompared { all, of_latencies };

/// Where two resolved scenarios differ, by key. Throws ScenarioError for what is no TOML.
std::vector<ScenarioDifference> scenario_differences(std::string const& a, std::string const& b,
                                                     KeysCompared keys);

}  // namespace spacemoe
