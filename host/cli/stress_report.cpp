#include "host/cli/stress_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "host/cli/columns.hpp"
#include "host/cli/comparison_report.hpp"
#include "host/cli/report.hpp"
#include "host/evaluation/summary.hpp"

namespace spacemoe {
namespace {

constexpr auto drop = static_cast<std::size_t>(LossPolicy::drop);
constexpr auto wait = static_cast<std::size_t>(LossPolicy::wait);
constexpr auto penalty = static_cast<std::size_t>(LossPolicy::penalty);

constexpr double bytes_per_mb = 1e6;

/// Empty where nothing is lost.
std::optional<std::uint32_t> weakest_layer(StressPoint const& point) {
  if (!(point.layer_lost[point.weakest_layer] > 0)) return std::nullopt;
  return point.weakest_layer;
}

/// Empty where no host alone is missed.
std::optional<std::size_t> weakest_host(StressPoint const& point) {
  if (!(point.weakest_host_lost > 0)) return std::nullopt;
  return index(point.weakest_host);
}

template <class Number>
std::string text_of(std::optional<Number> number, char const* none) {
  return number ? std::to_string(*number) : none;
}

std::string percent(double share) {
  return format("%.3f", 100 * share);
}

/// Half of an interval, as it was before an end was cut off that no share reaches.
double half_width(Estimate const& estimate) {
  return std::max(estimate.high - estimate.mean, estimate.mean - estimate.low);
}

/// `use(level, placement, point)` of every point of a family.
template <class Use>
void for_each_point(Stress const& stress, std::size_t family, Use use) {
  for (std::size_t level = 0; level < stress.levels.size(); ++level) {
    for (std::size_t p = 0; p < stress.placements.size(); ++p) {
      use(stress.levels[level], stress.placements[p], stress.at(family, level, p));
    }
  }
}

/// To the right of a column, with a gap before it.
std::string cell(std::string const& text, std::size_t width) {
  return ' ' + padded(text, width - 1);
}

std::string latency_cells(Estimate const& mean_ms) {
  return cell(milliseconds(mean_ms.mean), 10) + cell(milliseconds(half_width(mean_ms)), 8);
}
std::string loss_cells(Estimate const& undeliverable) {
  return cell(percent(undeliverable.mean), 8) + cell(percent(half_width(undeliverable)), 8);
}

/// Level and placement, at the left of a row.
class Labels {
 public:
  explicit Labels(Stress const& stress) {
    for (double const level : stress.levels) level_ = std::max(level_, format("%g", level).size() + 1);
    for (auto const& placement : stress.placements) placement_ = std::max(placement_, placement.size());
  }

  std::string of(double level, std::string const& placement) const {
    return of(format("%g", level), placement);
  }
  std::string of(std::string level, std::string placement) const {
    level.resize(level_, ' ');
    placement.resize(placement_, ' ');
    return level + placement;
  }
  /// The name of a table, as wide as the labels below it at least.
  std::string title(std::string name) const {
    name.resize(std::max(name.size(), level_ + placement_), ' ');
    return name;
  }

