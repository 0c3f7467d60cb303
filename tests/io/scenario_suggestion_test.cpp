#include <array>
#include <span>
#include <string>

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

TEST(Suggestion, EndlessWordsAndCandidatesAreCut) {
  std::string const endless(std::size_t{1} << 20, 'x');
  std::array<std::string_view, 2> const words{"cut", endless};
  std::string const cut = std::string(60, 'x') + "...";
  EXPECT_EQ(suggestion("ct", words), "the nearest is \"cut\"; valid are cut, " + cut);
  EXPECT_EQ(suggestion(endless, std::span(words).first(1)), "the nearest is \"cut\"; valid are cut");
}

TEST(NumberText, ExcerptsAreShortAndOfVisibleCharacters) {
  EXPECT_EQ(excerpt("a\"b\\c"), "a\"b\\c");
  EXPECT_EQ(excerpt(std::string(60, 'x')), std::string(60, 'x'));
  EXPECT_EQ(excerpt(std::string(61, 'x')), std::string(60, 'x') + "...");
  EXPECT_EQ(excerpt("abcdef", 3), "abc...");
  // A character of two bytes is left out as a whole.
  EXPECT_EQ(excerpt("ab\u00e9f", 3), "ab...");
  EXPECT_EQ(excerpt(std::string_view("a\0\n\x1b[2J\x7f", 8)), "a\\u0000\\u000A\\u001B[2J\\u007F");
  // U+009B begins an escape sequence, too; U+00A0 and beyond are visible.
  EXPECT_EQ(excerpt("\u009b\u00a0\u00db"), "\\u009B\u00a0\u00db");
  EXPECT_EQ(quoted_excerpt("a\"\n"), "\"a\\\"\\u000A\"");
  EXPECT_EQ(quoted_excerpt(std::string(99, 'x')), '"' + std::string(60, 'x') + "...\"");
}

TEST(NumberText, ControlCharactersAreFound) {
  for (char const* text : {"a\nb", "\x1b[2J", "\x7f", "\u0080", "tab\t"}) {
    EXPECT_TRUE(has_control_characters(text)) << text;
  }
  EXPECT_TRUE(has_control_characters(std::string_view("a\0", 2)));
  for (char const* text : {"", "plain ~", "caf\u00e9 \u00c2\u00a0", "\u2028 \U0001f6f0"}) {
    EXPECT_FALSE(has_control_characters(text)) << text;
  }
}

TEST(NumberText, StringsAreEscaped) {
  EXPECT_EQ(toml_string("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000A\"");
}

}  // namespace
}  // namespace spacemoe
