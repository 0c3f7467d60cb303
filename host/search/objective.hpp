#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spacemoe {

enum class Measure : std::uint8_t {
  mean,
  quantile,
  tail_mean,       ///< mean of the slowest tokens: conditional value at risk
  mean_deviation,  ///< mean + some standard deviations
};

/// What a search makes small: a figure of the latency of delivered tokens.
struct Objective {
  Measure measure = Measure::mean;
  double level = 0;       ///< of a quantile, and where the tail of a tail mean begins
  double deviations = 0;  ///< how many standard deviations count
  /// The greatest figure of any case instead of that of all cases together.
  bool worst_case = false;
  /// Added for every token that is lost [ms]; empty: the share of lost tokens may not exceed the start's.
  std::optional<double> lost_penalty_ms;

  bool operator==(Objective const&) const = default;
};

/// "mean", "p50" to "p99.9", "cvar50" to "cvar99.9", "mean+2sd".
std::optional<Objective> objective_named(std::string_view name);
std::string name(Objective const& objective);

/// What to give where an objective is none.
inline constexpr char const* objectives_remedy =
    "give mean, a quantile (p50 to p99.9), a tail mean (cvar50 to cvar99.9) or a mean and deviations "
    "(mean+2sd)";

/// Latency of a whole token in every case: a slot with its outages under one activation profile.
struct CaseTotals {
  std::vector<double> mean_ns;       ///< [case] of delivered tokens
  std::vector<double> variance_ns2;  ///< [case] of delivered tokens
  std::vector<double> delivered;     ///< [case] probability
};

/// Share of tokens that are lost.
double lost_share(CaseTotals const& totals);

/// The objective [ns], penalty included. Exact for means and deviations. Quantiles and tails take the latency
/// of a case for normal, as the sum of many layers nearly is; infinite where no token is delivered.
double value_ns(Objective const& objective, CaseTotals const& totals);

}  // namespace spacemoe
