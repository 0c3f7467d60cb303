#include "host/cli/report.hpp"

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "host/cli/columns.hpp"
#include "host/cli/load_report.hpp"
#include "host/io/scenario_names.hpp"

namespace spacemoe {
namespace {

std::string strategy_cell(StrategyResult const& result) {
  std::string text(name(result.strategy));
  text.resize(std::max<std::size_t>(text.size(), 14), ' ');
  return text;
}

double exact_difference(StrategyResult const& result) {
  return (result.mean_ms - result.exact->mean_ms) / result.standard_error_ms;
}

void print_latencies(std::ostream& out, Evaluation const& evaluation) {
  out << "strategy        mean ms  +- s.e.   spread       p50       p90       p99     p99.9   lost %  "
         "ratio\n";
  for (auto const& r : evaluation.strategies) {
    out << strategy_cell(r) << padded(milliseconds(r.mean_ms), 9)
        << padded(format("%.3f", r.standard_error_ms), 9)
        << padded(r.placement_spread_ms ? milliseconds(*r.placement_spread_ms) : "-", 9);
    for (auto const& quantile : r.quantiles) out << padded(milliseconds(quantile.middle_ms()), 10);
    out << padded(format("%.4f", 100 * r.undeliverable), 9) << padded(milliseconds(r.ratio_to_best), 7)
        << '\n';
  }
}

/// Which sampler drew the tokens; strategies that agree share a line.
void print_samplers(std::ostream& out, Evaluation const& evaluation) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (auto const& r : evaluation.strategies) {
    std::string const text =
        std::string(name_of(sampler_names, r.sampler.sampler)) + " (" + r.sampler.reason + ")";
    auto const same = std::ranges::find(lines, text, &std::pair<std::string, std::string>::first);
    if (same == lines.end()) {
      lines.emplace_back(text, name(r.strategy));
    } else {
      same->second += ", " + std::string(name(r.strategy));
    }
  }
  out << '\n';
  for (auto const& [text, strategies] : lines) out << "sampler of " << strategies << ": " << text << '\n';
}

void print_exact(std::ostream& out, Evaluation const& evaluation) {
  out << "\nexact           mean ms  sampled - exact       p50       p90       p99     p99.9   lost %\n";
  for (auto const& r : evaluation.strategies) {
    out << strategy_cell(r) << padded(milliseconds(r.exact->mean_ms), 9)
        << padded(format("%+.2f s.e.", exact_difference(r)), 17);
    for (double const quantile_ms : r.exact->quantile_ms) out << padded(milliseconds(quantile_ms), 10);
    out << padded(format("%.4f", 100 * r.exact->undeliverable), 9) << '\n';
  }
}

void print_layers(std::ostream& out, Evaluation const& evaluation) {
  out << "\nmean ms per layer\nlayer";
  for (auto const& r : evaluation.strategies) out << padded(std::string(name(r.strategy)), 15);
  out << '\n';
  for (std::size_t l = 0; l < evaluation.layers; ++l) {
    out << padded(std::to_string(l), 5);
    for (auto const& r : evaluation.strategies) out << padded(format("%.3f", r.layer_mean_ms[l]), 15);
    out << '\n';
  }
}

nlohmann::ordered_json strategy_json(StrategyResult const& result) {
  nlohmann::ordered_json json;
  json["name"] = name(result.strategy);
  json["mean_ms"] = result.mean_ms;
  json["standard_error_ms"] = result.standard_error_ms;
  json["placement_spread_ms"] = nullptr;
  if (result.placement_spread_ms) json["placement_spread_ms"] = *result.placement_spread_ms;
  json["standard_deviation_ms"] = result.standard_deviation_ms;
  add_quantiles(json, result.quantiles);
  json["undeliverable"] = result.undeliverable;
  json["tokens"] = result.tokens;
  json["sampler"] = name_of(sampler_names, result.sampler.sampler);
  json["sampler_reason"] = result.sampler.reason;
  json["placements"] = result.placements.size();
  json["ratio_to_best"] = result.ratio_to_best;
  json["layer_mean_ms"] = result.layer_mean_ms;
  if (result.exact) {
    json["exact_mean_ms"] = result.exact->mean_ms;
    json["exact_standard_deviation_ms"] = result.exact->standard_deviation_ms;
    json["exact_undeliverable"] = result.exact->undeliverable;
    for (std::size_t q = 0; q < quantile_names.size(); ++q) {
      json["exact_quantiles_ms"][quantile_names[q]] = result.exact->quantile_ms[q];
    }
    json["exact_layer_mean_ms"] = result.exact->layer_mean_ms;
    json["difference_in_standard_errors"] = exact_difference(result);
  }
  return json;
}

std::vector<LoadSummary> load_summaries(Scenario const& scenario, Evaluation const& evaluation) {
  if (!evaluation.load) return {};
  std::vector<Strategy> strategies;
  for (auto const& result : evaluation.strategies) strategies.push_back(result.strategy);
  return summaries(scenario, strategies, *evaluation.load);
}

}  // namespace

