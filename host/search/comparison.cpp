#include "host/search/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include "host/evaluation/evaluate.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t fewest_tokens = 100'000;
constexpr double confidence = 0.95;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

std::uint64_t tokens_of(Scenario const& scenario, ComparisonOptions const& options) {
  return options.tokens.value_or(std::max(fewest_tokens, scenario.tokens / options.replications));
}

Scenario to_evaluate(Scenario const& scenario, std::uint64_t tokens, std::uint32_t replication) {
  Scenario copy = fresh_scenario(scenario, FreshDraws::comparison, replication);
  copy.tokens = tokens;
  copy.strategies = {Strategy::file};
  return copy;
}

Replicate replicate(StrategyResult const& result) {
  Replicate one;
  one.latency_ms[0] = result.mean_ms;
  for (std::size_t q = 0; q < result.quantiles.size(); ++q) {
    one.latency_ms[1 + q] = result.quantiles[q].middle_ms();
  }
  one.undeliverable = result.undeliverable;
  return one;
}

/// Evaluates placements one by one and adds up their progress.
class Runner {
 public:
  Runner(Backend& backend, ComparisonOptions const& options) : backend_(backend), options_(options) {}

  Replicate run(Scenario& scenario, Placement const& placement) {
    scenario.file_placements = {placement};
    EvaluateOptions evaluate_options;
    evaluate_options.exact_quantiles = true;
    evaluate_options.progress = [&](std::uint64_t done, std::uint64_t total) {
      if (options_.progress) options_.progress(runs_ * total + done, 2 * options_.replications * total);
    };
    Evaluation const evaluation = evaluate(scenario, backend_, evaluate_options);
    ++runs_;
    return replicate(evaluation.strategies.front());
  }

 private:
  Backend& backend_;
  ComparisonOptions const& options_;
  std::uint64_t runs_ = 0;
};

bool delivers(Replicate const& replicate) {
  return !std::isnan(replicate.latency_ms.front());
}

/// f(a, b) of every replication.
template <class Function>
std::vector<double> paired(Comparison const& comparison, Function f) {
  std::vector<double> values;
  for (std::size_t r = 0; r < comparison.a.size(); ++r) values.push_back(f(comparison.a[r], comparison.b[r]));
  return values;
}

/// f(a, b) of the replications in which both deliver tokens.
template <class Function>
std::vector<double> paired_where_delivered(Comparison const& comparison, Function f) {
  std::vector<double> values;
  for (std::size_t r = 0; r < comparison.a.size(); ++r) {
    Replicate const& a = comparison.a[r];
    Replicate const& b = comparison.b[r];
    if (delivers(a) && delivers(b)) values.push_back(f(a, b));
  }
  return values;
}

double mean(std::vector<double> const& values) {
  double sum = 0;
  for (double const value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

ComparedLatency compared(Comparison const& comparison, std::size_t i) {
  auto const of = [&](auto f) {
    return paired_where_delivered(comparison, [&](Replicate const& a, Replicate const& b) {
      return f(a.latency_ms[i], b.latency_ms[i]);
    });
  };
  if (comparison.delivering < 2)
    return {unknown, unknown, {unknown, unknown, unknown}, {unknown, unknown, unknown}};
  return {mean(of([](double a, double) { return a; })), mean(of([](double, double b) { return b; })),
          estimate(of([](double a, double b) { return b - a; }), confidence),
          estimate(of([](double a, double b) { return b / a; }), confidence)};
}

void summarize(Comparison& comparison) {
  comparison.delivering = static_cast<std::uint32_t>(
      paired_where_delivered(comparison, [](Replicate const&, Replicate const&) { return 0.0; }).size());
  for (std::size_t i = 0; i < comparison.latency.size(); ++i) comparison.latency[i] = compared(comparison, i);
  comparison.undeliverable_a =
      mean(paired(comparison, [](Replicate const& a, Replicate const&) { return a.undeliverable; }));
  comparison.undeliverable_b =
      mean(paired(comparison, [](Replicate const&, Replicate const& b) { return b.undeliverable; }));
  comparison.undeliverable_difference = estimate(
      paired(comparison,
             [](Replicate const& a, Replicate const& b) { return b.undeliverable - a.undeliverable; }),
      confidence);
}

/// Chance that |t| <= sqrt(degrees) tan(angle): Abramowitz and Stegun 26.7.3 and 26.7.4.
double student_chance(std::uint32_t degrees, double angle) {
  double const cosine = std::cos(angle);
  bool const odd = degrees % 2 == 1;
  double sum = 0;
  double term = odd ? cosine : 1;
  for (std::uint32_t k = odd ? 1 : 0; k + 2 <= degrees; k += 2) {
    sum += term;
    term *= cosine * cosine * (k + 1) / (k + 2);
  }
  double const series = std::sin(angle) * sum;
  return odd ? 2 / std::numbers::pi * (angle + series) : series;
}

}  // namespace

Seed fresh_seed(Seed seed, FreshDraws use, std::uint32_t number) {
  Words4 const words = draw(seed, Purpose::fresh_seed, number, static_cast<std::uint32_t>(use), 0);
  return {std::uint64_t{words.word[1]} << 32 | words.word[0]};
}

Scenario fresh_scenario(Scenario const& scenario, FreshDraws use, std::uint32_t number) {
  Scenario copy = scenario;
  copy.seed = fresh_seed(scenario.seed, use, number);
  copy.time.start_s += span_s(scenario) / scenario.time.slots / 2;
  return copy;
}

double student_bound(std::uint32_t degrees_of_freedom, double level) {
  double low = 0;
  double high = std::numbers::pi / 2;
  for (int halving = 0; halving < 60; ++halving) {
    double const middle = (low + high) / 2;
    (student_chance(degrees_of_freedom, middle) < level ? low : high) = middle;
  }
  return std::sqrt(degrees_of_freedom) * std::tan(low);
}

Estimate estimate(std::vector<double> const& values, double level) {
  auto const n = static_cast<double>(values.size());
  double const middle = mean(values);
  double squares = 0;
  for (double const value : values) squares += (value - middle) * (value - middle);
  double const half_width =
      student_bound(static_cast<std::uint32_t>(values.size() - 1), level) * std::sqrt(squares / (n - 1) / n);
  return {middle, middle - half_width, middle + half_width};
}

Comparison compare(Scenario const& scenario, Placement const& a, Placement const& b, Backend& backend,
                   ComparisonOptions const& options) {
  Comparison comparison;
  comparison.tokens = tokens_of(scenario, options);
  Runner runner(backend, options);
  for (std::uint32_t r = 0; r < options.replications; ++r) {
    Scenario replication = to_evaluate(scenario, comparison.tokens, r);
    comparison.a.push_back(runner.run(replication, a));
    comparison.b.push_back(runner.run(replication, b));
  }
  summarize(comparison);
  return comparison;
}

}  // namespace spacemoe
