#include "host/io/placement_file.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "host/io/number_text.hpp"
#include "host/io/result_file.hpp"
#include "host/io/scenario_names.hpp"
#include "host/io/suggestion.hpp"
#include "host/io/text_files.hpp"

namespace spacemoe {
namespace {

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

bool is_result(std::filesystem::path const& file) {
  return file.extension() == ".h5" || file.extension() == ".hdf5";
}

std::vector<Placement> read_from_result(PlacementFile const& named, std::vector<Complaint>& complaints) {
  if (named.strategy && !strategy_named(*named.strategy)) {
    complaints.push_back({named.strategy_where, quoted_excerpt(*named.strategy) + " is not a strategy",
                          suggestion(*named.strategy, strategy_names())});
    return {};
  }
  if (!open_file(named.file, named.where, complaints)) return {};
  try {
    return read_placements(named.file, placed_strategy(named.file, named.strategy));
  } catch (ScenarioError const& error) {
    for (Complaint const& complaint : error.complaints()) {
      complaints.push_back({named.where, complaint.where + ": " + complaint.what, complaint.remedy});
    }
    return {};
  }
}

/// Checks a placement of a result, whose datasets `gateway` and `host` have no lines.
void check_stored_placement(Placement const& placement, std::size_t number, Scenario const& scenario,
                            std::string const& where, std::vector<Complaint>& complaints) {
  MoeModel const& model = scenario.model;
  if (placement.layers != model.moe_layers || placement.experts != model.experts) {
    complaints.push_back({where,
                          "the placement is for " + std::to_string(placement.layers) + " layers of " +
                              std::to_string(placement.experts) + " experts",
                          "the model has " + std::to_string(model.moe_layers) + " MoE layers of " +
                              std::to_string(model.experts)});
    return;
  }
  auto const element = [&](PlacementProblem const& problem) {
    std::string const in_placement = where + ": placement " + std::to_string(number);
    auto const indexed = [](std::size_t i) { return "[" + std::to_string(i) + "]"; };
    switch (problem.part) {
      case PlacementPart::gateway:
        return in_placement + ", gateway" + indexed(problem.number);
      case PlacementPart::host:
        return in_placement + ", host" + indexed(problem.number / model.experts) +
               indexed(problem.number % model.experts);
      case PlacementPart::replica:
        return in_placement + ", replica on satellite " +
               std::to_string(index(placement.replica[problem.number].host));
      case PlacementPart::spare:
        return in_placement + ", spare gateway of layer " +
               std::to_string(placement.spare[problem.number].layer);
    }
    return in_placement;
  };
  check_placement(placement, scenario, element, complaints);
}

using Row = std::vector<std::uint32_t>;

/// Rows of an optional key; none where it is absent or empty. Complains, and returns nothing, when they have
/// another length than `names`, such as "[layer, satellite]", says.
std::optional<std::vector<Row>> rows(TableReader& table, std::string_view key, std::string const& names,
                                     std::size_t length) {
  std::vector<Row> found;
  if (table.find(key) == nullptr) return found;
  auto const numbers = table.integers(key, 0xffffffff);
  if (!numbers) return std::nullopt;
  if (numbers->depth == 1 && numbers->columns == 0) return found;
  if (numbers->depth != 2 || numbers->columns != length) {
    table.complain(key, "has " + numbers->shape(), "give rows of " + names);
    return std::nullopt;
  }
  auto const value = [&](std::size_t i) { return static_cast<std::uint32_t>(numbers->value[i]); };
  for (std::size_t i = 0; i < numbers->value.size(); i += length) {
    Row& row = found.emplace_back();
    for (std::size_t column = 0; column < length; ++column) row.push_back(value(i + column));
  }
  return found;
}

}  // namespace

std::vector<Placement> read_placement_file(PlacementFile const& named, Scenario const& scenario,
                                           std::vector<Complaint>& complaints) {
  if (is_result(named.file)) {
    auto placements = read_from_result(named, complaints);
    for (std::size_t i = 0; i < placements.size(); ++i) {
      check_stored_placement(placements[i], i, scenario, named.where, complaints);
    }
    return placements;
  }
  if (named.strategy) {
    complaints.push_back({named.strategy_where, "has no effect: file is not a result (.h5)", "leave it out"});
  }
  auto const text = read_text(named.file, named.where, complaints);
  auto const document = text ? parse_toml(*text, named.file, complaints) : std::nullopt;
  if (!document) return {};
  TableReader table(*document, "", complaints);
  auto placement = read_placement_table(table, scenario);
  if (!placement) return {};
  return {std::move(*placement)};
}

std::optional<Placement> read_placement_table(TableReader& table, Scenario const& scenario) {
  MoeModel const& model = scenario.model;
  table.require("gateways", "give one satellite per MoE layer");
  table.require("hosts", "give one satellite per expert, [layer][expert]");
  auto const gateways = table.integers("gateways", 0xffffffff);
  auto const hosts = table.integers("hosts", 0xffffffff);
  auto const replicas = rows(table, "replicas", "[layer, expert, satellite]", 3);
  auto const spares = rows(table, "spares", "[layer, satellite]", 2);
  table.complain_of_the_rest();
  if (!gateways || !hosts || !replicas || !spares) return std::nullopt;
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
  if (!gateways_fit || !hosts_fit) return std::nullopt;
  Placement placement{model.moe_layers, model.experts, ids(gateways->value), ids(hosts->value)};
  for (auto const& row : *replicas) placement.replica.push_back({row[0], row[1], satellite(row[2])});
  for (auto const& row : *spares) placement.spare.push_back({row[0], satellite(row[1])});
  auto const where = [&](PlacementProblem const& problem) {
    switch (problem.part) {
      case PlacementPart::gateway:
        return table.where("gateways", {problem.number});
      case PlacementPart::host:
        return table.where("hosts", {problem.number / model.experts, problem.number % model.experts});
      case PlacementPart::replica:
        return table.where("replicas", {problem.number});
      case PlacementPart::spare:
        return table.where("spares", {problem.number});
    }
    return table.where();
  };
  check_placement(placement, scenario, where, table.complaints());
  sort_redundancy(placement);
  return placement;
}

}  // namespace spacemoe
