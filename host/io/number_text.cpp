#include "host/io/number_text.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace spacemoe {
namespace {

std::string shortest(double value) {
  char buffer[32];
  auto const [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, end};
}

struct Control {
  unsigned code;
  std::size_t bytes;
};

/// The control character of UTF-8 that begins at a byte: C0 and DEL, or the two bytes of a C1.
std::optional<Control> control_at(std::string_view text, std::size_t at) {
  auto const byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  unsigned const first = byte(at);
  if (first < 0x20 || first == 0x7f) return Control{first, 1};
  unsigned const second = byte(at + 1);
  if (first == 0xc2 && second >= 0x80 && second < 0xa0) return Control{second, 2};
  return std::nullopt;
}

/// `text` with control characters as \uXXXX and a backslash before each of `special`.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (auto const control = control_at(text, i)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", control->code);
      result += escape;
      i += control->bytes - 1;
      continue;
    }
    if (special.find(text[i]) != std::string_view::npos) result += '\\';
    result += text[i];
  }
  return result;
}

/// At most the first `most` bytes, without splitting a character of UTF-8.
std::string_view beginning(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

std::string ellipsis(std::string_view text, std::size_t most) {
  return text.size() > most ? "..." : "";
}

}  // namespace

std::string toml_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = shortest(value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string plain_number(double value) {
  bool const whole = std::abs(value) < 1e15 && value == std::trunc(value);
  return whole ? std::to_string(static_cast<long long>(value)) : shortest(value);
}

std::string toml_string(std::string_view text) {
  return '"' + escaped(text, "\"\\") + '"';
}

bool has_control_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (control_at(text, i)) return true;
  }
  return false;
}

std::string excerpt(std::string_view text, std::size_t most) {
  return escaped(beginning(text, most), "") + ellipsis(text, most);
}

std::string quoted_excerpt(std::string_view text) {
  constexpr std::size_t most = 60;
  return '"' + escaped(beginning(text, most), "\"\\") + ellipsis(text, most) + '"';
}

std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  auto const first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace spacemoe
