#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <unistd.h>

#include "host/errors.hpp"
#include "host/io/scenario_file.hpp"

namespace spacemoe::test {

/// Tests that write scenarios into a folder of their own.
class ScenarioFolder : public ::testing::Test {
 protected:
  ScenarioFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "spacemoe-scenario-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = path;
  }
  ~ScenarioFolder() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(std::string const& name, std::string_view text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  Scenario load(std::string_view text, ScenarioOverrides const& overrides = {}) const {
    return load_scenario(write("scenario.toml", text), overrides);
  }

  /// The complaints about a scenario, one per line, paths relative to the folder; empty when there are none.
  std::string complaints(std::string_view text, ScenarioOverrides const& overrides = {}) const {
    return complaints_about(write("scenario.toml", text), overrides);
  }

  std::string complaints_about(std::filesystem::path const& file,
                               ScenarioOverrides const& overrides = {}) const {
    try {
      load_scenario(file, overrides);
      return "";
    } catch (ScenarioError const& error) {
      return without_folder(error.what());
    }
  }

  std::filesystem::path const& folder() const { return folder_; }

  /// Text with paths relative to the folder.
  std::string without_folder(std::string text) const {
    std::string const prefix = folder_.string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    return text;
  }

 private:
  std::filesystem::path folder_;
};

/// A sound scenario: 48 satellites, 2 layers of 4 experts. Line numbers matter to tests.
inline constexpr std::string_view base_scenario = R"(title = "base"
[[shell]]
altitude_km = 550
inclination_deg = 53
planes = 6
satellites_per_plane = 8
[time]
slots = 2
[model]
moe_layers = 2
experts = 4
top_k = 2
hidden_size = 64
expert_size = 128
[compute]
rate_flop_s = 1e9
[placement]
strategies = ["spacemoe"]
)";

/// The shell of `base_scenario`.
inline constexpr std::string_view base_shell = base_scenario.substr(
    base_scenario.find("[[shell]]"), base_scenario.find("[time]") - base_scenario.find("[[shell]]"));

/// A sound scenario on listed links, given in edges.csv.
inline constexpr std::string_view edges_scenario = R"(network = "edges"
edges = "edges.csv"
[time]
slots = 2
[model]
moe_layers = 2
experts = 2
top_k = 1
hidden_size = 64
expert_size = 128
[compute]
rate_flop_s = 1e9
[placement]
strategies = ["rand-place"]
)";

inline constexpr std::string_view edges_csv =
    "a,b,latency_ms\n0,1,1.5\n1,2,2\n2,3,0.25\n3,4,1\n4,5,1\n5,0,1\n";

/// `text` with the only occurrence of `old` replaced.
inline std::string with(std::string_view text, std::string_view old, std::string_view replacement) {
  std::string changed(text);
  auto const at = changed.find(old);
  if (at == std::string::npos || changed.find(old, at + 1) != std::string::npos) {
    throw std::logic_error("not exactly once in the scenario: " + std::string(old));
  }
  return changed.replace(at, old.size(), replacement);
}

/// `base_scenario` with a replacement.
inline std::string base_with(std::string_view old, std::string_view replacement) {
  return with(base_scenario, old, replacement);
}

/// `base_scenario` with lines added at the end.
inline std::string base_and(std::string_view lines) {
  return std::string(base_scenario) + std::string(lines);
}

}  // namespace spacemoe::test
