#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "host/sweep/point.hpp"

namespace spacemoe::test {

/// A record in which every figure is another, infinities and NaN among them.
inline PointRecord some_record(std::uint64_t point) {
  StrategyRecord first;
  first.strategy = Strategy::rand_intra;
  first.tokens = 1'000'000'000'007 + point;
  first.delivered = std::numeric_limits<std::uint64_t>::max();
  first.mean_ms = 1.0 / 3 + static_cast<double>(point);
  first.standard_deviation_ms = std::numeric_limits<double>::infinity();
  first.standard_error_ms = std::numeric_limits<double>::denorm_min();
  first.placement_spread_ms = 0.1;
  first.undeliverable = -0.0;
  first.ratio_to_best = std::numeric_limits<double>::max();
  for (std::size_t q = 0; q < first.quantiles.size(); ++q) {
    double const value = std::sqrt(static_cast<double>(q + 2));
    first.quantiles[q] = {value, value + 0.1, value - 0.1, -std::numeric_limits<double>::infinity()};
  }
  first.layer_mean_ms = {0.5, 0.1 + 0.2, std::numeric_limits<double>::quiet_NaN()};
  first.first_bin = 4711;
  first.histogram = {1, 0, 23, 24, 255, 256, 65'535, 65'536, 4'294'967'296, ~std::uint64_t{0}};
  StrategyRecord second;
  second.strategy = Strategy::file;
  second.mean_ms = std::numeric_limits<double>::quiet_NaN();
  return {point, "", {first, second}, 0.1 + 0.2};
}

inline PointRecord failed_record(std::uint64_t point, std::string const& reason = "no way \xff to it") {
  return {point, reason, {}, 1e-9};
}

inline void append_bits(double value, std::vector<std::uint64_t>& words) {
  words.push_back(std::isnan(value) ? 0x7ff8000000000000 : std::bit_cast<std::uint64_t>(value));
}

/// All figures of a strategy as words, every NaN alike.
inline std::vector<std::uint64_t> words_of(StrategyRecord const& record) {
  std::vector<std::uint64_t> words{
      static_cast<std::uint64_t>(record.strategy), record.tokens,    record.delivered,
      record.placement_spread_ms.has_value(),      record.first_bin, record.layer_mean_ms.size()};
  for (double const value :
       {record.mean_ms, record.standard_deviation_ms, record.standard_error_ms,
        record.placement_spread_ms.value_or(0), record.undeliverable, record.ratio_to_best}) {
    append_bits(value, words);
  }
  for (Quantile const& quantile : record.quantiles) {
    append_bits(quantile.lower_ms, words);
    append_bits(quantile.upper_ms, words);
    append_bits(quantile.confidence_low_ms, words);
    append_bits(quantile.confidence_high_ms, words);
  }
  for (double const mean : record.layer_mean_ms) append_bits(mean, words);
  words.insert(words.end(), record.histogram.begin(), record.histogram.end());
  return words;
}

/// Whether two records say the same to the bit.
inline bool same(PointRecord const& a, PointRecord const& b) {
  std::vector<std::vector<std::uint64_t>> words_a, words_b;
  for (auto const& strategy : a.strategies) words_a.push_back(words_of(strategy));
  for (auto const& strategy : b.strategies) words_b.push_back(words_of(strategy));
  return a.point == b.point && a.failure == b.failure && a.elapsed_s == b.elapsed_s && words_a == words_b;
}

}  // namespace spacemoe::test
