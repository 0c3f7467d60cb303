#include "host/io/key_path.hpp"

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

TomlValue document(std::string const& text) {
  std::vector<Complaint> complaints;
  auto const root = parse_toml(text, "test.toml", complaints);
  EXPECT_TRUE(complaints.empty());
  return root.value();
}

KeyPath path(std::string_view text) {
  return parse_key_path(text).value();
}

TomlValue number(std::int64_t value) {
  TomlValue const root = document("x = 0");
  return {value, root.file, 1};
}

std::int64_t value_at(TomlValue const& root, std::string_view text) {
  TomlValue const* found = find_key(root, path(text));
  return found == nullptr ? -1 : *found->as<std::int64_t>();
}

TEST(KeyPath, HasStepsWithAndWithoutNumbers) {
  KeyPath const parsed = path("shell[12].planes");
  ASSERT_EQ(parsed.steps.size(), 2u);
  EXPECT_EQ(parsed.steps[0].key, "shell");
  EXPECT_EQ(parsed.steps[0].number, 12u);
  EXPECT_EQ(parsed.name(), "planes");
  EXPECT_FALSE(parsed.steps[1].number);
}

TEST(KeyPath, RefusesWhatIsNone) {
  for (char const* text : {"", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[1", "a[1]b", "a[-1]", "a b",
                           "[1]", "a[99999999999999999999999]"}) {
    EXPECT_FALSE(parse_key_path(text)) << text;
  }
}

TEST(KeyPath, FindsValuesInTablesAndArrays) {
  TomlValue const root = document("a.b = 1\n[[c]]\nd = 2\n[[e]]\nd = 3\n[[e]]\nd = 4\nf = [5, 6]");
  EXPECT_EQ(value_at(root, "a.b"), 1);
  EXPECT_EQ(value_at(root, "c.d"), 2);
  EXPECT_EQ(value_at(root, "c[0].d"), 2);
  EXPECT_EQ(value_at(root, "e[1].d"), 4);
  EXPECT_EQ(value_at(root, "e[1].f[1]"), 6);
  for (char const* missing : {"a.c", "b", "a.b.c", "c[1].d", "e.d", "e[2].d", "a[0].b", "e[1].f[2]"}) {
    EXPECT_EQ(find_key(root, path(missing)), nullptr) << missing;
  }
}

TEST(KeyPath, SetsAndMakesTables) {
  TomlValue root = document("a.b = 1\n[[c]]\nd = 2");
  EXPECT_FALSE(set_key(root, path("a.b"), number(7)));
  EXPECT_FALSE(set_key(root, path("c.e"), number(8)));
  EXPECT_FALSE(set_key(root, path("x.y.z"), number(9)));
  EXPECT_EQ(value_at(root, "a.b"), 7);
  EXPECT_EQ(value_at(root, "c[0].d"), 2);
  EXPECT_EQ(value_at(root, "c[0].e"), 8);
  EXPECT_EQ(value_at(root, "x.y.z"), 9);
}

TEST(KeyPath, SaysWhyNothingCanBeSet) {
  TomlValue root = document("a = 1\n[[c]]\nd = 2\n[[c]]\nd = 3");
  EXPECT_EQ(set_key(root, path("c.d"), number(0)), "c has 2 elements; say which, as in c[0]");
  EXPECT_EQ(set_key(root, path("c[2].d"), number(0)), "c has 2 elements");
  EXPECT_EQ(set_key(root, path("a.b"), number(0)), "what is above it is no table");
  EXPECT_EQ(set_key(root, path("a[0]"), number(0)), "a is no array");
  EXPECT_EQ(inline_text(root), "{a = 1, c = [{d = 2}, {d = 3}]}");
}

TEST(KeyPath, TakesKeysAway) {
  TomlValue root = document("a.b = 1\na.c = 2");
  EXPECT_TRUE(erase_key(root, path("a.b")));
  EXPECT_FALSE(erase_key(root, path("a.b")));
  EXPECT_FALSE(erase_key(root, path("x.y")));
  EXPECT_EQ(inline_text(root), "{a = {c = 2}}");
}

TEST(KeyPath, KnowsWhatItIsWithin) {
  EXPECT_TRUE(path("shell[1].planes").is_within("shell"));
  EXPECT_TRUE(path("shell").is_within("shell"));
  EXPECT_FALSE(path("shells.planes").is_within("shell"));
  EXPECT_FALSE(path("shell").is_within("shell.planes"));
}

TEST(KeyPath, LeavesAreTheSameHoweverTheyAreWritten) {
  TomlValue const root = document("\"a.b\" = 1\nc.d = 2\n[e.f]\ng = [3]");
  std::vector<std::string> found;
  for (TomlLeaf const& leaf : leaves(*root.as<TomlTable>()))
    found.push_back(leaf.path + " " + inline_text(*leaf.value));
  EXPECT_EQ(found, (std::vector<std::string>{"a.b 1", "c.d 2", "e.f.g [3]"}));
}

}  // namespace
}  // namespace spacemoe