void add_quantiles(nlohmann::ordered_json& json, QuantileSet const& quantiles) {
  for (std::size_t q = 0; q < quantile_names.size(); ++q) {
    json["quantiles_ms"][quantile_names[q]] = quantiles[q].middle_ms();
  }
  for (std::size_t q = 0; q < quantile_names.size(); ++q) {
    json["quantile_ranges_ms"][quantile_names[q]] = {
        {"bin", {quantiles[q].lower_ms, quantiles[q].upper_ms}},
        {"confidence_95", {quantiles[q].confidence_low_ms, quantiles[q].confidence_high_ms}}};
  }
}

void print_table(std::ostream& out, Scenario const& scenario, Evaluation const& evaluation) {
  out << scenario.title << ": " << satellites(scenario) << " satellites, " << evaluation.slots << " slots, "
      << scenario.model.name << " (" << evaluation.layers << " layers, top " << scenario.model.top_k << " of "
      << evaluation.experts << " experts), " << scenario.tokens << " tokens per strategy, seed "
      << scenario.seed.value << '\n';
  for (auto const& [family, level] : broken(scenario.damage)) {
    out << "damaged: " << family << " = " << format("%g", level) << ", draw " << scenario.damage.draw << '\n';
  }
  out << '\n';
  print_latencies(out, evaluation);
  if (!evaluation.strategies.empty() && evaluation.strategies.front().exact) print_exact(out, evaluation);
  print_layers(out, evaluation);
  print_samplers(out, evaluation);
  if (!evaluation.load) return;
  out << '\n';
  print_loads(out, load_summaries(scenario, evaluation));
}

void print_json(std::ostream& out, Scenario const& scenario, Evaluation const& evaluation) {
  nlohmann::ordered_json json;
  json["title"] = scenario.title;
  json["seed"] = scenario.seed.value;
  json["slots"] = evaluation.slots;
  json["damage"] = nlohmann::ordered_json::object();
  for (auto const& [family, level] : broken(scenario.damage)) json["damage"][family] = level;
  json["backend"] = evaluation.backend;
  json["seconds"] = evaluation.timing.total_s;
  for (auto const& result : evaluation.strategies) json["strategies"].push_back(strategy_json(result));
  auto const loads = load_summaries(scenario, evaluation);
  for (std::size_t s = 0; s < loads.size(); ++s) json["strategies"][s]["load"] = json_of(loads[s]);
  out << json.dump(2) << '\n';
}

void print_csv(std::ostream& out, Scenario const& scenario, Evaluation const& evaluation) {
  auto const loads = load_summaries(scenario, evaluation);
  bool const exact = !evaluation.strategies.empty() && evaluation.strategies.front().exact.has_value();
  out << "strategy,mean_ms,standard_error_ms,placement_spread_ms,standard_deviation_ms";
  for (auto const* quantile : quantile_names) out << ',' << quantile << "_ms";
  out << ",undeliverable,tokens,placements,ratio_to_best";
  if (exact) out << ",exact_mean_ms,exact_undeliverable";
  if (evaluation.load) out << ",link_saturates_at_tokens_per_s,satellite_saturates_at_tokens_per_s";
  for (std::size_t l = 0; l < evaluation.layers; ++l) out << ",layer_" << l << "_mean_ms";
  out << '\n';
  for (std::size_t s = 0; s < evaluation.strategies.size(); ++s) {
    StrategyResult const& r = evaluation.strategies[s];
    out << name(r.strategy) << ',' << csv(r.mean_ms) << ',' << csv(r.standard_error_ms) << ','
        << (r.placement_spread_ms ? csv(*r.placement_spread_ms) : "") << ',' << csv(r.standard_deviation_ms);
    for (auto const& quantile : r.quantiles) out << ',' << csv(quantile.middle_ms());
    out << ',' << csv(r.undeliverable) << ',' << r.tokens << ',' << r.placements.size() << ','
        << csv(r.ratio_to_best);
    if (exact) out << ',' << csv(r.exact->mean_ms) << ',' << csv(r.exact->undeliverable);
    if (!loads.empty()) out << ',' << csv(loads[s].link_rate_hz) << ',' << csv(loads[s].satellite_rate_hz);
    for (double const layer_ms : r.layer_mean_ms) out << ',' << csv(layer_ms);
    out << '\n';
  }
}

}  // namespace spacemoe
