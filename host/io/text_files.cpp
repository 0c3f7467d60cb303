#include "host/io/text_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "host/io/number_text.hpp"

namespace spacemoe {
namespace {

constexpr std::size_t complaints_per_file = 10;
constexpr std::size_t largest_file = std::size_t{1} << 30;

/// Splits off the text up to the next `separator`, which is dropped.
std::string_view take(std::string_view& text, char separator) {
  std::size_t const end = std::min(text.find(separator), text.size());
  std::string_view const taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

std::vector<std::string_view> cells(std::string_view line) {
  std::vector<std::string_view> found;
  while (true) {
    bool const last = line.find(',') == std::string_view::npos;
    found.push_back(trimmed(take(line, ',')));
    if (last) return found;
  }
}

/// Reads lines of numbers, and remembers what to complain of.
class CsvReader {
 public:
  CsvReader(std::filesystem::path const& file, std::string_view text, std::vector<Complaint>& complaints)
      : file_(file.string()), text_(text), complaints_(complaints), before_(complaints.size()) {}

  bool more() const { return !text_.empty() && complaints_.size() < before_ + complaints_per_file; }
  bool good() const { return complaints_.size() == before_; }

  std::vector<std::string_view> next_line() {
    ++line_;
    return cells(take(text_, '\n'));
  }

  void complain(std::string what, std::string remedy) {
    complaints_.push_back({file_ + ":" + std::to_string(line_), std::move(what), std::move(remedy)});
  }

  void read_row(std::vector<std::string_view> const& row, std::span<CsvColumn const> columns,
                CsvTable& table) {
    if (row.size() != columns.size()) {
      complain("has " + std::to_string(row.size()) + " columns instead of " + std::to_string(columns.size()),
               "give every line the same columns");
      return;
    }
    for (std::size_t c = 0; c < columns.size(); ++c) table.value.push_back(number(row[c], c, columns[c]));
    ++table.rows;
  }

 private:
  double number(std::string_view cell, std::size_t column, CsvColumn const& expected) {
    auto const value = parse_number(cell);
    bool const digits_only = cell.find_first_not_of("+-0123456789") == std::string_view::npos;
    std::string const kind = expected.integer ? "an integer" : "a number";
    if (!value || (expected.integer && !digits_only)) {
      complain(column_name(column, expected) + toml_string(cell) + " is not " + kind,
               "give " + kind + " " + expected.range.text());
      return 0;
    }
    if (!expected.range.contains(*value)) {
      complain(column_name(column, expected) + std::string(cell) + " is out of range",
               "give " + kind + " " + expected.range.text());
    }
    return *value;
  }

  static std::string column_name(std::size_t column, CsvColumn const& expected) {
    std::string const name = expected.name.empty() ? "" : " (" + std::string(expected.name) + ")";
    return "column " + std::to_string(column + 1) + name + ": ";
  }

  std::string file_;
  std::string_view text_;
  std::vector<Complaint>& complaints_;
  std::size_t before_;
  std::size_t line_ = 0;
};

std::string header_text(std::span<CsvColumn const> columns) {
  std::string text;
  for (CsvColumn const& column : columns) text += (text.empty() ? "" : ",") + std::string(column.name);
  return text;
}

}  // namespace

std::optional<std::string> read_text(std::filesystem::path const& file, std::string const& where,
                                     std::vector<Complaint>& complaints) {
  auto const complain = [&](std::string const& why) {
    complaints.push_back({where, "cannot read " + file.string() + ": " + why, ""});
    return std::nullopt;
  };
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return complain("it is a directory, not a file");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return complain(std::strerror(errno));
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (stream.read(buffer.data(), std::streamsize{buffer.size()}) || stream.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(stream.gcount()));
    if (text.size() > largest_file) return complain("it is larger than 1 GiB");
  }
  if (stream.bad()) return complain(std::strerror(errno));
  return text;
}

std::optional<CsvTable> read_csv(std::filesystem::path const& file, std::string const& where,
                                 std::span<CsvColumn const> columns, std::vector<Complaint>& complaints) {
  auto const text = read_text(file, where, complaints);
  if (!text) return std::nullopt;
  CsvReader reader(file, *text, complaints);
  auto const header = reader.next_line();
  if (!std::ranges::equal(header, columns, {}, {}, &CsvColumn::name)) {
    reader.complain("the header is not " + header_text(columns), "begin the file with that line");
    return std::nullopt;
  }
  CsvTable table;
  table.columns = columns.size();
  while (reader.more()) reader.read_row(reader.next_line(), columns, table);
  if (reader.good() && table.rows == 0) reader.complain("there are no lines below the header", "");
  if (!reader.good()) return std::nullopt;
  return table;
}

std::optional<CsvTable> read_csv(std::filesystem::path const& file, std::string const& where, Range range,
                                 std::vector<Complaint>& complaints) {
  auto const text = read_text(file, where, complaints);
  if (!text) return std::nullopt;
  CsvReader reader(file, *text, complaints);
  if (text->empty()) reader.complain("the file is empty", "");
  CsvTable table;
  std::vector<CsvColumn> columns;
  while (reader.more()) {
    auto const line = reader.next_line();
    if (columns.empty()) columns.assign(line.size(), {"", range});
    reader.read_row(line, columns, table);
  }
  table.columns = columns.size();
  if (!reader.good()) return std::nullopt;
  return table;
}

}  // namespace spacemoe
