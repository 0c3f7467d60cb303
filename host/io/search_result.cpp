#include "host/io/search_result.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "host/io/result_labels.hpp"

namespace spacemoe {
namespace {

using hdf5::Writer;

template <class Value>
auto of_trace(SearchResult const& result, Value value) {
  std::vector<decltype(value(result.state.trace.front()))> values;
  for (TracePoint const& point : result.state.trace) values.push_back(value(point));
  return values;
}

void write_trace(Writer& writer, SearchResult const& result) {
  if (result.state.trace.empty()) return;
  writer.axis({"trace", "1", "round of the search"}, counted(result.state.trace.size()));
  writer.dataset({"trace_stage", "1", "annealing on mean path latencies, or descent on the exact objective"},
                 {"trace"}, of_trace(result, [](auto const& p) { return std::string(name(p.stage)); }));
  writer.dataset({"trace_moves", "1", "moves tried so far"}, {"trace"},
                 of_trace(result, [](auto const& p) { return p.counts.all_tried(); }));
  std::vector<std::uint64_t> tried;
  std::vector<std::uint64_t> accepted;
  for (TracePoint const& point : result.state.trace) {
    tried.insert(tried.end(), point.counts.tried.begin(), point.counts.tried.end());
    accepted.insert(accepted.end(), point.counts.accepted.begin(), point.counts.accepted.end());
  }
  writer.dataset({"trace_tried", "1", "moves of a kind tried so far"}, {"trace", "move_kind"}, tried);
  writer.dataset({"trace_accepted", "1", "moves of a kind made so far"}, {"trace", "move_kind"}, accepted);
  writer.dataset({"trace_value_ms", "ms", "objective of the best so far; by mean paths while annealing"},
                 {"trace"}, of_trace(result, [](auto const& p) { return p.value_ms; }));
  writer.dataset({"timing_trace_s", "s", "time since the search began"}, {"trace"},
                 of_trace(result, [](auto const& p) { return p.elapsed_s; }));
}

void write_moves(Writer& writer, MoveCounts const& counts) {
  std::vector<std::string> names;
  for (MoveKind const kind : move_kinds) names.emplace_back(name(kind));
  writer.axis({"move_kind", "1", "kind of move"}, names);
  writer.dataset({"moves_tried", "1", "moves whose objective was worked out"}, {"move_kind"},
                 std::vector<std::uint64_t>(counts.tried.begin(), counts.tried.end()));
  writer.dataset({"moves_accepted", "1", "moves that were made"}, {"move_kind"},
                 std::vector<std::uint64_t>(counts.accepted.begin(), counts.accepted.end()));
}

/// Rows of the start and of what was found, as the strategies of the result are ordered.
void write_comparison(Writer& writer, Comparison const& comparison) {
  writer.axis({"replication", "1", "fresh draw of outages and tokens, half a slot later"},
              counted(comparison.a.size()));
  auto const both = [&](auto value) {
    std::vector<double> values;
    for (auto const* side : {&comparison.a, &comparison.b}) {
      for (Replicate const& replicate : *side) values.push_back(value(replicate));
    }
    return values;
  };
  for (std::size_t i = 0; i < compared_names.size(); ++i) {
    std::string const what = compared_names[i];
    writer.dataset({"fresh_" + what + "_ms", "ms", what + " of the token latency in a fresh replication"},
                   {"strategy", "replication"}, both([i](auto const& r) { return r.latency_ms[i]; }));
    std::string const difference = "fresh_" + what + "_difference";
    ComparedLatency const& latency = comparison.latency[i];
    writer.attribute(difference + "_ms", latency.difference_ms.mean);
    writer.attribute(difference + "_low_ms", latency.difference_ms.low);
    writer.attribute(difference + "_high_ms", latency.difference_ms.high);
  }
  writer.dataset({"fresh_undeliverable", "1", "probability of a lost token in a fresh replication"},
                 {"strategy", "replication"}, both([](auto const& r) { return r.undeliverable; }));
  writer.attribute("fresh_tokens", comparison.tokens);
  writer.attribute("fresh_delivering", std::uint64_t{comparison.delivering});
}

}  // namespace

void write_search(Writer& writer, SearchRecord const& record) {
  SearchResult const& result = record.result;
  writer.attribute("search_start", std::string(name(record.start)));
  writer.attribute("search_objective", name(record.objective));
  writer.attribute("search_end", std::string(name(result.end)));
  writer.attribute("search_start_ms", result.start_ms);
  writer.attribute("search_value_ms", result.value_ms);
  writer.attribute("search_start_mean_ms", result.start_mean_ms);
  writer.attribute("search_mean_ms", result.mean_ms);
  writer.attribute("search_start_undeliverable", result.start_lost);
  writer.attribute("search_undeliverable", result.lost);
  writer.attribute("search_moves", result.state.moves());
  writer.attribute("search_slots", std::uint64_t{result.slots});
  writer.attribute("search_final_slots", std::uint64_t{result.final_slots});
  writer.attribute("search_planned_slots", std::uint64_t{result.planned_slots});
  if (record.bound.mean_ms) writer.attribute("search_bound_mean_ms", *record.bound.mean_ms);
  writer.attribute("search_bound_kind",
                   record.bound.mean_ms ? record.bound.kind : record.bound.reason_missing);
  writer.attribute("verification_draws", std::uint64_t{result.verdict.draws});
  writer.attribute("verification_better", std::uint64_t{result.verdict.better});
  writer.attribute("verification_difference_ms", result.verdict.difference_ms.mean);
  writer.attribute("verification_difference_low_ms", result.verdict.difference_ms.low);
  writer.attribute("verification_difference_high_ms", result.verdict.difference_ms.high);
  writer.attribute("timing_search_s", result.state.elapsed_s);
  write_moves(writer, result.state.counts);
  write_trace(writer, result);
  write_comparison(writer, record.comparison);
}

}  // namespace spacemoe
