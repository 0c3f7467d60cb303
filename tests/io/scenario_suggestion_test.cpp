#include <array>

#include <gtest/gtest.h>

#include "host/io/number_text.hpp"
#include "host/io/suggestion.hpp"

namespace spacemoe {
namespace {

TEST(Suggestion, EditDistanceOfKnownPairs) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("slots", "sltos"), 1u);
  EXPECT_EQ(edit_distance("planes", "plans"), 1u);
  EXPECT_EQ(edit_distance("ca", "abc"), 3u);  // optimal string alignment never edits a swapped pair again
}

TEST(Suggestion, NearestTakesTheFirstOfEquals) {
  constexpr std::array<std::string_view, 3> words{"wrap", "cut", "wrap-phased"};
  EXPECT_EQ(nearest("wrapp", words), "wrap");
  EXPECT_EQ(nearest("wrap_phased", words), "wrap-phased");
  EXPECT_EQ(nearest("cat", words), "cut");
  EXPECT_EQ(nearest("x", {}), "");
}

TEST(NumberText, ShortestThatReadsBack) {
  EXPECT_EQ(toml_number(0.1), "0.1");
  EXPECT_EQ(toml_number(550), "550.0");
  EXPECT_EQ(toml_number(1e11), "1e+11");
  EXPECT_EQ(toml_number(-0.0), "-0.0");
  EXPECT_EQ(toml_number(12345678901234567890.0), "12345678901234567168.0");
  EXPECT_EQ(plain_number(550), "550");
  EXPECT_EQ(plain_number(100000), "100000");
  EXPECT_EQ(plain_number(0.25), "0.25");
}

TEST(NumberText, NumbersAreReadWholeOrNotAtAll) {
  EXPECT_EQ(parse_number(" 1.5e3\r"), 1500);
  EXPECT_EQ(parse_number("+2"), 2);
  for (char const* text : {"", " ", "1x", "1 2", "nan", "inf", "1e999", "+-2", "0x10"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
}

TEST(NumberText, StringsAreEscaped) {
  EXPECT_EQ(toml_string("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000A\"");
}

}  // namespace
}  // namespace spacemoe
