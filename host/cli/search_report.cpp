#include "host/cli/search_report.hpp"

#include <algorithm>
#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

#include "host/cli/columns.hpp"
#include "host/cli/comparison_report.hpp"

namespace spacemoe {
namespace {

/// How far above the least that any placement could reach.
std::string bound_text(SearchRecord const& record) {
  LowerBound const& bound = record.bound;
  if (!bound.mean_ms) return "no lower bound: " + bound.reason_missing;
  return "no mean is below " + milliseconds(*bound.mean_ms) + " ms (" + bound.kind + "); found is " +
         format("%.2f", 100 * (record.result.mean_ms / *bound.mean_ms - 1)) + " % above";
}

/// What the objective's figures are of: the worst case, and losses at their price, are no mere mean.
std::string objective_label(SearchSettings const& search, Objective const& objective) {
  return (search.worst_case ? "worst " : "") + name(objective) + (search.lost_penalty_ms ? "+loss" : "");
}

void print_planned(std::ostream& out, SearchSettings const& search, SearchRecord const& record) {
  SearchResult const& result = record.result;
  constexpr std::size_t start_ends = 26;
  constexpr std::size_t widest_label = 17;  // longer ones push the figures aside
  auto const row = [&](std::string const& label, char const* pattern, double start, double found) {
    out << label << padded(format(pattern, start), start_ends - std::min(label.size(), widest_label))
        << padded(format(pattern, found), 10) << padded(format("%.4f", found / start), 10) << '\n';
  };
  out << "planned             start     found     ratio\n";
  std::string const objective = objective_label(search, record.objective);
  row(objective + " ms", "%.2f", result.start_ms, result.value_ms);
  if (result.sampled) row("  sampled", "%.2f", result.sampled->start_ms, result.sampled->value_ms);
  if (objective != "mean") row("mean ms", "%.2f", result.start_mean_ms, result.mean_ms);
  out << "lost %          " << padded(format("%.4f", 100 * result.start_lost), 10)
      << padded(format("%.4f", 100 * result.lost), 10) << '\n'
      << bound_text(record) << '\n';
}

void print_moves(std::ostream& out, MoveCounts const& counts) {
  out << "moves                     tried     accepted\n";
  for (std::size_t k = 0; k < move_kinds.size(); ++k) {
    std::string label(name(move_kinds[k]));
    label.resize(19, ' ');
    out << label << padded(std::to_string(counts.tried[k]), 12)
        << padded(std::to_string(counts.accepted[k]), 13) << '\n';
  }
}

std::string verdict_text(Verdict const& verdict, std::string const& objective) {
  if (verdict.draws == 0) return "nothing better was found: the start is the result";
  std::string const difference = objective + " " + format("%+.2f", verdict.difference_ms.mean) + " ms (" +
                                 format("%+.2f", verdict.difference_ms.low) + " to " +
                                 format("%+.2f", verdict.difference_ms.high) + ") on " +
                                 std::to_string(verdict.draws) + " unseen draws";
  if (verdict.better) return "verified: " + difference;
  return "not verified to be better, so the start is the result: " + difference;
}

std::string end_text(SearchResult const& result) {
  std::string text = "ended by: " + std::string(name(result.end));
  if (!result.state.local_optimum) return text;
  return text + "; no move of the " + std::to_string(result.neighbours) +
         " most promising improves the result on " + std::to_string(result.slots) + " of " +
         std::to_string(result.planned_slots) + " planning slots";
}

}  // namespace

void print_table(std::ostream& out, Scenario const& scenario, SearchRecord const& record) {
  SearchResult const& result = record.result;
  out << scenario.title << (scenario.title.empty() ? "" : ": ") << "search from " << record.start_text << ", "
      << result.state.moves() << " moves in " << format("%.1f", result.state.elapsed_s) << " s, seed "
      << scenario.seed.value << '\n'
      << end_text(result) << '\n'
      << verdict_text(result.verdict, objective_label(scenario.search, record.objective)) << "\n\n";
  print_planned(out, scenario.search, record);
  out << "\non " << record.comparison.a.size() << " fresh draws of outages, half a slot later, "
      << record.comparison.tokens << " tokens each over all slots; a: start, b: found\n";
  print_latencies(out, record.comparison);
  out << '\n';
  print_moves(out, result.state.counts);
}

void print_json(std::ostream& out, Scenario const& scenario, SearchRecord const& record) {
  SearchResult const& result = record.result;
  nlohmann::ordered_json json;
  json["title"] = scenario.title;
  json["seed"] = scenario.seed.value;
  json["start"] = record.start_text;
  json["objective"] = name(record.objective);
  json["end"] = name(result.end);
  json["local_optimum"] = result.state.local_optimum;
  json["seconds"] = result.state.elapsed_s;
  json["slots"] = {
      {"scored", result.slots}, {"final", result.final_slots}, {"planned", result.planned_slots}};
  json["neighbours"] = result.neighbours;
  json["planned"] = {{"start_ms", result.start_ms},
                     {"found_ms", result.value_ms},
                     {"start_mean_ms", result.start_mean_ms},
                     {"found_mean_ms", result.mean_ms},
                     {"start_undeliverable", result.start_lost},
                     {"found_undeliverable", result.lost}};
  if (result.sampled) {
    json["sampled"] = {{"tokens", result.sampled->tokens},
                       {"start_ms", result.sampled->start_ms},
                       {"found_ms", result.sampled->value_ms}};
  }
  json["bound"] = {{"mean_ms", nullptr}, {"kind", record.bound.kind}};
  if (record.bound.mean_ms) {
    json["bound"]["mean_ms"] = *record.bound.mean_ms;
  } else {
    json["bound"]["reason"] = record.bound.reason_missing;
  }
  json["verified"] = {{"better", result.verdict.better},
                      {"draws", result.verdict.draws},
                      {"difference_ms", json_of(result.verdict.difference_ms)}};
  json["fresh"] = json_of(record.comparison);
  for (std::size_t k = 0; k < move_kinds.size(); ++k) {
    json["moves"][std::string(name(move_kinds[k]))] = {{"tried", result.state.counts.tried[k]},
                                                       {"accepted", result.state.counts.accepted[k]}};
  }
  out << json.dump(2) << '\n';
}

}  // namespace spacemoe
