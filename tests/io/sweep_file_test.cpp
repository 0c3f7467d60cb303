#include "host/io/sweep_file.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <gmock/gmock.h>

#include "tests/io/scenario_support.hpp"

namespace spacemoe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SweepFile : public ScenarioFolder {
 protected:
  SweepFile() { write("base.toml", base_scenario); }

  SweepPlan plan(std::string_view text, ScenarioOverrides const& overrides = {}) const {
    return load_sweep(write("sweep.toml", "scenario = \"base.toml\"\n" + std::string(text)), overrides);
  }

  /// What is wrong with the file, or with any point.
  std::string problems(std::string_view text, ScenarioOverrides const& overrides = {}) const {
    try {
      check_points(plan(text, overrides));
      return "";
    } catch (ScenarioError const& error) {
      return without_folder(error.what());
    }
  }

  static Scenario at(SweepPlan const& plan, std::uint64_t point) {
    std::vector<Complaint> complaints;
    auto const scenario = scenario_at(plan, point, complaints);
    for (Complaint const& complaint : complaints) ADD_FAILURE() << complaint.where << ": " << complaint.what;
    return scenario.value();
  }

  static std::vector<double> altitudes(SweepPlan const& plan) {
    std::vector<double> all;
    for (std::uint64_t p = 0; p < points(plan.axes); ++p) {
      all.push_back(at(plan, p).constellation.shells[0].altitude_km);
    }
    return all;
  }
};

TEST_F(SweepFile, WithoutAxesIsItsScenario) {
  SweepPlan const only = plan("title = \"t\"");
  EXPECT_EQ(points(only.axes), 1u);
  EXPECT_EQ(resolved_text(at(only, 0)), resolved_text(load(base_scenario)));
  EXPECT_EQ(only.base_resolved, resolved_text(load(base_scenario)));
}

TEST_F(SweepFile, PointsAreWhatHandWrittenScenariosAre) {
  SweepPlan const grid = plan(
      "[[axis]]\nkey = \"shell.planes\"\nvalues = [6, 8]\n"
      "[[axis]]\nkey = \"links.survival\"\nvalues = [0.9, 1]\n");
  ASSERT_EQ(points(grid.axes), 4u);
  EXPECT_EQ(resolved_text(at(grid, 2)),
            resolved_text(load(base_with("planes = 6", "planes = 8") + "[links]\nsurvival = 0.9\n")));
  EXPECT_EQ(resolved_text(at(grid, 1)), resolved_text(load(base_and("[links]\nsurvival = 1\n"))));
}

TEST_F(SweepFile, RangesEndWhereTheySay) {
  EXPECT_THAT(altitudes(plan("[[axis]]\nkey = \"shell.altitude_km\"\nfrom = 500\nto = 800\nstep = 150\n")),
              ElementsAre(500, 650, 800));
  EXPECT_THAT(altitudes(plan("[[axis]]\nkey = \"shell.altitude_km\"\nfrom = 500\nto = 801\ncount = 3\n")),
              ElementsAre(500, 650.5, 801));
  auto const logarithmic = altitudes(
      plan("[[axis]]\nkey = \"shell.altitude_km\"\nfrom = 100\nto = 900\ncount = 3\nspacing = \"log\"\n"));
  EXPECT_DOUBLE_EQ(logarithmic[0], 100);
  EXPECT_DOUBLE_EQ(logarithmic[1], 300);
  EXPECT_DOUBLE_EQ(logarithmic[2], 900);
  SweepPlan const tenths = plan("[[axis]]\nkey = \"links.survival\"\nfrom = 0.1\nto = 1\nstep = 0.1\n");
  EXPECT_EQ(tenths.axes[0].size(), 10u);
}

TEST_F(SweepFile, CountsStayIntegers) {
  SweepPlan const planes = plan(
      "[[axis]]\nkey = \"shell.planes\"\nfrom = 6\nto = 60\ncount = 4\nspacing = \"log\"\n"
      "integer = true\n");
  EXPECT_THAT(planes.axes[0].coordinate.numbers, ElementsAre(6, 13, 28, 60));
  EXPECT_EQ(at(planes, 1).constellation.shells[0].planes, 13u);
}

TEST_F(SweepFile, ZippedKeysChangeTogether) {
  SweepPlan const zipped = plan(
      "[[axis]]\nname = \"size\"\nlabels = [\"small\", \"large\"]\n"
      "zip = {\"shell.planes\" = [6, 12], \"shell[0].phasing\" = [1, 5]}\n");
  ASSERT_EQ(points(zipped.axes), 2u);
  EXPECT_EQ(at(zipped, 1).constellation.shells[0].planes, 12u);
  EXPECT_EQ(at(zipped, 1).constellation.shells[0].phasing, 5u);
  SweepAxis const& axis = zipped.axes[0];
  EXPECT_EQ(axis.coordinate.name, "size");
  EXPECT_THAT(axis.coordinate.labels, ElementsAre("small", "large"));
  ASSERT_EQ(axis.along.size(), 2u);
  EXPECT_EQ(axis.along[1].name, "phasing");
  EXPECT_THAT(axis.along[1].numbers, ElementsAre(1, 5));
}

