#include <algorithm>
#include <functional>
#include <utility>

#include "host/io/number_text.hpp"
#include "host/io/result_file.hpp"
#include "host/io/scenario_names.hpp"
#include "host/io/scenario_sections.hpp"
#include "host/io/suggestion.hpp"
#include "host/io/text_files.hpp"

namespace spacemoe {
namespace {

bool uses(Scenario const& scenario, Strategy strategy) {
  return std::ranges::find(scenario.strategies, strategy) != scenario.strategies.end();
}

std::vector<std::string_view> strategy_names() {
  std::vector<std::string_view> names;
  for (Strategy const strategy : all_strategies()) names.push_back(name(strategy));
  return names;
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
  return overrides.strategies ? "--strategies" : section.where("strategies");
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

std::vector<SatelliteId> ids(std::vector<double> const& numbers) {
  std::vector<SatelliteId> result;
  result.reserve(numbers.size());
  for (double const number : numbers) result.push_back(satellite(static_cast<std::size_t>(number)));
  return result;
}

/// Where a satellite of a placement is given, for complaints.
using ElementName = std::function<std::string(PlacementProblem const&)>;

constexpr std::size_t complaints_per_placement = 10;

void check_placement(Placement const& placement, Scenario const& scenario, ElementName const& where,
                     std::vector<Complaint>& complaints) {
  auto const found = problems(placement, placement_limits(scenario));
  for (std::size_t i = 0; i < std::min(found.size(), complaints_per_placement); ++i) {
    complaints.push_back({where(found[i]), found[i].what, found[i].remedy});
  }
}

/// `gateways` [layer] and `hosts` [layer][expert].
void read_placement_table(TableReader& table, Scenario& scenario) {
  MoeModel const& model = scenario.model;
  table.require("gateways", "give one satellite per MoE layer");
  table.require("hosts", "give one satellite per expert, [layer][expert]");
  auto const gateways = table.integers("gateways", 0xffffffff);
  auto const hosts = table.integers("hosts", 0xffffffff);
  table.complain_of_the_rest();
  if (!gateways || !hosts) return;
  bool const gateways_fit = gateways->depth == 1 && gateways->columns == model.moe_layers;
  bool const hosts_fit =
      hosts->depth == 2 && hosts->rows == model.moe_layers && hosts->columns == model.experts;
  if (!gateways_fit) {
    table.complain("gateways", "has " + gateways->shape(),
                   "give " + std::to_string(model.moe_layers) + " numbers, one per MoE layer");
  }
  if (!hosts_fit) {
    table.complain("hosts", "has " + hosts->shape(),
                   "give " + std::to_string(model.moe_layers) + " rows of " + std::to_string(model.experts) +
                       " numbers");
  }
  if (!gateways_fit || !hosts_fit) return;
  Placement placement{model.moe_layers, model.experts, ids(gateways->value), ids(hosts->value)};
  auto const where = [&](PlacementProblem const& problem) {
    return problem.expert ? table.where("hosts", {problem.layer, *problem.expert})
                          : table.where("gateways", {problem.layer});
  };
  check_placement(placement, scenario, where, table.complaints());
  scenario.file_placements.push_back(std::move(placement));
}

bool is_result(std::filesystem::path const& file) {
  return file.extension() == ".h5" || file.extension() == ".hdf5";
}

std::vector<Placement> read_from_result(TableReader& section, std::filesystem::path const& file) {
  section.require("file_strategy", "a result holds the placements of several strategies");
  auto const strategy = section.text("file_strategy");
  if (!strategy) return {};
  if (!strategy_named(*strategy)) {
    section.complain("file_strategy", quoted_excerpt(*strategy) + " is not a strategy",
                     suggestion(*strategy, strategy_names()));
    return {};
  }
  if (!open_file(file, section.where("file"), section.complaints())) return {};
  try {
    return read_placements(file, *strategy);
  } catch (ScenarioError const& error) {
    for (Complaint const& complaint : error.complaints()) {
      section.complain("file", complaint.where + ": " + complaint.what, complaint.remedy);
    }
    return {};
  }
}

/// Checks a placement of a result, whose datasets `gateway` and `host` have no lines.
void check_stored_placement(TableReader& section, Placement const& placement, std::size_t number,
                            Scenario const& scenario) {
  MoeModel const& model = scenario.model;
  if (placement.layers != model.moe_layers || placement.experts != model.experts) {
    section.complain("file",
                     "the placement is for " + std::to_string(placement.layers) + " layers of " +
                         std::to_string(placement.experts) + " experts",
                     "the model has " + std::to_string(model.moe_layers) + " MoE layers of " +
                         std::to_string(model.experts));
    return;
  }
  auto const where = [&](PlacementProblem const& problem) {
    std::string const layer = "[" + std::to_string(problem.layer) + "]";
    return section.where("file") + ": placement " + std::to_string(number) +
           (problem.expert ? ", host" + layer + "[" + std::to_string(*problem.expert) + "]"
                           : ", gateway" + layer);
  };
  check_placement(placement, scenario, where, section.complaints());
}

void read_placement_file(TableReader& section, Scenario& scenario) {
  auto const file = section.path("file");
  if (!file) return;
  if (is_result(*file)) {
    scenario.file_placements = read_from_result(section, *file);
    for (std::size_t i = 0; i < scenario.file_placements.size(); ++i) {
      check_stored_placement(section, scenario.file_placements[i], i, scenario);
    }
    return;
  }
  section.refuse("file_strategy", "file is not a result (.h5)");
  if (auto const document = included_file(section, "file")) {
    TableReader table(*document, "", section.complaints());
    read_placement_table(table, scenario);
  }
}

void read_given_placements(TableReader& section, Scenario& scenario) {
  section.refuse("file_strategy", "it belongs to file");
  for (TableReader& table : section.tables("given")) read_placement_table(table, scenario);
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
  if (section.has("file") == section.has("given")) {
    section.complain("file", section.has("file") ? "conflicts with [[placement.given]]" : "missing",
                     "the strategy \"file\" needs either file or [[placement.given]]");
    return;
  }
  if (!ready.model || !ready.network) return;
  if (section.has("file")) {
    read_placement_file(section, scenario);
  } else {
    read_given_placements(section, scenario);
  }
}

}  // namespace

void read_placement(TableReader& root, Readiness ready, ScenarioOverrides const& overrides,
                    Scenario& scenario) {
  TableReader section = root.table("placement");
  read_strategies(section, overrides, scenario);
  std::size_t const before = section.complaints().size();
  scenario.capacity = section.count("capacity", 1, largest_count).value_or(1);
  scenario.gateways_host_experts = section.boolean("gateways_host_experts").value_or(false);
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