 private:
  std::size_t level_ = 6;
  std::size_t placement_ = 14;
};

void print_family(std::ostream& out, Labels const& labels, Stress const& stress, std::size_t family) {
  out << '\n'
      << labels.title(std::string(name(stress.families[family])))
      << "      drop                                             wait                     penalty"
      << "  weakest\n"
      << labels.of("level", "placement")
      << "   mean ms      +- draws  lost %      +- detour %   mean ms waited ms  lost %   mean ms layer  "
         "host\n";
  for_each_point(stress, family, [&](double level, std::string const& placement, StressPoint const& point) {
    out << labels.of(level, placement) << latency_cells(point.mean_ms[drop])
        << cell(std::to_string(point.delivering[drop]), 6) << loss_cells(point.undeliverable[drop])
        << cell(percent(point.detours), 9) << cell(format("%.1f", point.mean_ms[wait].mean), 10)
        << cell(format("%.1f", point.waited_ms), 10) << cell(percent(point.undeliverable[wait].mean), 8)
        << cell(milliseconds(point.mean_ms[penalty].mean), 10) << cell(text_of(weakest_layer(point), "-"), 6)
        << cell(text_of(weakest_host(point), "-"), 6) << '\n';
  });
}

bool has_moved(StressPoint const& point) {
  return point.repair && point.repair->moved_experts + point.repair->moved_gateways > 0;
}

/// Rows of points at which something was moved.
void print_repairs(std::ostream& out, Labels const& labels, Stress const& stress, std::size_t family) {
  std::ostringstream rows;
  for_each_point(stress, family, [&](double level, std::string const& placement, StressPoint const& point) {
    if (!has_moved(point)) return;
    RepairFigures const& repair = *point.repair;
    rows << labels.of(level, placement) << cell(format("%.1f", repair.moved_experts), 9)
         << cell(format("%.1f", repair.moved_gateways), 10)
         << cell(format("%.1f", repair.migrated_bytes / bytes_per_mb), 10)
         << cell(format("%.3f", repair.migration_s), 10) << latency_cells(repair.during_mean_ms)
         << loss_cells(repair.during_undeliverable) << '\n';
  });
  if (rows.str().empty()) return;
  out << '\n'
      << labels.title("repair of " + std::string(name(stress.families[family])))
      << "  moved               sent           during\n"
      << labels.of("level", "placement")
      << "  experts  gateways        MB   takes s   mean ms      +-  lost %      +-\n"
      << rows.str();
}

void print_legend(std::ostream& out, Stress const& stress) {
  out << "\n+-       half of a 95 % interval of the mean over draws: of damage, outages, tokens, random "
         "placements\n"
         "draws    that deliver tokens; means are over them, - below two\n"
         "drop     a token that misses an expert is lost; detour %: delivered over a longer path than "
         "without "
         "damage\n"
         "wait     its layer waits for a slot that reaches all its experts; waited ms: mean over delivered "
         "tokens\n"
         "penalty  its layer goes without, "
      << format("%g", stress.penalty_ms)
      << " ms later; nothing is lost\n"
         "weakest  layer in which most tokens miss an expert, and host that they miss most while its layer "
         "has a gateway\n";
  if (std::ranges::any_of(stress.point, has_moved)) {
    out << "repair   where anything moves, means over draws; during: while weights are on their way, under "
           "drop\n";
  }
}

nlohmann::ordered_json policy_json(StressPoint const& point, std::size_t policy) {
  FateTally::Policy const& tally = point.tally.policy[policy];
  nlohmann::ordered_json json;
  json["mean_ms"] = json_of(point.mean_ms[policy]);
  json["delivering_draws"] = point.delivering[policy];
  add_quantiles(json, quantiles(tally.histogram, tally.moments.delivered));
  json["undeliverable"] = json_of(point.undeliverable[policy]);
  json["tokens"] = tally.moments.tokens;
  json["delivered"] = tally.moments.delivered;
  return json;
}

nlohmann::ordered_json repair_json(RepairFigures const& repair) {
  return {{"moved_experts", repair.moved_experts},
          {"moved_gateways", repair.moved_gateways},
          {"migrated_bytes", repair.migrated_bytes},
          {"migration_s", repair.migration_s},
          {"during_mean_ms", json_of(repair.during_mean_ms)},
          {"during_undeliverable", json_of(repair.during_undeliverable)}};
}

nlohmann::ordered_json point_json(StressPoint const& point) {
  nlohmann::ordered_json json;
  for (std::size_t p = 0; p < loss_policies; ++p) json[loss_policy_names[p]] = policy_json(point, p);
  json["waited_ms"] = point.waited_ms;
  json["waiting"] = point.waiting;
  json["detours"] = point.detours;
  json["weakest_layer"] = nullptr;
  json["weakest_host"] = nullptr;
  if (auto const layer = weakest_layer(point)) json["weakest_layer"] = *layer;
  if (auto const host = weakest_host(point)) json["weakest_host"] = *host;
  json["weakest_host_lost"] = point.weakest_host_lost;
  json["layer_lost"] = point.layer_lost;
  if (point.repair) json["repair"] = repair_json(*point.repair);
  return json;
}

/// A line of a CSV file as names and cells.
using Cells = std::vector<std::pair<std::string, std::string>>;

void add_estimate(Cells& cells, std::string const& name, std::string const& unit, Estimate const& estimate) {
  cells.emplace_back(name + unit, csv(estimate.mean));
  cells.emplace_back(name + "_low" + unit, csv(estimate.low));
  cells.emplace_back(name + "_high" + unit, csv(estimate.high));
}

void add_policy(Cells& cells, StressPoint const& point, std::size_t policy) {
  FateTally::Policy const& tally = point.tally.policy[policy];
  std::string const prefix = std::string(loss_policy_names[policy]) + "_";
  add_estimate(cells, prefix + "mean", "_ms", point.mean_ms[policy]);
  cells.emplace_back(prefix + "delivering_draws", std::to_string(point.delivering[policy]));
  auto const levels = quantiles(tally.histogram, tally.moments.delivered);
  for (std::size_t q = 0; q < levels.size(); ++q) {
    cells.emplace_back(prefix + quantile_names[q] + "_ms", csv(levels[q].middle_ms()));
  }
  add_estimate(cells, prefix + "undeliverable", "", point.undeliverable[policy]);
  cells.emplace_back(prefix + "tokens", std::to_string(tally.moments.tokens));
  cells.emplace_back(prefix + "delivered", std::to_string(tally.moments.delivered));
}

/// Cells of a placement that is not repaired are empty.
void add_repair(Cells& cells, std::optional<RepairFigures> const& given) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  constexpr Estimate unknown{none, none, none};
  RepairFigures const repair = given.value_or(RepairFigures{none, none, none, none, unknown, unknown});
  cells.emplace_back("repair_moved_experts", csv(repair.moved_experts));
  cells.emplace_back("repair_moved_gateways", csv(repair.moved_gateways));
  cells.emplace_back("repair_migrated_bytes", csv(repair.migrated_bytes));
  cells.emplace_back("repair_migration_s", csv(repair.migration_s));
  add_estimate(cells, "repair_during_mean", "_ms", repair.during_mean_ms);
  add_estimate(cells, "repair_during_undeliverable", "", repair.during_undeliverable);
}

void add_point(Cells& cells, StressPoint const& point, bool with_repair) {
  for (std::size_t p = 0; p < loss_policies; ++p) add_policy(cells, point, p);
  cells.emplace_back("waited_ms", csv(point.waited_ms));
  cells.emplace_back("waiting", csv(point.waiting));
  cells.emplace_back("detours", csv(point.detours));
  cells.emplace_back("weakest_layer", text_of(weakest_layer(point), ""));
  cells.emplace_back("weakest_host", text_of(weakest_host(point), ""));
  cells.emplace_back("weakest_host_lost", csv(point.weakest_host_lost));
  for (std::size_t l = 0; l < point.layer_lost.size(); ++l) {
    cells.emplace_back("layer_" + std::to_string(l) + "_lost", csv(point.layer_lost[l]));
  }
  if (with_repair) add_repair(cells, point.repair);
}

void print_line(std::ostream& out, Cells const& cells, std::string Cells::value_type::*part) {
  for (std::size_t i = 0; i < cells.size(); ++i) out << (i == 0 ? "" : ",") << cells[i].*part;
  out << '\n';
}

}  // namespace

