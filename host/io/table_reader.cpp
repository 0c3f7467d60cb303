#include "host/io/table_reader.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "host/io/number_text.hpp"
#include "host/io/suggestion.hpp"

namespace spacemoe {
namespace {

constexpr std::size_t complaints_per_array = 10;
constexpr std::size_t longest_path = 4096;

TomlTable const empty_table;

std::string indexed(std::string const& name, std::size_t i) {
  return name + "[" + std::to_string(i) + "]";
}

std::string numbers_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " number" : " numbers");
}

/// A key as TOML writes it.
std::string key_text(std::string_view key) {
  constexpr std::string_view bare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  bool const plain = !key.empty() && key.find_first_not_of(bare) == std::string_view::npos;
  return plain ? excerpt(key) : quoted_excerpt(key);
}

}  // namespace

std::string Range::text() const {
  if (above_min) return "above " + plain_number(min) + " and at most " + plain_number(max);
  return "from " + plain_number(min) + " to " + plain_number(max);
}

std::string NumberArray::shape() const {
  if (depth == 0) return "one number";
  if (depth == 1) return numbers_text(columns);
  return std::to_string(rows) + (rows == 1 ? " row of " : " rows of ") + numbers_text(columns);
}

TableReader::TableReader(TomlValue const& table, std::string path, std::vector<Complaint>& complaints)
    : value_(&table), table_(table.as<TomlTable>()), path_(std::move(path)), complaints_(&complaints) {
  if (table_ == nullptr) table_ = &empty_table;
}

bool TableReader::has(std::string_view key) const {
  return table_->find(key) != nullptr;
}

std::string TableReader::name_of(std::string_view key) const {
  return (path_.empty() ? "" : path_ + ".") + key_text(key);
}

std::string TableReader::where(std::string_view key) const {
  TomlValue const* value = table_->find(key);
  return (value != nullptr ? *value : *value_).position() + " " + name_of(key);
}

std::string TableReader::where(std::string_view key, std::initializer_list<std::size_t> indices) const {
  TomlValue const* element = table_->find(key);
  std::string name = name_of(key);
  for (std::size_t const i : indices) {
    element = &(*element->as<TomlArray>())[i];
    name = indexed(name, i);
  }
  return element->position() + " " + name;
}

std::string TableReader::where() const {
  return value_->position() + (path_.empty() ? "" : " " + path_);
}

TomlValue const* TableReader::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  return table_->find(key);
}

bool TableReader::require(std::string_view key, std::string const& why) {
  if (find(key) != nullptr) return true;
  complain(key, "missing", why);
  return false;
}

void TableReader::complain(std::string_view key, std::string what, std::string remedy) {
  complaints_->push_back({where(key), std::move(what), std::move(remedy)});
}

void TableReader::wrong_type(std::string_view key, TomlValue const& value, std::string const& expected,
                             std::string remedy) {
  complain(key, "must be " + expected + ", not " + value.description(), std::move(remedy));
}

std::optional<bool> TableReader::boolean(std::string_view key) {
  TomlValue const* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (auto const* given = value->as<bool>()) return *given;
  wrong_type(key, *value, "true or false");
  return std::nullopt;
}

std::optional<std::string> TableReader::text(std::string_view key) {
  TomlValue const* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (auto const* given = value->as<std::string>()) return *given;
  wrong_type(key, *value, "a string");
  return std::nullopt;
}

std::optional<std::string> TableReader::label(std::string_view key) {
  auto line = text(key);
  if (!line || !has_control_characters(*line)) return line;
  complain(key, quoted_excerpt(*line) + " holds control characters",
           "write it on one line, of visible characters");
  return std::nullopt;
}

std::optional<std::uint64_t> TableReader::integer(std::string_view key, std::uint64_t min,
                                                  std::uint64_t max) {
  TomlValue const* value = find(key);
  if (value == nullptr || !whole_number(*value, where(key), min, max)) return std::nullopt;
  return static_cast<std::uint64_t>(*value->as<std::int64_t>());
}