TEST_F(SweepFile, ZipWithoutNameIsCalledAsItsFirstKey) {
  SweepPlan const zipped = plan("[[axis]]\n[axis.zip]\nshell.planes = [6, 12]\nshell.phasing = [1, 5]\n");
  EXPECT_EQ(zipped.axes[0].coordinate.name, "planes");
  EXPECT_THAT(zipped.axes[0].coordinate.numbers, ElementsAre(6, 12));
  ASSERT_EQ(zipped.axes[0].along.size(), 1u);
  EXPECT_EQ(zipped.axes[0].along[0].name, "phasing");
}

TEST_F(SweepFile, FilesAreRelativeToTheSweepAndGiveLabels) {
  write("models/two.toml", "moe_layers = 2\nexperts = 4\ntop_k = 2\nhidden_size = 64\nexpert_size = 128\n");
  write("models/three.toml", "moe_layers = 3\nexperts = 3\ntop_k = 1\nhidden_size = 64\nexpert_size = 128\n");
  write("base.toml",
        with(base_scenario, "moe_layers = 2\nexperts = 4\ntop_k = 2\nhidden_size = 64\nexpert_size = 128\n",
             "file = \"models/two.toml\"\n"));
  SweepPlan const models = plan(
      "[[axis]]\nname = \"model\"\nkey = \"model.file\"\nvalues = [\"models/two.toml\", "
      "\"models/three.toml\"]\n");
  EXPECT_THAT(models.axes[0].coordinate.labels, ElementsAre("two", "three"));
  EXPECT_EQ(at(models, 1).model.moe_layers, 3u);
  EXPECT_EQ(plan("[[axis]]\nkey = \"model.file\"\nvalues = [\"models/two.toml\"]\n").axes[0].coordinate.name,
            "model_file");
}

TEST_F(SweepFile, LatinHypercubesHaveOnePointInEveryPart) {
  std::string const text =
      "[[axis]]\nname = \"design\"\npoints = 50\nseed = 3\n"
      "[[axis.random]]\nkey = \"shell.altitude_km\"\nfrom = 500\nto = 1000\n"
      "[[axis.random]]\nkey = \"shell.planes\"\nvalues = [6, 8]\n";
  SweepPlan const design = plan(text);
  ASSERT_EQ(points(design.axes), 50u);
  std::set<int> parts;
  for (double const altitude : design.axes[0].along[0].numbers) {
    parts.insert(static_cast<int>((altitude - 500) / 10));
  }
  EXPECT_EQ(parts.size(), 50u);
  EXPECT_EQ(std::ranges::count(design.axes[0].along[1].numbers, 6), 25);
  EXPECT_EQ(plan(text).axes[0].along[0].numbers, design.axes[0].along[0].numbers);
  EXPECT_NE(plan(with(text, "seed = 3", "seed = 4")).axes[0].along[0].numbers,
            design.axes[0].along[0].numbers);
}

TEST_F(SweepFile, IndependentDrawsAreUniform) {
  SweepPlan const design = plan(
      "[[axis]]\npoints = 4000\nmethod = \"independent\"\n"
      "[[axis.random]]\nkey = \"shell.altitude_km\"\nfrom = 500\nto = 1500\n");
  EXPECT_EQ(design.axes[0].coordinate.numbers[7], 7);
  ASSERT_EQ(design.axes[0].along.size(), 1u);
  double sum = 0;
  std::set<int> parts;
  for (double const altitude : design.axes[0].along[0].numbers) {
    sum += altitude;
    parts.insert(static_cast<int>((altitude - 500) / 0.25));
  }
  EXPECT_NEAR(sum / 4000, 1000, 4 * 1000 / std::sqrt(12.0 * 4000));
  EXPECT_LT(parts.size(), 3000u);  // 4000 (1 - 1/e) = 2528 of 4000 parts, where a hypercube fills all
}

TEST_F(SweepFile, DerivedKeysFollowOthers) {
  SweepPlan const derived = plan(
      "[[axis]]\nkey = \"shell.planes\"\nvalues = [6, 9, 14]\n"
      "[derived]\n\"shell.phasing\" = \"round(shell.planes / 3)\"\n"
      "\"links.survival\" = \"1 - 0.01 * shell.phasing\"\n");
  EXPECT_EQ(at(derived, 1).constellation.shells[0].phasing, 3u);
  EXPECT_EQ(at(derived, 2).constellation.shells[0].phasing, 5u);
  EXPECT_DOUBLE_EQ(at(derived, 2).links.survival, 0.95);
}

