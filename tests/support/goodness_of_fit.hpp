#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <vector>

namespace spacemoe::testing {

/// Pearson's chi-square of counts against probabilities, standardised: near N(0, 1) if the counts follow
/// them. Outcomes expected fewer than ten times are pooled. Infinite when something happened that cannot.
template <class Outcome>
double chi_square_score(std::map<Outcome, std::uint64_t> const& count,
                        std::map<Outcome, double> const& probability) {
  std::uint64_t total = 0;
  for (auto const& [outcome, n] : count) {
    if (!probability.contains(outcome)) return INFINITY;
    total += n;
  }
  double chi_square = 0, cells = 0, rare_expected = 0, rare_seen = 0;
  auto const add_cell = [&](double seen, double expected) {
    chi_square += (seen - expected) * (seen - expected) / expected;
    ++cells;
  };
  for (auto const& [outcome, p] : probability) {
    double const expected = p * static_cast<double>(total);
    auto const found = count.find(outcome);
    double const seen = found == count.end() ? 0 : static_cast<double>(found->second);
    if (expected < 10) {
      rare_expected += expected;
      rare_seen += seen;
    } else {
      add_cell(seen, expected);
    }
  }
  if (rare_expected >= 10) add_cell(rare_seen, rare_expected);
  double const freedom = cells - 1;
  // Wilson and Hilferty: the cube root of chi-square over its mean is close to normal.
  double const spread = 2 / (9 * freedom);
  return (std::cbrt(chi_square / freedom) - (1 - spread)) / std::sqrt(spread);
}

struct MeanAndVariance {
  double mean, variance;
};

inline MeanAndVariance mean_and_variance(std::vector<double> const& values) {
  double const n = static_cast<double>(values.size());
  double const mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (double const v : values) squares += (v - mean) * (v - mean);
  return {mean, squares / (n - 1)};
}

}  // namespace spacemoe::testing