std::optional<std::uint32_t> TableReader::count(std::string_view key, std::uint32_t min, std::uint32_t max) {
  auto const value = integer(key, min, max);
  if (!value) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

std::optional<double> TableReader::real(std::string_view key, Range range) {
  TomlValue const* value = find(key);
  if (value == nullptr) return std::nullopt;
  return number(*value, where(key), range);
}

std::optional<double> TableReader::limit(std::string_view key, Range range) {
  TomlValue const* value = find(key);
  auto const* word = value == nullptr ? nullptr : value->as<std::string>();
  if (word == nullptr) return real(key, range);
  if (*word != "off") wrong_type(key, *value, "a number or \"off\"");
  return std::nullopt;
}

std::optional<double> TableReader::number(TomlValue const& value, std::string const& where, Range range) {
  double number = 0;
  if (auto const* integer = value.as<std::int64_t>()) {
    number = static_cast<double>(*integer);
  } else if (auto const* real = value.as<double>()) {
    number = *real;
  } else {
    complaints_->push_back(
        {where, "must be a number, not " + value.description(), "give a number " + range.text()});
    return std::nullopt;
  }
  if (range.contains(number)) return number;
  bool const finite = std::isfinite(number);
  complaints_->push_back({where,
                          value.description() + (finite ? " is out of range" : " is not a finite number"),
                          "give a number " + range.text()});
  return std::nullopt;
}

std::optional<double> TableReader::whole_number(TomlValue const& value, std::string const& where,
                                                std::uint64_t min, std::uint64_t max) {
  std::string const remedy = "give an integer from " + std::to_string(min) + " to " + std::to_string(max);
  auto const* integer = value.as<std::int64_t>();
  if (integer == nullptr) {
    complaints_->push_back({where, "must be an integer, not " + value.description(), remedy});
    return std::nullopt;
  }
  if (*integer < 0 || static_cast<std::uint64_t>(*integer) < min ||
      static_cast<std::uint64_t>(*integer) > max) {
    complaints_->push_back({where, value.description() + " is out of range", remedy});
    return std::nullopt;
  }
  return static_cast<double>(*integer);
}

template <class ReadNumber>
bool TableReader::append_row(TomlArray const& row, std::string const& name, NumberArray& numbers,
                             ReadNumber read_number) {
  std::size_t bad = 0;
  for (std::size_t i = 0; i < row.size() && bad < complaints_per_array; ++i) {
    if (auto const element = read_number(row[i], row[i].position() + " " + indexed(name, i))) {
      numbers.value.push_back(*element);
    } else {
      ++bad;
    }
  }
  return bad == 0;
}

template <class ReadNumber>
std::optional<NumberArray> TableReader::array(std::string_view key, ReadNumber read_number) {
  TomlValue const* value = find(key);
  if (value == nullptr) return std::nullopt;
  NumberArray numbers;
  auto const* list = value->as<TomlArray>();
  if (list == nullptr) {
    auto const single = read_number(*value, where(key));
    if (!single) return std::nullopt;
    numbers.value = {*single};
    return numbers;
  }
  bool const nested = !list->empty() && list->front().as<TomlArray>() != nullptr;
  if (!nested) {
    numbers.depth = 1;
    numbers.columns = list->size();
    if (!append_row(*list, name_of(key), numbers, read_number)) return std::nullopt;
    return numbers;
  }
  numbers.depth = 2;
  numbers.rows = list->size();
  numbers.columns = list->front().as<TomlArray>()->size();
  std::size_t const before = complaints_->size();
  for (std::size_t i = 0; i < list->size() && complaints_->size() < before + complaints_per_array; ++i) {
    TomlValue const& entry = (*list)[i];
    std::string const name = indexed(name_of(key), i);
    auto const* row = entry.as<TomlArray>();
    if (row == nullptr || row->size() != numbers.columns) {
      std::string const found = row == nullptr ? entry.description() : numbers_text(row->size());
      complaints_->push_back({entry.position() + " " + name,
                              "has " + found + " where the first row has " + std::to_string(numbers.columns),
                              "give every row the same number of numbers"});
    } else {
      append_row(*row, name, numbers, read_number);
    }
  }
  if (complaints_->size() > before) return std::nullopt;
  return numbers;
}

std::optional<NumberArray> TableReader::numbers(std::string_view key, Range range) {
  return array(key,
               [&](TomlValue const& value, std::string const& where) { return number(value, where, range); });
}

std::optional<NumberArray> TableReader::integers(std::string_view key, std::uint32_t max) {
  return array(key, [&](TomlValue const& value, std::string const& where) {
    return whole_number(value, where, 0, max);
  });
}

std::optional<std::vector<std::string>> TableReader::texts(std::string_view key) {
  TomlValue const* value = find(key);
  if (value == nullptr) return std::nullopt;
  auto const* list = value->as<TomlArray>();
  if (list == nullptr) {
    wrong_type(key, *value, "an array of strings");
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (TomlValue const& entry : *list) {
    if (auto const* word = entry.as<std::string>()) {
      texts.push_back(*word);
    } else {
      complaints_->push_back({entry.position() + " " + indexed(name_of(key), texts.size()),
                              "must be a string, not " + entry.description(), ""});
      return std::nullopt;
    }
  }
  return texts;
}

std::optional<std::filesystem::path> TableReader::path(std::string_view key) {
  auto const name = label(key);
  if (!name) return std::nullopt;
  if (name->empty() || name->size() > longest_path) {
    complain(key,
             name->empty() ? "an empty file name" : quoted_excerpt(*name) + " is too long for a file name");
    return std::nullopt;
  }
  return (table_->find(key)->file->parent_path() / *name).lexically_normal();
}

std::optional<std::size_t> TableReader::choose(std::string_view key,
                                               std::span<std::string_view const> words) {
  auto const word = text(key);
  if (!word) return std::nullopt;
  auto const found = std::ranges::find(words, *word);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  complain(key, quoted_excerpt(*word) + " is not one of its values", suggestion(*word, words));
  return std::nullopt;
}

TableReader TableReader::table(std::string_view key) {
  TomlValue const* value = find(key);
  if (value == nullptr) {
    TableReader absent(*value_, name_of(key), *complaints_);
    absent.table_ = &empty_table;
    return absent;
  }
  if (value->as<TomlTable>() == nullptr) {
    wrong_type(key, *value, "a table", "write [" + name_of(key) + "]");
  }
  return {*value, name_of(key), *complaints_};
}

std::vector<TableReader> TableReader::tables(std::string_view key) {
  TomlValue const* value = find(key);
  if (value == nullptr) return {};
  auto const* list = value->as<TomlArray>();
  if (list == nullptr) {
    wrong_type(key, *value, "an array of tables", "write [[" + name_of(key) + "]]");
    return {};
  }
  std::vector<TableReader> readers;
  for (std::size_t i = 0; i < list->size(); ++i) {
    std::string const name = indexed(name_of(key), i);
    if ((*list)[i].as<TomlTable>() == nullptr) {
      complaints_->push_back(
          {(*list)[i].position() + " " + name, "must be a table, not " + (*list)[i].description(), ""});
    } else {
      readers.emplace_back((*list)[i], name, *complaints_);
    }
  }
  return readers;
}

void TableReader::refuse(std::string_view key, std::string const& why, std::string remedy) {
  if (find(key) != nullptr) complain(key, "has no effect: " + why, std::move(remedy));
}

void TableReader::complain_of_the_rest() {
  std::vector<std::string_view> const known(known_.begin(), known_.end());
  for (auto const& entry : table_->entries) {
    if (std::ranges::find(known, entry.key) != known.end()) continue;
    std::string const table = path_.empty() ? "the top level" : "[" + path_ + "]";
    complain(entry.key, "unknown key in " + table, suggestion(entry.key, known));
  }
}

}  // namespace spacemoe
