#include "host/io/scenario_differences.hpp"

#include <gmock/gmock.h>

#include "host/errors.hpp"
#include "tests/io/scenario_support.hpp"

namespace spacemoe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string line(ScenarioDifference const& difference) {
  return difference.key + ": " + difference.a + " | " + difference.b;
}

class ScenarioDifferences : public ScenarioFolder {
 protected:
  std::string resolved(std::string_view text) { return resolved_text(load(text)); }

  std::vector<std::string> lines(std::string_view a, std::string_view b,
                                 KeysCompared keys = KeysCompared::of_latencies) {
    std::vector<std::string> all;
    for (auto const& difference : scenario_differences(resolved(a), resolved(b), keys))
      all.push_back(line(difference));
    return all;
  }
};

TEST_F(ScenarioDifferences, AreNoneWhereLatenciesOfAPlacementAreTheSame) {
  EXPECT_THAT(lines(base_scenario, base_scenario), IsEmpty());
  EXPECT_THAT(lines("seed = 5\n" + with(base_scenario, "base", "other"),
                    base_with("[\"spacemoe\"]", "[\"greedy\", \"rand-place\"]\nrandom_placements = 3") +
                        "[evaluation]\ntokens = 7\nsampler = \"routing\"\n"),
              IsEmpty());
  EXPECT_THAT(lines(base_scenario, base_with("[\"spacemoe\"]",
                                             "[\"file\"]\n[[placement.given]]\ngateways = [0, 1]\n"
                                             "hosts = [[2, 3, 4, 5], [6, 7, 8, 9]]")),
              IsEmpty());
}

TEST_F(ScenarioDifferences, SeeEveryKeyWhereAllCount) {
  EXPECT_THAT(lines(base_scenario, base_scenario, KeysCompared::all), IsEmpty());
  EXPECT_THAT(
      lines("seed = 5\n" + with(base_scenario, "base", "other"),
            base_with("[\"spacemoe\"]", "[\"greedy\"]") + "[evaluation]\ntokens = 7\n", KeysCompared::all),
      ElementsAre("evaluation.tokens: 1000000 | 7", "placement.strategies[0]: \"spacemoe\" | \"greedy\"",
                  "seed: 5 | 1", "title: \"other\" | \"base\""));
}

TEST_F(ScenarioDifferences, NameTheKeyAndBothValues) {
  EXPECT_THAT(lines(base_scenario, base_with("planes = 6", "planes = 7")),
              ElementsAre("shell[0].planes: 6 | 7"));
  EXPECT_THAT(
      lines(base_scenario, base_with("[\"spacemoe\"]", "[\"spacemoe\"]\naggregation = \"own-gateway\"")),
      ElementsAre("placement.aggregation: \"next-gateway\" | \"own-gateway\""));
}

TEST_F(ScenarioDifferences, NameKeysThatOnlyOneHas) {
  auto const found =
      scenario_differences("a = [1, 2]\n[t]\nb = true\n", "a = [1]\nc = \"x\"\n", KeysCompared::all);
  std::vector<std::string> all;
  for (auto const& difference : found) all.push_back(line(difference));
  EXPECT_THAT(all, ElementsAre("a[1]: 2 | nothing", "c: nothing | \"x\"", "t.b: true | nothing"));
}

TEST_F(ScenarioDifferences, SeeWeightsAndLongTexts) {
  std::string const same(200, 'x');
  EXPECT_EQ(
      scenario_differences("k = \"" + same + "a\"\n", "k = \"" + same + "b\"\n", KeysCompared::all).size(),
      1u);
  EXPECT_EQ(scenario_differences("values = [[0.5, 1.0]]\n", "values = [[0.5, 1.25]]\n", KeysCompared::all)
                .front()
                .key,
            "values[0][1]");
  EXPECT_THROW(scenario_differences("a =", "", KeysCompared::all), ScenarioError);
}

}  // namespace
}  // namespace spacemoe::test
