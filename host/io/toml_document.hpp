#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/errors.hpp"

namespace spacemoe {

struct TomlValue;
struct TomlEntry;

using TomlArray = std::vector<TomlValue>;

struct TomlTable {
  std::vector<TomlEntry> entries;  ///< in the order of the file

  TomlValue const* find(std::string_view key) const;
  TomlValue* find(std::string_view key);
};

/// A date or time, which no key of ours takes.
struct TomlDate {};

/// A value of a TOML file that knows where it stands, whichever file it came from.
struct TomlValue {
  std::variant<bool, std::int64_t, double, std::string, TomlDate, TomlArray, TomlTable> value;
  std::shared_ptr<std::filesystem::path const> file;
  std::uint32_t line = 0;

  template <class T>
  T const* as() const {
    return std::get_if<T>(&value);
  }
  template <class T>
  T* as() {
    return std::get_if<T>(&value);
  }

  /// "file:line"
  std::string position() const;
  /// What kind of value it is, for complaints: `the string "x"`, `an array`, ...
  std::string description() const;
};

struct TomlEntry {
  std::string key;
  TomlValue value;
};

/// The value as TOML writes it on one line.
std::string inline_text(TomlValue const& value);

/// Parses TOML text; a syntax error is one complaint with file:line:column, and nothing is returned.
std::optional<TomlValue> parse_toml(std::string const& text, std::filesystem::path const& file,
                                    std::vector<Complaint>& complaints);

}  // namespace spacemoe
