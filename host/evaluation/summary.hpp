#pragma once

#include <cstdint>
#include <vector>

#include "host/evaluation/result.hpp"

namespace spacemoe {

/// Derives mean, standard error, spread, quantiles and per-layer means of a strategy from its tally, whose
/// cells are [placement][slot]. Means are NaN where no token was delivered.
///
/// The standard error is that of a ratio estimator stratified over cells: with r = x - mean for a delivered
/// token and 0 for a lost one, sqrt(sum over cells of n_c s_c^2(r)) / delivered. Cells of a single token are
/// merged with their successors, which can only make it larger.
void summarize(StrategyResult& result, std::uint32_t slots);

/// Sets every strategy's ratio to the least mean.
void compare_to_best(std::vector<StrategyResult>& results);

/// Latency of the given rank (from 1) as the bin that holds it.
std::uint32_t bin_of_rank(std::vector<std::uint64_t> const& histogram, std::uint64_t rank);

}  // namespace spacemoe
