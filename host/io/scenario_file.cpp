#include "host/io/scenario_file.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "host/io/scenario_sections.hpp"
#include "host/io/text_files.hpp"

namespace spacemoe {
namespace {

void read_seed(TableReader& root, ScenarioOverrides const& overrides, Scenario& scenario) {
  constexpr std::uint64_t most = INT64_MAX;  // what TOML can write down again
  if (!overrides.seed) {
    scenario.seed.value = root.integer("seed", 0, most).value_or(1);
    return;
  }
  root.find("seed");
  scenario.seed.value = *overrides.seed;
  if (*overrides.seed > most) {
    root.complaints().push_back({"--seed", std::to_string(*overrides.seed) + " is out of range",
                                 "give an integer from 0 to " + std::to_string(most)});
  }
}

void read_sections(TableReader& root, ScenarioOverrides const& overrides, Scenario& scenario) {
  Readiness ready;
  scenario.title = root.label("title").value_or("");
  read_seed(root, overrides, scenario);
  read_network(root, ready, scenario);
  read_model(root, ready, scenario);
  read_links(root, ready, scenario);
  read_time(root, ready, scenario);
  read_damage(root, ready, scenario);
  read_activation(root, ready, scenario);
  read_placement(root, ready, overrides, scenario);
  read_compute(root, ready, scenario);
  read_search(root, ready, scenario);
  read_evaluation(root, overrides, scenario);
  root.complain_of_the_rest();
}

}  // namespace

std::optional<TomlValue> included_file(TableReader& reader, std::string_view key) {
  auto const file = reader.path(key);
  if (!file) return std::nullopt;
  auto const text = read_text(*file, reader.where(key), reader.complaints());
  if (!text) return std::nullopt;
  return parse_toml(*text, *file, reader.complaints());
}

Scenario load_scenario(std::filesystem::path const& file, ScenarioOverrides const& overrides) {
  std::vector<Complaint> complaints;
  auto text = read_text(file, file.string(), complaints);
  if (!text) throw ScenarioError(std::move(complaints));
  return parse_scenario(std::move(*text), file, overrides);
}

Scenario parse_scenario(std::string text, std::filesystem::path const& file,
                        ScenarioOverrides const& overrides) {
  std::vector<Complaint> complaints;
  auto const document = parse_toml(text, file, complaints);
  auto scenario = document ? read_scenario(*document, overrides, complaints) : std::nullopt;
  if (!complaints.empty()) throw ScenarioError(std::move(complaints));
  scenario->given_text = std::move(text);
  return std::move(*scenario);
}

std::optional<Scenario> read_scenario(TomlValue const& document, ScenarioOverrides const& overrides,
                                      std::vector<Complaint>& complaints) {
  auto const before = static_cast<std::ptrdiff_t>(complaints.size());
  Scenario scenario;
  TableReader root(document, "", complaints);
  read_sections(root, overrides, scenario);
  bool const sound = std::all_of(complaints.begin() + before, complaints.end(),
                                 [](Complaint const& complaint) { return complaint.infeasible; });
  if (!sound) return std::nullopt;
  return scenario;
}

}  // namespace spacemoe
