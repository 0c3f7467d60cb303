#include "host/sweep/trial.hpp"

#include <algorithm>
#include <chrono>

#include "host/evaluation/evaluate.hpp"

namespace spacemoe {
namespace {

constexpr std::uint32_t slots_of_a_trial = 8;

}  // namespace

double trial_seconds(Scenario scenario, Backend& backend) {
  std::uint32_t const slots = scenario.time.slots;
  scenario.time.span_s = span_s(scenario);
  scenario.time.slots = std::min(slots, slots_of_a_trial);
  scenario.tokens = std::max<std::uint64_t>(1, scenario.tokens / slots * scenario.time.slots);
  std::erase(scenario.strategies, Strategy::refined);
  if (scenario.strategies.empty()) scenario.strategies = {Strategy::greedy};
  auto const start = std::chrono::steady_clock::now();
  evaluate(scenario, backend, {});
  double const elapsed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return elapsed_s * slots / scenario.time.slots;
}

}  // namespace spacemoe
