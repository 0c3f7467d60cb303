#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/result.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/placement/placement.hpp"

namespace spacemoe {

/// The latencies that are compared: the mean, and the quantiles of `quantile_names`.
inline constexpr std::array<char const*, 1 + quantile_names.size()> compared_names{"mean", "p50", "p90",
                                                                                   "p99", "p99.9"};

/// What one placement came to in one replication. Latencies are NaN where nothing was delivered.
struct Replicate {
  std::array<double, compared_names.size()> latency_ms{};
  double undeliverable = 0;  ///< probability
};

/// A mean over replications with its confidence interval.
struct Estimate {
  double mean = 0;
  double low = 0;
  double high = 0;
};

/// One latency of two placements a and b.
struct ComparedLatency {
  double a_ms = 0;
  double b_ms = 0;
  Estimate difference_ms;  ///< b - a, replication by replication
  Estimate ratio;          ///< b / a, likewise
};

/// Two placements on outages and tokens that are common to both.
struct Comparison {
  std::uint64_t tokens = 0;  ///< per placement and replication
  std::vector<Replicate> a;  ///< [replication]
  std::vector<Replicate> b;
  std::uint32_t delivering = 0;  ///< replications in which both deliver tokens, which latencies are of
  std::array<ComparedLatency, compared_names.size()> latency;  ///< NaN where fewer than two deliver
  double undeliverable_a = 0;
  double undeliverable_b = 0;
  Estimate undeliverable_difference;  ///< b - a
};

struct ComparisonOptions {
  std::uint32_t replications = 20;  ///< at least 2
  /// Per placement and replication; without, the scenario's, shared out among replications, but 100 000 at
  /// least.
  std::optional<std::uint64_t> tokens;
  /// Called between batches with the work done and to do [tokens].
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// Evaluates two placements of a scenario where neither was planned: every replication has outages and tokens
/// of its own, which the two share, and slots lie half a slot later. Quantiles are exact. Intervals are
/// Student's, over replications: they cover outages and tokens, not other times.
Comparison compare(Scenario const& scenario, Placement const& a, Placement const& b, Backend& backend,
                   ComparisonOptions const& options);

/// Mean of values with its interval that holds the truth with chance `level`, mean +- t s / sqrt(n); at least
/// two values.
Estimate estimate(std::vector<double> const& values, double level);

/// What Student's t with so many degrees of freedom stays within, either side of 0, with chance `level`.
double student_bound(std::uint32_t degrees_of_freedom, double level);

/// What draws that no plan has seen are for. Values are part of their addresses: never renumber.
enum class FreshDraws : std::uint32_t {
  comparison = 0,    ///< a replication
  pass_race = 1,     ///< the race after a pass of a search
  descent_race = 2,  ///< that of the end of a descent with the best before
  result_race = 3,   ///< that of a search's result with its start
  verification = 4,  ///< a draw on which a search's result is verified
  stress = 5,        ///< a draw of a stress test
};

/// A seed of its own for the `number`-th use of its kind.
Seed fresh_seed(Seed seed, FreshDraws use, std::uint32_t number);

/// The scenario with such a seed, half a slot later.
Scenario fresh_scenario(Scenario const& scenario, FreshDraws use, std::uint32_t number);

}  // namespace spacemoe