TEST_F(SweepFile, DerivedKeysKnowDefaultsAndFiles) {
  write("shells.toml", std::string(base_shell));
  write("base.toml", with(base_scenario, base_shell, "[constellation]\nfile = \"shells.toml\"\n"));
  SweepPlan const derived =
      plan("[derived]\n\"placement.capacity\" = \"shell.planes - 4 + placement.capacity\"\n");
  EXPECT_EQ(at(derived, 0).capacity, 3u);
}

TEST_F(SweepFile, DerivedKeysMayMakeRoom) {
  SweepPlan const roomy = plan(
      "[set]\nmodel.experts = 40\n"
      "[derived]\n\"placement.capacity\" = \"ceil(2 * model.experts / shell.planes)\"\n");
  EXPECT_EQ(at(roomy, 0).capacity, 14u);
}

TEST_F(SweepFile, ShellsOfAWalkerNotationCanBeVaried) {
  write("base.toml", with(base_scenario, base_shell, "[constellation]\nwalker = \"D:550:53.0:48/6/1\"\n"));
  EXPECT_THAT(altitudes(plan("[[axis]]\nkey = \"shell.altitude_km\"\nvalues = [600, 700]\n")),
              ElementsAre(600, 700));
}

TEST_F(SweepFile, OneWayToGiveShellsTakesThePlaceOfAnother) {
  SweepPlan const walker =
      plan("[[axis]]\nkey = \"constellation.walker\"\nvalues = [\"D:600:53.0:48/6/1\"]\n");
  EXPECT_THAT(altitudes(walker), ElementsAre(600));
}

TEST_F(SweepFile, TablesAreReplacedAsAWhole) {
  SweepPlan const laws = plan(
      "[set]\nactivation.weights = \"log-normal\"\nactivation.sigma = 0.2\n"
      "[[axis]]\nkey = \"activation\"\nlabels = [\"even\", \"steep\"]\n"
      "values = [{weights = \"uniform\"}, {weights = \"zipf\", exponent = 1}]\n");
  EXPECT_THAT(laws.axes[0].coordinate.labels, ElementsAre("even", "steep"));
  EXPECT_DOUBLE_EQ(at(laws, 0).weights.weight[0], at(laws, 0).weights.weight[1]);
  EXPECT_GT(at(laws, 1).weights.weight[0], at(laws, 1).weights.weight[1]);
}

TEST_F(SweepFile, SetAndUnsetChangeAllPoints) {
  write("base.toml", base_and("[links]\nsurvival = 0.5\n"));
  SweepPlan const changed = plan("unset = [\"links.survival\"]\n[set]\n\"time.slots\" = 3\n");
  EXPECT_DOUBLE_EQ(at(changed, 0).links.survival, 1);
  EXPECT_EQ(at(changed, 0).time.slots, 3u);
}

TEST_F(SweepFile, ComplainsOfEverythingAtOnce) {
  std::string const found = problems(
      "colour = 1\n"
      "[[axis]]\nkey = \"shell.altitude_km\"\nvalues = []\n"
      "[[axis]]\nkey = \"a b\"\nvalues = [1]\n"
      "[[axis]]\nkey = \"time.slots\"\nfrom = 1\nto = 5\n"
      "[[axis]]\nzip = {a = [1, 2], b = [1]}\n"
      "[[axis]]\nname = \"x\"\n"
      "[derived]\n\"shell.phasing\" = \"1 +\"\n\"shell.planes\" = 3\n");
  EXPECT_THAT(found, HasSubstr("sweep.toml:2 colour: unknown key"));
  EXPECT_THAT(found, HasSubstr("sweep.toml:5 axis[0].values: is empty"));
  EXPECT_THAT(found, HasSubstr("sweep.toml:7 axis[1].key: \"a b\" is no key"));
  EXPECT_THAT(found, HasSubstr("sweep.toml:11 axis[2].from: has neither step nor count"));
  EXPECT_THAT(found, HasSubstr("sweep.toml:14 zip.b: has 1 values where a has 2"));
  EXPECT_THAT(found, HasSubstr("axis[4].key: missing"));
  EXPECT_THAT(found, HasSubstr("sweep.toml:18 derived.shell.phasing: no formula"));
  EXPECT_THAT(found, HasSubstr("sweep.toml:19 derived.shell.planes: must be a formula in quotes"));
}

