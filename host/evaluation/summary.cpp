#include "host/evaluation/summary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/bins.hpp"

namespace spacemoe {
namespace {

__extension__ using Int128 = __int128;

constexpr double ns_per_ms = 1e6;
constexpr double missing = std::numeric_limits<double>::quiet_NaN();

Moments total(std::vector<Moments> const& cells) {
  Moments sum;
  for (auto const& cell : cells) sum += cell;
  return sum;
}

double mean_ns(Moments const& moments) {
  if (moments.delivered == 0) return missing;
  return static_cast<double>(moments.sum_ns) / static_cast<double>(moments.delivered);
}

/// Sum and sum of squares of latency - pivot over the delivered tokens; exact in integers, since the squares
/// cancel.
struct Residuals {
  double sum;
  double squares;
};

Residuals residuals(Moments const& moments, std::uint64_t pivot_ns) {
  auto const pivot = static_cast<Int128>(pivot_ns);
  auto const delivered = static_cast<Int128>(moments.delivered);
  auto const sum = static_cast<Int128>(moments.sum_ns);
  auto const squares = static_cast<Int128>(moments.sum_squares_ns2);
  return {static_cast<double>(sum - pivot * delivered),
          static_cast<double>(squares - 2 * pivot * sum + pivot * pivot * delivered)};
}

double variance_ns2(Moments const& moments) {
  auto const delivered = static_cast<double>(moments.delivered);
  if (moments.delivered < 2) return 0;
  Residuals const r = residuals(moments, static_cast<std::uint64_t>(mean_ns(moments)));
  return (r.squares - r.sum * r.sum / delivered) / (delivered - 1);
}

double standard_error_ns(std::vector<Moments> const& cells, Moments const& all) {
  if (all.delivered == 0) return missing;
  auto const pivot = static_cast<std::uint64_t>(mean_ns(all));
  double sum = 0;
  auto const add_stratum = [&](Moments const& stratum) {
    auto const tokens = static_cast<double>(stratum.tokens);
    Residuals const r = residuals(stratum, pivot);
    sum += tokens * (r.squares - r.sum * r.sum / tokens) / (tokens - 1);
  };
  Moments stratum;
  Moments previous;
  for (auto const& cell : cells) {
    stratum += cell;
    if (stratum.tokens < 2) continue;
    if (previous.tokens > 0) add_stratum(previous);
    previous = stratum;
    stratum = {};
  }
  previous += stratum;
  if (previous.tokens < 2) return missing;
  add_stratum(previous);
  return std::sqrt(sum) / static_cast<double>(all.delivered);
}

std::optional<double> spread_ms(std::vector<Moments> const& cells, std::uint32_t slots) {
  std::vector<double> means;
  for (std::size_t first = 0; first < cells.size(); first += slots) {
    Moments placement;
    for (std::size_t c = first; c < first + slots; ++c) placement += cells[c];
    if (placement.delivered > 0) means.push_back(mean_ns(placement) / ns_per_ms);
  }
  if (means.size() < 2) return std::nullopt;
  double mean = 0;
  for (double const m : means) mean += m / static_cast<double>(means.size());
  double squares = 0;
  for (double const m : means) squares += (m - mean) * (m - mean);
  return std::sqrt(squares / static_cast<double>(means.size() - 1));
}

double lower_ms(std::uint32_t bin) {
  return static_cast<double>(bin_lower(bin)) / ns_per_ms;
}
double upper_ms(std::uint32_t bin) {
  return static_cast<double>(bin_lower(bin + 1)) / ns_per_ms;
}

Quantile quantile(std::vector<std::uint64_t> const& histogram, std::uint64_t count, std::uint32_t per_mille) {
  double const level = per_mille / 1000.0;
  auto const n = static_cast<double>(count);
  double const half_width = 1.959964 * std::sqrt(n * level * (1 - level));
  auto const clamped = [&](double r) { return static_cast<std::uint64_t>(std::clamp(r, 1.0, n)); };
  std::uint32_t const bin = bin_of_rank(histogram, quantile_rank(count, per_mille));
  return {lower_ms(bin), upper_ms(bin), lower_ms(bin_of_rank(histogram, clamped(n * level - half_width))),
          upper_ms(bin_of_rank(histogram, clamped(n * level + half_width + 1)))};
}

}  // namespace

std::uint64_t quantile_rank(std::uint64_t count, std::uint32_t per_mille) {
  return count / 1000 * per_mille + (count % 1000 * per_mille + 999) / 1000;
}

std::uint32_t bin_of_rank(std::vector<std::uint64_t> const& histogram, std::uint64_t rank) {
  std::uint64_t count = 0;
  for (std::uint32_t bin = 0; bin < histogram.size(); ++bin) {
    count += histogram[bin];
    if (count >= rank) return bin;
  }
  return static_cast<std::uint32_t>(histogram.size()) - 1;
}

QuantileSet quantiles(std::vector<std::uint64_t> const& histogram, std::uint64_t count) {
  QuantileSet all;
  all.fill({missing, missing, missing, missing});
  for (std::size_t q = 0; count > 0 && q < all.size(); ++q) {
    all[q] = quantile(histogram, count, quantile_per_mille[q]);
  }
  return all;
}

void summarize(StrategyResult& result, std::uint32_t slots) {
  Moments const all = total(result.tally.cell);
  result.tokens = all.tokens;
  result.delivered = all.delivered;
  result.mean_ms = mean_ns(all) / ns_per_ms;
  result.standard_deviation_ms = all.delivered == 0 ? missing : std::sqrt(variance_ns2(all)) / ns_per_ms;
  result.standard_error_ms = standard_error_ns(result.tally.cell, all) / ns_per_ms;
  result.placement_spread_ms = spread_ms(result.tally.cell, slots);
  result.undeliverable = static_cast<double>(all.tokens - all.delivered) / static_cast<double>(all.tokens);
  result.quantiles = quantiles(result.tally.histogram, all.delivered);
  result.layer_mean_ms.clear();
  for (std::uint64_t const sum_ns : result.tally.layer_sum_ns) {
    result.layer_mean_ms.push_back(all.delivered == 0 ? missing
                                                      : static_cast<double>(sum_ns) /
                                                            static_cast<double>(all.delivered) / ns_per_ms);
  }
}

void set_quantiles(StrategyResult& result, std::span<std::uint64_t const> quantiles_ns) {
  for (std::size_t q = 0; q < quantiles_ns.size(); ++q) {
    double const quantile_ms = static_cast<double>(quantiles_ns[q]) / ns_per_ms;
    result.quantiles[q].lower_ms = result.quantiles[q].upper_ms = quantile_ms;
  }
}

void compare_to_best(std::vector<StrategyResult>& results) {
  double best_ms = missing;
  for (auto const& result : results) best_ms = std::fmin(best_ms, result.mean_ms);
  for (auto& result : results) result.ratio_to_best = result.mean_ms / best_ms;
}

}  // namespace spacemoe
