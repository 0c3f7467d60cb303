#include <algorithm>

#include <nlohmann/json.hpp>

#include "host/io/number_text.hpp"
#include "host/io/text_files.hpp"

namespace spacemoe {
namespace {

using nlohmann::json;

constexpr char const* expected_shape = "give [[...], ...] or {\"expert_popularity\": [[...], ...]}";

/// "line:column" of a byte of the text.
std::string line_and_column(std::string_view text, std::size_t byte) {
  std::string_view const before = text.substr(0, std::min(byte, text.size()));
  std::size_t const line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
  std::size_t const line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return std::to_string(line) + ":" + std::to_string(before.size() - line_begin + 1);
}

/// What the parser has to say beyond "[...] parse error at line 1, column 2: " and the text it read last.
std::string reason(std::string_view message) {
  if (auto const colon = message.find(": "); colon != std::string_view::npos)
    message.remove_prefix(colon + 2);
  return std::string(message.substr(0, message.find("; last read: ")));
}

std::string description(json const& value) {
  if (value.is_string()) return quoted_excerpt(value.get_ref<std::string const&>());
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  return value.dump();
}

/// Turns a document into rows of numbers; complains by row and expert, for JSON values have no line.
class RowReader {
 public:
  RowReader(std::string file, Range range, std::vector<Complaint>& complaints)
      : file_(std::move(file)), range_(range), complaints_(complaints) {}

  std::optional<NumberArray> read(json const& rows) {
    NumberArray numbers;
    numbers.depth = 2;
    numbers.rows = rows.size();
    for (json const& row : rows) {
      std::string const name = "row " + std::to_string(&row - &rows.front());
      if (!row.is_array()) return complain(name + " is not an array", expected_shape);
      if (&row == &rows.front()) numbers.columns = row.size();
      if (row.size() != numbers.columns) {
        return complain(name + " has " + std::to_string(row.size()) + " numbers where the first row has " +
                            std::to_string(numbers.columns),
                        "give every row the same number of numbers");
      }
      for (json const& number : row) {
        bool const valid = number.is_number() && range_.contains(number.get<double>());
        if (!valid) {
          return complain(name + ", number " + std::to_string(&number - &row.front()) + ": " +
                              description(number) + " is not a number " + range_.text(),
                          "");
        }
        numbers.value.push_back(number.get<double>());
      }
    }
    return numbers;
  }

  std::nullopt_t complain(std::string what, std::string remedy) {
    complaints_.push_back({file_, std::move(what), std::move(remedy)});
    return std::nullopt;
  }

 private:
  std::string file_;
  Range range_;
  std::vector<Complaint>& complaints_;
};

}  // namespace

std::optional<NumberArray> read_json_weights(std::filesystem::path const& file, std::string const& where,
                                             Range range, std::vector<Complaint>& complaints) {
  auto const text = read_text(file, where, complaints);
  if (!text) return std::nullopt;
  RowReader reader(file.string(), range, complaints);
  json document;
  try {
    document = json::parse(*text);
  } catch (json::parse_error const& error) {
    std::string const position = line_and_column(*text, error.byte == 0 ? 0 : error.byte - 1);
    complaints.push_back(
        {file.string() + ":" + position, "not valid JSON: " + reason(error.what()), expected_shape});
    return std::nullopt;
  } catch (json::out_of_range const&) {
    return reader.complain("a number is too large for a double", "");
  }
  if (document.is_object()) {
    for (auto const& [key, value] : document.items()) {
      bool const known = key == "expert_popularity" || (key == "total_input_tokens" && value.is_number());
      if (!known) return reader.complain("unexpected " + quoted_excerpt(key), expected_shape);
    }
    if (!document.contains("expert_popularity")) {
      return reader.complain("\"expert_popularity\" is missing", expected_shape);
    }
  }
  json const& rows = document.is_object() ? document["expert_popularity"] : document;
  if (!rows.is_array() || rows.empty()) return reader.complain("not an array of rows", expected_shape);
  return reader.read(rows);
}

}  // namespace spacemoe
