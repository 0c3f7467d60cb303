#include "host/cli/columns.hpp"

#include <cmath>
#include <cstdio>

namespace spacemoe {

std::string format(char const* pattern, double value) {
  if (std::isnan(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string milliseconds(double value) {
  return format("%.2f", value);
}

std::string csv(double value) {
  return std::isnan(value) ? "" : format("%.17g", value);
}

std::string csv(std::string const& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char const c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string padded(std::string const& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

}  // namespace spacemoe
