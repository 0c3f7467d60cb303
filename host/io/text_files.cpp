#include "host/io/text_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
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

/// A file's text without the byte order mark before it and the blanks and line ends after it.
std::string_view without_margins(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);  // npos + 1 is 0
}

std::vector<std::string_view> cells(std::string_view line) {
  std::vector<std::string_view> found;
  while (true) {
    bool const last = line.find(',') == std::string_view::npos;
    found.push_back(trimmed(take(line, ',')));
    if (last) return found;
  }
}

bool is_blank(std::vector<std::string_view> const& row) {
  return row.size() == 1 && row.front().empty();
}

/// Reads lines of numbers, and remembers what to complain of.
class CsvReader {
 public:
  CsvReader(std::filesystem::path const& file, std::string_view text, std::vector<Complaint>& complaints)
      : file_(file.string()),
        text_(without_margins(text)),
        complaints_(complaints),
        before_(complaints.size()) {
    if (text_.empty()) complain("the file is empty", "");
  }

  bool more() const { return !text_.empty() && complaints_.size() < before_ + complaints_per_file; }
  bool good() const { return complaints_.size() == before_; }

  std::vector<std::string_view> next_line() {
    ++line_;
    return cells(take(text_, '\n'));
  }

  void complain(std::string what, std::string remedy) {
    std::string const line = line_ == 0 ? "" : ":" + std::to_string(line_);
    complaints_.push_back({file_ + line, std::move(what), std::move(remedy)});
  }

  void read_row(std::vector<std::string_view> const& row, std::span<CsvColumn const> columns,
                CsvTable& table) {
    if (is_blank(row)) {
      complain("a blank line between others", "remove it");
      return;
    }
    if (row.size() != columns.size()) {
      complain("has " + std::to_string(row.size()) + (row.size() == 1 ? " column" : " columns") +
                   " instead of " + std::to_string(columns.size()),
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
      complain(column_name(column, expected) + quoted_excerpt(cell) + " is not " + kind,
               "give " + kind + " " + expected.range.text());
      return 0;
    }
    if (!expected.range.contains(*value)) {
      complain(column_name(column, expected) + excerpt(cell) + " is out of range",
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

Complaint unreadable(std::filesystem::path const& file, std::string const& where, std::string const& why) {
  return {where, "cannot read " + file.string() + ": " + why, ""};
}

}  // namespace

std::optional<std::ifstream> open_file(std::filesystem::path const& file, std::string const& where,
                                       std::vector<Complaint>& complaints) {
  std::error_code error;
  bool const directory = std::filesystem::is_directory(file, error);
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!directory && stream) return stream;
  complaints.push_back(
      unreadable(file, where, directory ? "it is a directory, not a file" : std::strerror(errno)));
  return std::nullopt;
}

std::optional<std::string> read_text(std::filesystem::path const& file, std::string const& where,
                                     std::vector<Complaint>& complaints) {
  auto stream = open_file(file, where, complaints);
  if (!stream) return std::nullopt;
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (text.size() <= largest_file &&
         (stream->read(buffer.data(), std::streamsize{buffer.size()}) || stream->gcount() > 0)) {
    text.append(buffer.data(), static_cast<std::size_t>(stream->gcount()));
  }
  bool const failed = stream->bad();
  if (failed || text.size() > largest_file) {
    complaints.push_back(unreadable(file, where, failed ? std::strerror(errno) : "it is larger than 1 GiB"));
    return std::nullopt;
  }
  return text;
}

std::optional<CsvTable> read_csv(std::filesystem::path const& file, std::string const& where,
                                 std::span<CsvColumn const> columns, std::vector<Complaint>& complaints) {
  auto const text = read_text(file, where, complaints);
  if (!text) return std::nullopt;
  CsvReader reader(file, *text, complaints);
  if (!reader.good()) return std::nullopt;
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
  CsvTable table;
  std::vector<CsvColumn> columns;
  while (reader.more()) {
    auto const line = reader.next_line();
    if (columns.empty() && !is_blank(line)) columns.assign(line.size(), {"", range});
    reader.read_row(line, columns, table);
  }
  table.columns = columns.size();
  if (!reader.good()) return std::nullopt;
  return table;
}

}  // namespace spacemoe
