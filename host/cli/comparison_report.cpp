#include "host/cli/comparison_report.hpp"

#include <ostream>

#include <nlohmann/json.hpp>

#include "host/cli/columns.hpp"

namespace spacemoe {
namespace {

std::string text_of(PlacementOrigin const& origin) {
  std::string text = origin.strategy + " of " + origin.file.string();
  if (origin.count > 1) {
    text += ", placement " + std::to_string(origin.number) + " of " + std::to_string(origin.count);
  }
  return text;
}

std::string interval(char const* pattern, Estimate const& estimate) {
  return format(pattern, estimate.low) + " to " + format(pattern, estimate.high);
}

void print_row(std::ostream& out, std::string label, ComparedLatency const& latency) {
  label.resize(7, ' ');
  out << label << padded(milliseconds(latency.a_ms), 10) << padded(milliseconds(latency.b_ms), 10)
      << padded(milliseconds(latency.difference_ms.mean), 10)
      << padded(interval("%.2f", latency.difference_ms), 24) << padded(format("%.4f", latency.ratio.mean), 9)
      << padded(interval("%.4f", latency.ratio), 20) << '\n';
}

nlohmann::ordered_json json_of(PlacementOrigin const& origin) {
  return {{"file", origin.file.string()},
          {"strategy", origin.strategy},
          {"placement", origin.number},
          {"placements", origin.count}};
}

nlohmann::ordered_json json_of(ComparedLatency const& latency) {
  return {{"a_ms", latency.a_ms},
          {"b_ms", latency.b_ms},
          {"difference_ms", json_of(latency.difference_ms)},
          {"ratio", json_of(latency.ratio)}};
}

nlohmann::ordered_json json_of(std::vector<Replicate> const& replicates) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (Replicate const& replicate : replicates) {
    nlohmann::ordered_json one;
    for (std::size_t i = 0; i < compared_names.size(); ++i) {
      one[compared_names[i]] = replicate.latency_ms[i];
    }
    one["undeliverable"] = replicate.undeliverable;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

void print_latencies(std::ostream& out, Comparison const& comparison) {
  out << "ms              a         b     b - a             95 % interval    b / a       95 % interval\n";
  for (std::size_t i = 0; i < compared_names.size(); ++i) {
    print_row(out, compared_names[i], comparison.latency[i]);
  }
  Estimate lost = comparison.undeliverable_difference;
  for (double* share : {&lost.mean, &lost.low, &lost.high}) *share *= 100;
  out << "lost % " << padded(format("%.4f", 100 * comparison.undeliverable_a), 10)
      << padded(format("%.4f", 100 * comparison.undeliverable_b), 10) << padded(format("%.4f", lost.mean), 10)
      << padded(interval("%.4f", lost), 24) << '\n';
  if (comparison.delivering < comparison.a.size()) {
    out << "latencies are of the " << comparison.delivering << " of " << comparison.a.size()
        << " draws in which both deliver tokens\n";
  }
}

nlohmann::ordered_json json_of(Estimate const& estimate) {
  return {{"mean", estimate.mean}, {"low", estimate.low}, {"high", estimate.high}};
}

nlohmann::ordered_json json_of(Comparison const& comparison) {
  nlohmann::ordered_json json;
  json["tokens"] = comparison.tokens;
  json["delivering_replications"] = comparison.delivering;
  for (std::size_t i = 0; i < compared_names.size(); ++i) {
    json["latency"][compared_names[i]] = json_of(comparison.latency[i]);
  }
  json["undeliverable"] = {{"a", comparison.undeliverable_a},
                           {"b", comparison.undeliverable_b},
                           {"difference", json_of(comparison.undeliverable_difference)}};
  json["replications"] = {{"a", json_of(comparison.a)}, {"b", json_of(comparison.b)}};
  return json;
}

void print_table(std::ostream& out, Scenario const& scenario, PlacementOrigins const& origins,
                 Comparison const& comparison) {
  out << scenario.title << (scenario.title.empty() ? "" : ": ") << comparison.a.size() << " replications of "
      << comparison.tokens << " tokens per placement, seed " << scenario.seed.value
      << ",\non outages that neither placement was planned on, half a slot later\n\na: " << text_of(origins.a)
      << "\nb: " << text_of(origins.b) << "\n\n";
  print_latencies(out, comparison);
}

void print_json(std::ostream& out, Scenario const& scenario, PlacementOrigins const& origins,
                Comparison const& comparison) {
  nlohmann::ordered_json json;
  json["title"] = scenario.title;
  json["seed"] = scenario.seed.value;
  json["a"] = json_of(origins.a);
  json["b"] = json_of(origins.b);
  json.update(json_of(comparison));
  out << json.dump(2) << '\n';
}

}  // namespace spacemoe
