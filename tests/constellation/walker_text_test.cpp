#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/constellation/constellation.hpp"

namespace spacemoe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string complaint(std::string_view text) {
  try {
    parse_walker(text);
  } catch (std::invalid_argument const& error) {
    return error.what();
  }
  return "accepted";
}

TEST(WalkerText, ReadsADelta) {
  auto const shells = parse_walker("D:550:53.5:1584/72/39");
  ASSERT_EQ(shells.size(), 1u);
  EXPECT_EQ(shells[0].name, "D:550:53.5:1584/72/39");
  EXPECT_EQ(shells[0].pattern, Pattern::delta);
  EXPECT_EQ(shells[0].phasing_rule, PhasingRule::walker);
  EXPECT_EQ(shells[0].altitude_km, 550);
  EXPECT_EQ(shells[0].inclination_deg, 53.5);
  EXPECT_EQ(shells[0].planes, 72u);
  EXPECT_EQ(shells[0].satellites_per_plane, 22u);
  EXPECT_EQ(shells[0].phasing, 39u);
  EXPECT_EQ(shells[0].raan0_deg, 0);
}

TEST(WalkerText, ReadsSeveralShellsInOrder) {
  auto const shells = parse_walker("D:540:53.2:1584/72/17 + S:1200:87.9:720/18/9");
  ASSERT_EQ(shells.size(), 2u);
  EXPECT_EQ(shells[0].altitude_km, 540);
  EXPECT_EQ(shells[1].pattern, Pattern::star);
  EXPECT_EQ(shells[1].name, "S:1200:87.9:720/18/9");
  EXPECT_EQ(shells[1].planes, 18u);
  EXPECT_EQ(shells[1].satellites_per_plane, 40u);
  EXPECT_EQ(shells[1].phasing, 9u);
}

TEST(WalkerText, TakesTheEndsOfEveryRange) {
  EXPECT_EQ(parse_walker("D:550:0:1/1/0")[0].satellites_per_plane, 1u);
  EXPECT_EQ(parse_walker("D:550:180:72/72/71")[0].phasing, 71u);
}

TEST(WalkerText, SaysWhichPartIsMalformed) {
  EXPECT_THAT(complaint(""), HasSubstr("expected pattern:altitude"));
  EXPECT_THAT(complaint("D:550:53.0"), HasSubstr("not 3 part(s)"));
  EXPECT_THAT(complaint("D:550:53:1584/72/39:1"), HasSubstr("not 5 part(s)"));
  EXPECT_THAT(complaint("D:550:53:1584/72/39+"), HasSubstr("''"));
  EXPECT_THAT(complaint("X:550:53:1584/72/39"), HasSubstr("'X' is neither D (delta) nor S (star)"));
  EXPECT_THAT(complaint("D:550km:53:1584/72/39"), HasSubstr("altitude '550km' is not a number"));
  EXPECT_THAT(complaint("D:550::1584/72/39"), HasSubstr("inclination '' is not a number"));
  EXPECT_THAT(complaint("D:550:53:1584/72"), HasSubstr("'1584/72' is not T/P/F"));
  EXPECT_THAT(complaint("D:550:53:1584.5/72/39"), HasSubstr("T '1584.5' is not a whole number"));
  EXPECT_THAT(complaint("D:550:53:1584/-72/39"), HasSubstr("P '-72' is not a whole number"));
  EXPECT_THAT(complaint("D:550:53:1584/72/39x"), HasSubstr("F '39x' is not a whole number"));
  EXPECT_THAT(complaint("D:550:53:4294967296/72/39"), HasSubstr("T '4294967296' is not a whole number"));
}

TEST(WalkerText, RefusesImpossibleOrbits) {
  EXPECT_THAT(complaint("D:-550:53:1584/72/39"),
              HasSubstr("altitude -550 km is not a finite number above 0"));
  EXPECT_THAT(complaint("D:0:53:1584/72/39"), HasSubstr("altitude 0 km"));
  EXPECT_THAT(complaint("D:inf:53:1584/72/39"), HasSubstr("altitude inf km"));
  EXPECT_THAT(complaint("D:nan:53:1584/72/39"), HasSubstr("altitude nan km"));
  EXPECT_THAT(complaint("D:550:180.1:1584/72/39"), HasSubstr("inclination 180.1 deg is outside [0, 180]"));
  EXPECT_THAT(complaint("D:550:-1:1584/72/39"), HasSubstr("inclination -1 deg"));
  EXPECT_THAT(complaint("D:550:nan:1584/72/39"), HasSubstr("inclination nan deg"));
}

TEST(WalkerText, RefusesImpossibleCounts) {
  EXPECT_THAT(complaint("D:550:53:1583/72/39"),
              HasSubstr("T = 1583 is not a multiple of P = 72; the nearest is 1584"));
  EXPECT_THAT(complaint("D:550:53:10/72/39"), HasSubstr("the nearest is 72"));
  EXPECT_THAT(complaint("D:550:53:1584/72/72"), HasSubstr("F = 72 is outside [0, P - 1] = [0, 71]"));
  EXPECT_THAT(complaint("D:550:53:0/72/0"), HasSubstr("T = 0"));
  EXPECT_THAT(complaint("D:550:53:1584/0/0"), HasSubstr("P = 0"));
}

TEST(WalkerText, GivesEveryReasonAtOnce) {
  EXPECT_THAT(
      complaint("X:0:53:1583/72/72+S:550:200:720/18/9"),
      AllOf(HasSubstr("'X:0:53:1583/72/72': pattern"), HasSubstr("altitude 0 km"), HasSubstr("T = 1583"),
            HasSubstr("F = 72"), HasSubstr("'S:550:200:720/18/9': inclination 200 deg")));
}

}  // namespace
}  // namespace spacemoe
