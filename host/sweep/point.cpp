#include "host/sweep/point.hpp"

#include <algorithm>

namespace spacemoe {
namespace {

StrategyRecord record_of(StrategyResult const& result) {
  auto const& all = result.tally.histogram;
  auto const holds_tokens = [](std::uint64_t count) { return count > 0; };
  auto const first = std::ranges::find_if(all, holds_tokens);
  auto const last = std::find_if(all.rbegin(), std::make_reverse_iterator(first), holds_tokens).base();
  return {result.strategy,
          result.tokens,
          result.delivered,
          result.mean_ms,
          result.standard_deviation_ms,
          result.standard_error_ms,
          result.placement_spread_ms,
          result.undeliverable,
          result.ratio_to_best,
          result.quantiles,
          result.layer_mean_ms,
          first == all.end() ? 0 : static_cast<std::uint32_t>(first - all.begin()),
          {first, last}};
}

}  // namespace

PointRecord record_of(std::uint64_t point, Evaluation const& evaluation, double elapsed_s) {
  PointRecord record{point, "", {}, elapsed_s};
  for (auto const& strategy : evaluation.strategies) record.strategies.push_back(record_of(strategy));
  return record;
}

}  // namespace spacemoe
