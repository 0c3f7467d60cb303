#include "host/search/objective.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <sstream>

namespace spacemoe {
namespace {

constexpr double ns_per_ms = 1e6;
constexpr double infinite = std::numeric_limits<double>::infinity();

std::optional<double> number(std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "99.9" as 0.999; from 50 to 99.9.
std::optional<double> level(std::string_view percent) {
  auto const value = number(percent);
  // Compared before the division, which rounds.
  if (!value || !(*value >= 50 && *value <= 99.9)) return std::nullopt;
  return *value / 100;
}

std::string text_of(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

double normal_above(double z) {
  return std::erfc(z / std::numbers::sqrt2) / 2;
}

double normal_density(double z) {
  return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
}

/// Cases as a mixture of normal distributions.
class Mixture {
 public:
  explicit Mixture(CaseTotals const& totals) : totals_(totals) {
    all_ = std::accumulate(totals.delivered.begin(), totals.delivered.end(), 0.0);
  }

  double mean() const {
    return average([&](std::size_t c) { return totals_.mean_ns[c]; });
  }

  double deviation() const {
    double const centre = mean();
    return std::sqrt(average([&](std::size_t c) {
      double const off = totals_.mean_ns[c] - centre;
      return totals_.variance_ns2[c] + off * off;
    }));
  }

  /// By Newton's steps, and bisection where they lead astray, down to less than a nanosecond.
  double quantile(double level) const {
    double low = infinite;
    double high = 0;
    for (std::size_t c = 0; c < totals_.delivered.size(); ++c) {
      if (totals_.delivered[c] == 0) continue;
      double const reach = 40 * std::sqrt(totals_.variance_ns2[c]) + 1;
      low = std::min(low, totals_.mean_ns[c] - reach);
      high = std::max(high, totals_.mean_ns[c] + reach);
    }
    double x = std::clamp(mean(), low, high);
    double step = high - low;
    while (high - low > 0.25) {
      double const excess = above(x) - (1 - level);
      (excess > 0 ? low : high) = x;
      double const newton = excess / density(x);
      // Steps must shrink and stay inside: a case without spread makes a jump, far from all cases it is flat.
      bool const trusted = std::abs(newton) < step / 2 && x + newton > low && x + newton < high;
      double const next = trusted ? x + newton : low + (high - low) / 2;
      step = std::abs(next - x);
      if (trusted && step < 0.05) return next;
      if (next == low || next == high) break;
      x = next;
    }
    return high;
  }

  /// E[X | X > x] = (sum over cases of mean P(X > x) + sd phi) / P(X > x).
  double tail_mean(double level) const {
    double const x = quantile(level);
    double const excess = average([&](std::size_t c) {
      double const sd = std::sqrt(totals_.variance_ns2[c]);
      double const beyond = totals_.mean_ns[c] - x;
      if (sd == 0) return std::max(beyond, 0.0);
      double const z = -beyond / sd;
      return beyond * normal_above(z) + sd * normal_density(z);
    });
    return x + excess / (1 - level);
  }

 private:
  template <class Value>
  double average(Value value) const {
    double sum = 0;
    for (std::size_t c = 0; c < totals_.delivered.size(); ++c) {
      if (totals_.delivered[c] > 0) sum += totals_.delivered[c] * value(c);
    }
    return sum / all_;
  }

  /// Chance of more than x.
  double above(double x) const {
    return average([&](std::size_t c) {
      double const sd = std::sqrt(totals_.variance_ns2[c]);
      if (sd == 0) return totals_.mean_ns[c] > x ? 1.0 : 0.0;
      return normal_above((x - totals_.mean_ns[c]) / sd);
    });
  }

  double density(double x) const {
    return average([&](std::size_t c) {
      double const sd = std::sqrt(totals_.variance_ns2[c]);
      if (sd == 0) return 0.0;
      double const z = (x - totals_.mean_ns[c]) / sd;
      return normal_density(z) / sd;
    });
  }

  CaseTotals const& totals_;
  double all_;
};

double measured(Objective const& objective, CaseTotals const& totals) {
  Mixture const mixture(totals);
  switch (objective.measure) {
    case Measure::mean:
      return mixture.mean();
    case Measure::quantile:
      return mixture.quantile(objective.level);
    case Measure::tail_mean:
      return mixture.tail_mean(objective.level);
    case Measure::mean_deviation:
      break;
  }
  return mixture.mean() + objective.deviations * mixture.deviation();
}

double worst(Objective const& objective, CaseTotals const& totals) {
  double greatest = 0;
  for (std::size_t c = 0; c < totals.delivered.size(); ++c) {
    if (totals.delivered[c] == 0) continue;
    CaseTotals const one{{totals.mean_ns[c]}, {totals.variance_ns2[c]}, {totals.delivered[c]}};
    greatest = std::max(greatest, measured(objective, one));
  }
  return greatest;
}

}  // namespace

std::optional<Objective> objective_named(std::string_view name) {
  Objective objective;
  if (name == "mean") return objective;
  if (name.starts_with("mean+") && name.ends_with("sd")) {
    auto const count = number(name.substr(5, name.size() - 7));
    if (!count || !(*count > 0 && *count <= 100)) return std::nullopt;
    objective.measure = Measure::mean_deviation;
    objective.deviations = *count;
    return objective;
  }
  bool const tail = name.starts_with("cvar");
  if (!tail && !name.starts_with("p")) return std::nullopt;
  auto const wanted = level(name.substr(tail ? 4 : 1));
  if (!wanted) return std::nullopt;
  objective.measure = tail ? Measure::tail_mean : Measure::quantile;
  objective.level = *wanted;
  return objective;
}

std::string name(Objective const& objective) {
  switch (objective.measure) {
    case Measure::mean:
      return "mean";
    case Measure::quantile:
      return "p" + text_of(100 * objective.level);
    case Measure::tail_mean:
      return "cvar" + text_of(100 * objective.level);
    case Measure::mean_deviation:
      break;
  }
  return "mean+" + text_of(objective.deviations) + "sd";
}

double lost_share(CaseTotals const& totals) {
  double const delivered = std::accumulate(totals.delivered.begin(), totals.delivered.end(), 0.0);
  return 1 - delivered / static_cast<double>(totals.delivered.size());
}

double value_ns(Objective const& objective, CaseTotals const& totals) {
  double const lost = lost_share(totals);
  if (lost >= 1) return infinite;
  double const value = objective.worst_case ? worst(objective, totals) : measured(objective, totals);
  return value + lost * objective.lost_penalty_ms.value_or(0) * ns_per_ms;
}

}  // namespace spacemoe
