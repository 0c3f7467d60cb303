#pragma once

#include <cstdint>
#include <span>
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

/// Quantiles of `count` latencies as the bins of their histogram; NaN where there are none.
QuantileSet quantiles(std::vector<std::uint64_t> const& histogram, std::uint64_t count);

/// Puts exact quantiles [ns] in place of the bounds of their bins.
void set_quantiles(StrategyResult& result, std::span<std::uint64_t const> quantiles_ns);

/// Sets every strategy's ratio to the least mean.
void compare_to_best(std::vector<StrategyResult>& results);

/// Rank of a quantile among `count` latencies, from 1: the least that is at least the level times the count.
std::uint64_t quantile_rank(std::uint64_t count, std::uint32_t per_mille);

/// Latency of the given rank (from 1) as the bin that holds it.
std::uint32_t bin_of_rank(std::vector<std::uint64_t> const& histogram, std::uint64_t rank);

}  // namespace spacemoe