void print_table(std::ostream& out, Scenario const& scenario, StressOptions const& options,
                 Stress const& stress) {
  MoeModel const& model = scenario.model;
  out << scenario.title << (scenario.title.empty() ? "" : ": ") << satellites(scenario) << " satellites, "
      << scenario.time.slots << " slots, " << model.name << " (" << model.moe_layers << " layers, top "
      << model.top_k << " of " << model.experts << " experts)\n"
      << stress.draws << " draws of " << stress.tokens << " tokens per level and placement, seed "
      << scenario.seed.value << '\n';
  for (auto const& [family, level] : broken(scenario.damage)) {
    out << "everywhere " << family << " = " << format("%g", level) << ", but where it varies\n";
  }
  if (options.repair_bytes) {
    out << "repairs send "
        << (std::isinf(*options.repair_bytes)
                ? "what they need"
                : "at most " + format("%g", *options.repair_bytes / bytes_per_mb) + " MB")
        << " of weights\n";
  }
  Labels const labels(stress);
  for (std::size_t f = 0; f < stress.families.size(); ++f) {
    print_family(out, labels, stress, f);
    print_repairs(out, labels, stress, f);
  }
  print_legend(out, stress);
}

void print_json(std::ostream& out, Scenario const& scenario, StressOptions const& options,
                Stress const& stress) {
  nlohmann::ordered_json json;
  json["title"] = scenario.title;
  json["seed"] = scenario.seed.value;
  json["slots"] = scenario.time.slots;
  json["draws"] = stress.draws;
  json["tokens_per_draw"] = stress.tokens;
  json["penalty_ms"] = stress.penalty_ms;
  if (options.repair_bytes) json["repair_bytes"] = *options.repair_bytes;
  json["base_damage"] = nlohmann::ordered_json::object();
  for (auto const& [family, level] : broken(scenario.damage)) json["base_damage"][family] = level;
  for (std::size_t f = 0; f < stress.families.size(); ++f) {
    for_each_point(stress, f, [&](double level, std::string const& placement, StressPoint const& point) {
      json["points"].push_back(
          {{"family", name(stress.families[f])}, {"level", level}, {"placement", placement}});
      json["points"].back().update(point_json(point));
    });
  }
  out << json.dump(2) << '\n';
}

void print_csv(std::ostream& out, Scenario const&, StressOptions const& options, Stress const& stress) {
  bool first = true;
  for (std::size_t f = 0; f < stress.families.size(); ++f) {
    for_each_point(stress, f, [&](double level, std::string const& placement, StressPoint const& point) {
      Cells cells{{"family", std::string(name(stress.families[f]))},
                  {"level", csv(level)},
                  {"placement", csv(placement)}};
      add_point(cells, point, options.repair_bytes.has_value());
      if (std::exchange(first, false)) print_line(out, cells, &Cells::value_type::first);
      print_line(out, cells, &Cells::value_type::second);
    });
  }
}

}  // namespace spacemoe
