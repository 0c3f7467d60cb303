#include <string>

#include "host/io/number_text.hpp"
#include "host/io/scenario_names.hpp"
#include "host/io/scenario_sections.hpp"
#include "host/io/suggestion.hpp"
#include "host/search/objective.hpp"
#include "host/search/search.hpp"

namespace spacemoe {
namespace {

void read_start(TableReader& section, Scenario& scenario) {
  auto const start = section.text("start");
  if (!start) return;
  auto const strategy = strategy_named(*start);
  if (strategy == Strategy::file && !scenario.file_placements.empty()) {
    scenario.search.start = *start;
  } else if (!strategy || !is_planned(*strategy)) {
    section.complain("start", quoted_excerpt(*start) + " is not a strategy to start from",
                     suggestion(*start, start_names()));
  } else if (needs_shell(*strategy) && is_listed(scenario)) {
    section.complain("start",
                     *start + " needs the planes of a shell, which network = \"edges\" does not have",
                     "use rand-place or greedy");
  } else {
    scenario.search.start = *start;
  }
}

void read_objective(TableReader& section, SearchSettings& search) {
  auto const objective = section.text("objective");
  if (!objective) return;
  if (objective_named(*objective)) {
    search.objective = *objective;
  } else {
    section.complain("objective", quoted_excerpt(*objective) + " is not an objective", objectives_remedy);
  }
}

}  // namespace

std::vector<std::string_view> start_names() {
  std::vector<std::string_view> names;
  for (Strategy const strategy : all_strategies()) {
    if (is_planned(strategy)) names.push_back(name(strategy));
  }
  return names;
}

void read_search(TableReader& root, Readiness ready, Scenario& scenario) {
  TableReader section = root.table("search");
  SearchSettings& search = scenario.search;
  read_start(section, scenario);
  read_objective(section, search);
  search.worst_case = section.choice("over", search_case_names).value_or(false);
  search.lost_penalty_ms = section.real("lost_penalty_ms", {0, 1e9});
  search.move_gateways = section.choice("gateways", search_gateway_names).value_or(true);
  if (section.has("moves")) search.moves = section.integer("moves", 1, most_search_moves);
  search.outages = section.count("outages", 1, 1024).value_or(usual_outages(scenario));
  for (TableReader& topic : section.tables("topic")) {
    if (auto weights = read_weights(topic, ready, scenario.model))
      search.topics.push_back(std::move(*weights));
  }
  section.complain_of_the_rest();
}

}  // namespace spacemoe
