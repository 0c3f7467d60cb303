#include "host/search/planned_bound.hpp"

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/search/refined.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe {
namespace {

LowerBound bound(Scenario const& scenario) {
  auto const backend = make_cpu_backend();
  SearchProblem const problem(scenario, *backend);
  Placement const start = search_start(problem).second;
  return planned_bound(problem, SearchResult(), start, [](std::uint64_t, std::uint64_t) {});
}

TEST(PlannedBound, IsTheMeanOfTheProfiles) {
  Scenario scenario = testing::small_scenario();
  ActivationWeights const own = scenario.weights;
  ActivationWeights const topic = zipf_weights(own.layers, own.experts, 2, {7});
  double const of_own = bound(scenario).mean_ms.value();
  scenario.weights = topic;
  double const of_topic = bound(scenario).mean_ms.value();
  ASSERT_NE(of_own, of_topic);
  scenario.weights = own;
  scenario.search.topics = {topic};
  EXPECT_DOUBLE_EQ(bound(scenario).mean_ms.value(), (of_own + of_topic) / 2);
}

}  // namespace
}  // namespace spacemoe
