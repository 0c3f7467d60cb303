#include "host/io/sweep_manifest.hpp"

#include <gmock/gmock.h>

#include "tests/io/scenario_support.hpp"

namespace spacemoe::test {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SweepManifest some_manifest() {
  return {
      "seed = 1\n[links]\nsurvival = 0.9\n[placement]\nstrategies = [\"greedy\"]\n",
      {"altitude_km = 550, 600", "planes = 6, 7, 8"},
      {"compute.rate_flop_s = 1e9"},
      {"0000000000000000", "1111111111111111", "2222222222222222", "3333333333333333", "4444444444444444"},
      "abc"};
}

std::vector<std::string> differences(SweepManifest const& found, SweepManifest const& wanted) {
  constexpr std::string_view prefix = "belongs to another sweep: ";
  std::vector<std::string> all;
  for (Complaint const& complaint : manifest_differences(found, wanted, "x.records")) {
    EXPECT_EQ(complaint.where, "x.records");
    EXPECT_THAT(complaint.what, ::testing::StartsWith(prefix));
    all.push_back(complaint.what.substr(prefix.size()));
  }
  return all;
}

std::string refusal(std::string_view text) {
  try {
    parse_manifest(text, "x.records");
    return "";
  } catch (ScenarioError const& error) {
    return error.what();
  }
}

TEST(SweepManifest, ComesBackFromText) {
  SweepManifest const manifest = some_manifest();
  EXPECT_EQ(parse_manifest(manifest_text(manifest), "x"), manifest);
  EXPECT_EQ(manifest_text(parse_manifest(manifest_text(manifest), "x")), manifest_text(manifest));
  EXPECT_EQ(parse_manifest(manifest_text({}), "x"), SweepManifest{});
}

TEST(SweepManifest, IsRefusedWhereItIsNone) {
  std::string const text = manifest_text(some_manifest());
  for (std::string_view const none : {"", "[]", "17", "null", "{}", "{"}) {
    EXPECT_THAT(refusal(none), AllOf(HasSubstr("x.records"), HasSubstr("holds no description"))) << none;
  }
  EXPECT_THAT(refusal(with(text, "\"abc\"", "5")), HasSubstr("holds no description"));
  EXPECT_THAT(refusal(with(text, "spacemoe sweep 1", "spacemoe sweep 2")), HasSubstr("of another version"));
}

TEST(SweepManifest, DiffersInNothingFromItself) {
  EXPECT_THAT(differences(some_manifest(), some_manifest()), IsEmpty());
}

TEST(SweepManifest, DiffersInKeysOfTheBase) {
  SweepManifest wanted = some_manifest();
  wanted.base = "seed = 2\n[links]\n[placement]\nstrategies = [\"greedy\", \"spacemoe\"]\n";
  wanted.point_digest[2] = "changed";
  EXPECT_THAT(differences(some_manifest(), wanted),
              ElementsAre("links.survival was 0.9, is nothing",
                          "placement.strategies[1] was nothing, is \"spacemoe\"", "seed was 1, is 2"));
}

TEST(SweepManifest, ShowsOnlyTheFirstOfManyKeys) {
  SweepManifest found = some_manifest();
  SweepManifest wanted = some_manifest();
  for (int i = 0; i < 20; ++i) {
    found.base += "k" + std::to_string(i) + " = 1\n";
    wanted.base += "k" + std::to_string(i) + " = 2\n";
  }
  auto const found_words = differences(found, wanted);
  ASSERT_THAT(found_words, SizeIs(9));
  EXPECT_EQ(found_words.back(), "12 more keys of the base scenario");
}

TEST(SweepManifest, DiffersInAxesAndSettings) {
  SweepManifest wanted = some_manifest();
  wanted.axes = {"altitude_km = 550, 650", "planes = 6, 7, 8", "seed = 1, 2"};
  wanted.settings = {};
  EXPECT_THAT(differences(some_manifest(), wanted),
              ElementsAre("axis was altitude_km = 550, 600, is altitude_km = 550, 650",
                          "axis is new: seed = 1, 2", "setting is gone: compute.rate_flop_s = 1e9"));
  wanted = some_manifest();
  std::swap(wanted.axes[0], wanted.axes[1]);
  EXPECT_THAT(differences(some_manifest(), wanted),
              ElementsAre("order of axis lines was altitude_km = 550, 600; planes = 6, 7, 8, "
                          "is planes = 6, 7, 8; altitude_km = 550, 600"));
}

TEST(SweepManifest, ShowsWhereLongLinesDiffer) {
  SweepManifest found = some_manifest();
  SweepManifest wanted = some_manifest();
  std::string values = "axis = ";
  for (int i = 0; i < 500; ++i) values += "é, ";
  found.axes[0] = values + "x7";  // the excerpt begins within a character but for care
  wanted.axes[0] = values + "x8" + values;
  auto const words = differences(found, wanted);
  ASSERT_THAT(words, SizeIs(1));
  EXPECT_THAT(words[0],
              AllOf(HasSubstr("axis was ...é, "), HasSubstr("é, x7, is ...é, "), HasSubstr("é, x8axis")));
  EXPECT_LT(words[0].size(), 300u);
}

TEST(SweepManifest, DiffersInPointsWhereAllElseIsTheSame) {
  SweepManifest wanted = some_manifest();
  for (unsigned const point : {1u, 2u, 3u, 4u}) wanted.point_digest[point] = "changed";
  auto const words = differences(some_manifest(), wanted);
  ASSERT_THAT(words, SizeIs(4));
  EXPECT_THAT(words[0], HasSubstr("point 1 was another scenario"));
  EXPECT_THAT(words[2], HasSubstr("point 3 was another scenario"));
  EXPECT_EQ(words[3], "1 more points likewise");
  EXPECT_THAT(manifest_differences(some_manifest(), wanted, "x",
                                   [](std::uint64_t i) { return "number " + std::to_string(i) + "!"; })[0]
                  .what,
              HasSubstr(" number 1! was"));
  wanted.point_digest.pop_back();
  EXPECT_THAT(differences(some_manifest(), wanted), ElementsAre("it had 5 points, has 4"));
}

TEST(SweepManifest, DiffersInTheMathLibrary) {
  SweepManifest wanted = some_manifest();
  wanted.numerics = "def";
  EXPECT_THAT(differences(some_manifest(), wanted),
              ElementsAre(HasSubstr("the math library of this machine")));
}

TEST(SweepManifest, HasDigestsInHexadecimal) {
  EXPECT_EQ(short_digest("abc"), "ba7816bf8f01cfea");  // FIPS 180-2, appendix B.1
  EXPECT_THAT(numerics_digest(), SizeIs(64));
  EXPECT_EQ(numerics_digest(), numerics_digest());
}

}  // namespace
}  // namespace spacemoe::test
