#include "host/io/scenario_differences.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "host/errors.hpp"
#include "host/io/number_text.hpp"
#include "host/io/toml_document.hpp"

namespace spacemoe {
namespace {

/// Keys, and tables with all their keys, on which the latencies of a given placement do not depend.
constexpr std::array<std::string_view, 13> free_keys{"title",
                                                     "seed",
                                                     "search",
                                                     "evaluation",
                                                     "placement.file",
                                                     "placement.file_strategy",
                                                     "placement.given",
                                                     "placement.strategies",
                                                     "placement.random_placements",
                                                     "placement.replicas",
                                                     "placement.replica_places",
                                                     "placement.planned_loss",
                                                     "placement.spare_gateways"};

bool is_free(std::string_view key) {
  return std::ranges::find(free_keys, key) != free_keys.end();
}

using FlatScenario = std::map<std::string, std::string>;

void flatten(std::string const& key, TomlValue const& value, KeysCompared keys, FlatScenario& flat) {
  if (keys == KeysCompared::of_latencies && is_free(key)) return;
  if (auto const* table = value.as<TomlTable>()) {
    for (auto const& entry : table->entries) {
      flatten(key.empty() ? entry.key : key + "." + entry.key, entry.value, keys, flat);
    }
  } else if (auto const* array = value.as<TomlArray>()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      flatten(key + "[" + std::to_string(i) + "]", (*array)[i], keys, flat);
    }
  } else {
    auto const* text = value.as<std::string>();
    flat[key] = text != nullptr ? toml_string(*text) : value.description();
  }
}

FlatScenario flat_scenario(std::string const& text, KeysCompared keys) {
  std::vector<Complaint> complaints;
  auto const document = parse_toml(text, "scenario_resolved", complaints);
  if (!document) throw ScenarioError(std::move(complaints));
  FlatScenario flat;
  flatten("", *document, keys, flat);
  return flat;
}

std::string value_of(FlatScenario const& scenario, std::string const& key) {
  auto const found = scenario.find(key);
  return found == scenario.end() ? "nothing" : found->second;
}

}  // namespace

std::vector<ScenarioDifference> scenario_differences(std::string const& a, std::string const& b,
                                                     KeysCompared keys) {
  FlatScenario const flat_a = flat_scenario(a, keys);
  FlatScenario const flat_b = flat_scenario(b, keys);
  FlatScenario either = flat_a;
  either.insert(flat_b.begin(), flat_b.end());
  std::vector<ScenarioDifference> differences;
  for (auto const& [key, value] : either) {
    std::string const in_a = value_of(flat_a, key);
    std::string const in_b = value_of(flat_b, key);
    if (in_a != in_b) differences.push_back({key, in_a, in_b});
  }
  return differences;
}

}  // namespace spacemoe
