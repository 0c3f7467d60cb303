#include <algorithm>
#include <utility>

#include "host/io/number_text.hpp"
#include "host/io/placement_file.hpp"
#include "host/io/scenario_names.hpp"
#include "host/io/scenario_sections.hpp"
#include "host/io/suggestion.hpp"

namespace spacemoe {
namespace {

bool uses(Scenario const& scenario, Strategy strategy) {
  return std::ranges::find(scenario.strategies, strategy) != scenario.strategies.end();
}

/// Strategies by name, none twice; `where` is what to complain of.
std::vector<Strategy> parse_strategies(std::vector<std::string> const& words, std::string const& where,
                                       std::vector<Complaint>& complaints) {
  std::vector<Strategy> strategies;
  if (words.empty()) {
    complaints.push_back({where, "names no strategy", "give at least one; " + valid_words(strategy_names())});
  }
  for (std::string const& word : words) {
    auto const strategy = strategy_named(word);
    if (!strategy) {
      complaints.push_back(
          {where, quoted_excerpt(word) + " is not a strategy", suggestion(word, strategy_names())});
    } else if (std::ranges::find(strategies, *strategy) != strategies.end()) {
      complaints.push_back({where, quoted_excerpt(word) + " is named twice", "name it once"});
    } else {
      strategies.push_back(*strategy);
    }
  }
  return strategies;
}

std::string strategies_where(TableReader const& section, ScenarioOverrides const& overrides) {
  return overrides.strategies ? overrides.strategies_option : section.where("strategies");
}

std::optional<std::vector<std::string>> strategy_words(TableReader& section,
                                                       ScenarioOverrides const& overrides) {
  if (overrides.strategies) {
    section.find("strategies");
    return overrides.strategies;
  }
  if (!section.require("strategies", "name the strategies to compare, such as [\"spacemoe\"]"))
    return std::nullopt;
  return section.texts("strategies");
}

void read_strategies(TableReader& section, ScenarioOverrides const& overrides, Scenario& scenario) {
  auto const words = strategy_words(section, overrides);
  if (!words) return;
  scenario.strategies = parse_strategies(*words, strategies_where(section, overrides), section.complaints());
  if (overrides.placements && !uses(scenario, Strategy::file)) scenario.strategies.push_back(Strategy::file);
}

void read_ring_shell(TableReader& section, Readiness ready, Scenario& scenario) {
  if (ready.listed) {
    section.refuse("ring_shell", "network = \"edges\" has no shells");
    return;
  }
  TomlValue const* value = section.find("ring_shell");
  if (value == nullptr || !ready.network) return;
  auto const& shells = scenario.constellation.shells;
  auto const* wanted = value->as<std::string>();
  if (wanted == nullptr) {
    auto const last = static_cast<std::uint32_t>(shells.size() - 1);
    scenario.ring_shell = section.count("ring_shell", 0, last).value_or(0);
    return;
  }
  auto const found = std::ranges::find(shells, *wanted, &Shell::name);
  if (found != shells.end()) {
    scenario.ring_shell = static_cast<std::uint32_t>(found - shells.begin());
    return;
  }
  std::vector<std::string_view> names;
  for (Shell const& shell : shells) names.push_back(shell.name);
  section.complain("ring_shell", "no shell is called " + quoted_excerpt(*wanted), suggestion(*wanted, names));
}

void refuse_rings_without_shell(std::string const& where, Scenario const& scenario,
                                std::vector<Complaint>& complaints) {
  for (Strategy const strategy : scenario.strategies) {
    if (!needs_shell(strategy)) continue;
    complaints.push_back({where,
                          std::string(name(strategy)) +
                              " needs the planes of a shell, which network = \"edges\" does not have",
                          "use rand-place, greedy or file"});
  }
}

std::optional<PlacementFile> file_of_section(TableReader& section) {
  auto const file = section.path("file");
  auto strategy = section.text("file_strategy");
  if (!file) return std::nullopt;
  return PlacementFile{*file, std::move(strategy), section.where("file"), section.where("file_strategy")};
}

void read_given_placements(TableReader& section, Scenario& scenario) {
  section.refuse("file_strategy", "it belongs to file");
  for (TableReader& table : section.tables("given")) {
    if (auto placement = read_placement_table(table, scenario)) {
      scenario.file_placements.push_back(std::move(*placement));
    }
  }
}

void read_file_placements(TableReader& section, Readiness ready, ScenarioOverrides const& overrides,
                          Scenario& scenario) {
  constexpr std::array<std::string_view, 3> keys{"file", "file_strategy", "given"};
  for (std::string_view const key : keys) section.find(key);
  if (!uses(scenario, Strategy::file)) {
    // Strategies of the command line may leave out what the scenario prepares.
    if (overrides.strategies) return;
    for (std::string_view const key : keys) section.refuse(key, "strategies does not name \"file\"");
    return;
  }
  bool const elsewhere = overrides.placements.has_value();
  if (!elsewhere && section.has("file") == section.has("given")) {
    section.complain("file", section.has("file") ? "conflicts with [[placement.given]]" : "missing",
                     "the strategy \"file\" needs either file or [[placement.given]]");
    return;
  }
  if (!ready.model || !ready.network) return;
  if (!elsewhere && section.has("given")) {
    read_given_placements(section, scenario);
  } else if (auto const named = elsewhere ? overrides.placements : file_of_section(section)) {
    scenario.file_placements = read_placement_file(*named, scenario, section.complaints());
  }
}

void read_redundancy(TableReader& section, ScenarioOverrides const& overrides, Redundancy& redundancy) {
  redundancy.replicas = section.count("replicas", 0, most_copies).value_or(0);
  redundancy.spare_gateways = section.count("spare_gateways", 0, most_copies).value_or(0);
  redundancy.replica_places = section.count("replica_places", 0, largest_count).value_or(0);
  redundancy.planned_loss = section.real("planned_loss", {0, 1, true}).value_or(redundancy.planned_loss);
  if (redundancy.replicas > 0 && redundancy.replica_places > 0) {
    section.complain("replica_places", "conflicts with replicas",
                     "give either so many replicas of each expert, or so many in all");
  }
  if (overrides.spare_gateways)
    redundancy.spare_gateways = static_cast<std::uint32_t>(*overrides.spare_gateways);
  if (!overrides.replicas) return;
  redundancy.replicas = static_cast<std::uint32_t>(*overrides.replicas);
  redundancy.replica_places = 0;
}

}  // namespace

void read_placement(TableReader& root, Readiness ready, ScenarioOverrides const& overrides,
                    Scenario& scenario) {
  TableReader section = root.table("placement");
  read_strategies(section, overrides, scenario);
  std::size_t const before = section.complaints().size();
  scenario.capacity = section.count("capacity", 1, largest_count).value_or(1);
  scenario.gateways_host_experts = section.boolean("gateways_host_experts").value_or(false);
  read_redundancy(section, overrides, scenario.redundancy);
  read_ring_shell(section, ready, scenario);
  bool const room_known = ready.model && ready.network && section.complaints().size() == before;
  scenario.random_placements = section.count("random_placements", 1, 65536).value_or(8);
  scenario.aggregation = section.choice("aggregation", aggregation_names).value_or(Aggregation::next_gateway);
  read_file_placements(section, ready, overrides, scenario);
  section.complain_of_the_rest();

  std::string const where = strategies_where(section, overrides);
  if (ready.listed) {
    refuse_rings_without_shell(where, scenario, section.complaints());
    std::erase_if(scenario.strategies, needs_shell);
  }
  if (room_known) check_room(where, scenario, section.complaints());
}

void read_evaluation(TableReader& root, ScenarioOverrides const& overrides, Scenario& scenario) {
  TableReader section = root.table("evaluation");
  // Tokens of a slot are numbered in 32 bits.
  std::uint64_t const most = std::uint64_t{scenario.time.slots} * 0xffffffff;
  if (overrides.tokens) {
    section.find("tokens");
    scenario.tokens = *overrides.tokens;
    if (scenario.tokens < 1 || scenario.tokens > most) {
      section.complaints().push_back({"--tokens", std::to_string(scenario.tokens) + " is out of range",
                                      "give an integer from 1 to " + std::to_string(most)});
    }
  } else {
    scenario.tokens = section.integer("tokens", 1, most).value_or(1'000'000);
  }
  scenario.sampler = section.choice("sampler", sampler_names).value_or(Sampler::automatic);
  enum class Unreachable { drop };
  section.choice("unreachable", std::array{Named<Unreachable>{"drop", Unreachable::drop}});
  section.complain_of_the_rest();
}

}  // namespace spacemoe
