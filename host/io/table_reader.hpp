#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/errors.hpp"
#include "host/io/toml_document.hpp"

namespace spacemoe {

/// Real numbers that a key takes; all bounds are finite.
struct Range {
  double min;
  double max;
  bool above_min = false;  ///< `min` itself is not allowed

  bool contains(double value) const { return (above_min ? value > min : value >= min) && value <= max; }
  /// `from 0 to 1`, `above 0 and at most 1`.
  std::string text() const;
};

/// Numbers given as one number, a list, or a list of lists of equal length.
struct NumberArray {
  unsigned depth = 0;  ///< 0 one number, 1 a list, 2 a list of lists
  std::size_t rows = 1;
  std::size_t columns = 1;
  std::vector<double> value;  ///< [row][column]

  /// `a number`, `3 numbers`, `2 rows of 3 numbers`.
  std::string shape() const;
};

/// A word that a key takes, and what it stands for.
template <class T>
struct Named {
  std::string_view name;
  T value;
};

/// Reads one table of a TOML file: typed values within ranges, and a complaint with file:line and key about
/// everything that is not so. Every getter returns nothing for a key that is absent or that was complained
/// of, and remembers the key, so that complain_of_the_rest can name the keys that nobody knows.
class TableReader {
 public:
  /// `path` is what the table is called in complaints; empty for the root. The table must outlive the reader.
  TableReader(TomlValue const& table, std::string path, std::vector<Complaint>& complaints);

  bool has(std::string_view key) const;
  /// "file:line path.key"; the line of the table where the key is absent.
  std::string where(std::string_view key) const;
  /// "file:line path.key[i][j]" of an element of the array of that key, which must be there.
  std::string where(std::string_view key, std::initializer_list<std::size_t> indices) const;
  /// "file:line path" of the table itself.
  std::string where() const;
  std::vector<Complaint>& complaints() { return *complaints_; }
  TomlValue const& value() const { return *value_; }

  /// The value as it stands, for keys that take several types.
  TomlValue const* find(std::string_view key);
  /// Complains when the key is absent.
  bool require(std::string_view key, std::string const& why);

  std::optional<bool> boolean(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  /// Text of one line, without control characters.
  std::optional<std::string> label(std::string_view key);
  std::optional<std::uint64_t> integer(std::string_view key, std::uint64_t min, std::uint64_t max);
  std::optional<std::uint32_t> count(std::string_view key, std::uint32_t min, std::uint32_t max);
  std::optional<double> real(std::string_view key, Range range);
  /// A number, or "off" for none.
  std::optional<double> limit(std::string_view key, Range range);
  std::optional<NumberArray> numbers(std::string_view key, Range range);
  /// Integers only, from 0 to `max`.
  std::optional<NumberArray> integers(std::string_view key, std::uint32_t max);
  std::optional<std::vector<std::string>> texts(std::string_view key);
  /// A path, relative to the folder of the file that gives it.
  std::optional<std::filesystem::path> path(std::string_view key);

  template <class T, std::size_t n>
  std::optional<T> choice(std::string_view key, std::array<Named<T>, n> const& names) {
    std::array<std::string_view, n> words;
    for (std::size_t i = 0; i < n; ++i) words[i] = names[i].name;
    auto const chosen = choose(key, words);
    if (!chosen) return std::nullopt;
    return names[*chosen].value;
  }

  /// A table within this one; empty where the key is absent.
  TableReader table(std::string_view key);
  /// An array of tables; empty where the key is absent.
  std::vector<TableReader> tables(std::string_view key);

  void complain(std::string_view key, std::string what, std::string remedy = "");
  /// Complains of a key that is there but would have no effect.
  void refuse(std::string_view key, std::string const& why, std::string remedy = "leave it out");
  /// Complains of every key that was never asked for, naming the nearest that was.
  void complain_of_the_rest();

 private:
  std::optional<std::size_t> choose(std::string_view key, std::span<std::string_view const> words);
  std::optional<double> number(TomlValue const& value, std::string const& where, Range range);
  std::optional<double> whole_number(TomlValue const& value, std::string const& where, std::uint64_t min,
                                     std::uint64_t max);
  template <class ReadNumber>
  std::optional<NumberArray> array(std::string_view key, ReadNumber read_number);
  template <class ReadNumber>
  bool append_row(TomlArray const& row, std::string const& name, NumberArray& numbers,
                  ReadNumber read_number);
  std::string name_of(std::string_view key) const;
  void wrong_type(std::string_view key, TomlValue const& value, std::string const& expected,
                  std::string remedy = "");

  TomlValue const* value_;
  TomlTable const* table_;
  std::string path_;
  std::vector<Complaint>* complaints_;
  std::vector<std::string> known_;
};

}  // namespace spacemoe