TEST_F(SweepFile, ComplainsOfPointsOnceAndAtTheValue) {
  std::string const found = problems(
      "[[axis]]\nkey = \"shell.altitude_km\"\nvalues = [\n550,\n-1,\n]\n"
      "[[axis]]\nkey = \"links.survival\"\nvalues = [0.5, 2]\n");
  EXPECT_THAT(found, HasSubstr("sweep.toml:6 shell[0].altitude_km: -1 is out of range, at altitude_km = -1"));
  EXPECT_THAT(
      found,
      HasSubstr("sweep.toml:10 links.survival: 2 is out of range, at altitude_km = 550, survival = 2"));
  EXPECT_EQ(std::ranges::count(found, '\n'), 1);
}

TEST_F(SweepFile, ComplainsOfKeysThatNobodyKnows) {
  EXPECT_THAT(problems("[[axis]]\nkey = \"shell.altitude\"\nvalues = [1]\n"), HasSubstr("altitude_km"));
  EXPECT_THAT(problems("[[axis]]\nkey = \"shell[3].planes\"\nvalues = [1]\n"),
              HasSubstr("cannot be set: shell has 1 elements"));
  EXPECT_THAT(problems("unset = [\"links.survival\"]\n"), HasSubstr("is no key of the scenario"));
  EXPECT_THAT(problems("[derived]\n\"shell.phasing\" = \"shell.plane\"\n"),
              HasSubstr("shell.plane is no number of the scenario"));
  EXPECT_THAT(problems("[derived]\n\"shell.phasing\" = \"1 / 0\"\n"), HasSubstr("divide by 0"));
}

TEST_F(SweepFile, NamesOfAxesAreUniqueAndNotTheResultsOwn) {
  EXPECT_THAT(problems("[[axis]]\nname = \"strategy\"\nkey = \"time.slots\"\nvalues = [1]\n"),
              HasSubstr("is a name that results have themselves"));
  EXPECT_THAT(problems("[[axis]]\nkey = \"time.slots\"\nvalues = [1]\n[[axis]]\nname = \"slots\"\nkey = "
                       "\"links.survival\"\nvalues = [1]\n"),
              HasSubstr("is the name of two axes"));
  EXPECT_THAT(problems("[[axis]]\nkey = \"time.slots\"\nvalues = [1]\n[[axis]]\nname = \"s\"\nkey = "
                       "\"time.slots\"\nvalues = [2]\n"),
              HasSubstr("time.slots is varied by two axes"));
  EXPECT_THAT(problems("[[axis]]\nkey = \"time.slots\"\nvalues = [1, 1]\n"), HasSubstr("are called \"1\""));
}

TEST_F(SweepFile, OptionsMustNotUndoAxes) {
  ScenarioOverrides overrides;
  overrides.seed = 3;
  EXPECT_THAT(problems("[[axis]]\nkey = \"seed\"\nvalues = [1, 2]\n", overrides),
              HasSubstr("--seed: conflicts with the axis over seed"));
  EXPECT_EQ(at(plan("", overrides), 0).seed.value, 3u);
}

TEST_F(SweepFile, PointsWithoutRoomAreNotWrong) {
  SweepPlan const capacity = plan(
      "[[axis]]\nkey = \"shell.planes\"\nvalues = [6, 1]\n"
      "[[axis]]\nkey = \"model.experts\"\nvalues = [4, 8]\n");
  auto const checks = check_points(capacity);
  ASSERT_EQ(checks.size(), 4u);
  EXPECT_EQ(checks[0].failure, "");
  EXPECT_GT(checks[0].bytes, 0);
  EXPECT_THAT(checks[3].failure, HasSubstr("free places for"));
  std::set<std::string> digests;
  for (PointCheck const& check : checks) digests.insert(check.digest);
  EXPECT_EQ(digests.size(), 4u);
}

TEST_F(SweepFile, PointsOfANetworkCanBeBroughtTogether) {
  SweepPlan const grid = plan(
      "[[axis]]\nkey = \"damage.satellites\"\nvalues = [0, 0.1]\n"
      "[[axis]]\nkey = \"links.survival\"\nvalues = [0.9, 1]\n"
      "[[axis]]\nkey = \"model.top_k\"\nvalues = [1, 2]\n");
  std::vector<std::uint64_t> points{0, 1, 2, 3, 4, 5, 6, 7};
  sort_by_network(grid, points);
  EXPECT_THAT(points, ElementsAre(0, 1, 4, 5, 2, 3, 6, 7));
  EXPECT_TRUE(same_network(at(grid, 0), at(grid, 5)));
  EXPECT_FALSE(same_network(at(grid, 0), at(grid, 2)));
}

TEST_F(SweepFile, HasALimitOfPoints) {
  std::string const axis = "from = 1\nto = 1000000\nstep = 1\n";
  EXPECT_THAT(
      problems("[[axis]]\nkey = \"evaluation.tokens\"\n" + axis + "[[axis]]\nkey = \"seed\"\n" + axis),
      HasSubstr("more than 10000000 points"));
}

}  // namespace
}  // namespace spacemoe::test
