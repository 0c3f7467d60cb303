#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/io/toml_document.hpp"

namespace spacemoe {

/// Where a key of a TOML file stands: tables from the root on, and numbers in arrays, as in
/// `shell[1].planes`. Of an array with one element the number may be left out.
struct KeyPath {
  struct Step {
    std::string key;
    std::optional<std::size_t> number;
  };

  std::string text;
  std::vector<Step> steps;

  /// The last key, without a number.
  std::string const& name() const { return steps.back().key; }
  /// Whether this is `other` or stands within it; numbers that may be left out do not matter.
  bool is_within(std::string_view other) const;
};

/// Nothing where the text is no path.
std::optional<KeyPath> parse_key_path(std::string_view text);

/// The value there, or null.
TomlValue const* find_key(TomlValue const& root, KeyPath const& path);

/// Puts a value there, in place of any; tables above it are made where they are missing. Where it cannot be
/// put, says why.
std::optional<std::string> set_key(TomlValue& root, KeyPath const& path, TomlValue value);

/// Whether there was something to take away.
bool erase_key(TomlValue& root, KeyPath const& path);

/// A value that tables lead to.
struct TomlLeaf {
  std::string path;
  TomlValue const* value;
};

/// All values of a table and of the tables within it, so that `a.b = 1`, `"a.b" = 1` and b in [a] are the
/// same.
std::vector<TomlLeaf> leaves(TomlTable const& table);

}  // namespace spacemoe
