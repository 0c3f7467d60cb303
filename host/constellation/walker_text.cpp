#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "host/constellation/constellation.hpp"

namespace spacemoe {
namespace {

using Reasons = std::vector<std::string>;

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t end = text.find(separator); end != std::string_view::npos; end = text.find(separator)) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

/// The whole of `text` as a number; otherwise notes the reason and returns 0.
template <class Number>
Number parse_number(std::string_view name, std::string_view text, std::string_view expected,
                    Reasons& reasons) {
  Number value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  reasons.push_back(std::string(name) + " " + quoted(text) + " is not " + std::string(expected));
  return Number{};
}

double parse_real(std::string_view name, std::string_view text, Reasons& reasons) {
  return parse_number<double>(name, text, "a number", reasons);
}

std::uint32_t parse_count(std::string_view name, std::string_view text, Reasons& reasons) {
  return parse_number<std::uint32_t>(name, text, "a whole number in [0, 4294967295]", reasons);
}

void check_orbit(Shell const& shell, std::string_view altitude, std::string_view inclination,
                 Reasons& reasons) {
  if (!std::isfinite(shell.altitude_km) || shell.altitude_km <= 0) {
    reasons.push_back("altitude " + std::string(altitude) + " km is not a finite number above 0");
  }
  if (!(shell.inclination_deg >= 0 && shell.inclination_deg <= 180)) {
    reasons.push_back("inclination " + std::string(inclination) + " deg is outside [0, 180]");
  }
}

void parse_orbit(std::string_view altitude, std::string_view inclination, Shell& shell, Reasons& reasons) {
  Reasons malformed;
  shell.altitude_km = parse_real("altitude", altitude, malformed);
  shell.inclination_deg = parse_real("inclination", inclination, malformed);
  if (malformed.empty()) check_orbit(shell, altitude, inclination, reasons);
  reasons.insert(reasons.end(), malformed.begin(), malformed.end());
}

void check_counts(std::uint32_t total, std::uint32_t planes, std::uint32_t phasing, Reasons& reasons) {
  if (total == 0) reasons.push_back("T = 0: a shell has at least 1 satellite");
  if (planes == 0) {
    reasons.push_back("P = 0: a shell has at least 1 plane");
    return;
  }
  if (total % planes != 0) {
    std::uint64_t const rounds = (std::uint64_t{total} + planes / 2) / planes;
    std::uint64_t const nearest = std::max<std::uint64_t>(rounds, 1) * planes;
    reasons.push_back("T = " + std::to_string(total) + " is not a multiple of P = " + std::to_string(planes) +
                      "; the nearest is " + std::to_string(nearest));
  }
  if (phasing >= planes) {
    reasons.push_back("F = " + std::to_string(phasing) + " is outside [0, P - 1] = [0, " +
                      std::to_string(planes - 1) + "]");
  }
}

void parse_counts(std::string_view text, Shell& shell, Reasons& reasons) {
  auto const parts = split(text, '/');
  if (parts.size() != 3) {
    reasons.push_back(quoted(text) + " is not T/P/F (satellites/planes/phasing), such as 1584/72/39");
    return;
  }
  Reasons malformed;
  std::uint32_t const total = parse_count("T", parts[0], malformed);
  shell.planes = parse_count("P", parts[1], malformed);
  shell.phasing = parse_count("F", parts[2], malformed);
  if (malformed.empty()) check_counts(total, shell.planes, shell.phasing, reasons);
  reasons.insert(reasons.end(), malformed.begin(), malformed.end());
  if (shell.planes > 0) shell.satellites_per_plane = total / shell.planes;
}

/// One shell; notes every reason why `text` is not one.
Shell parse_shell(std::string_view text, Reasons& reasons) {
  auto const parts = split(text, ':');
  if (parts.size() != 4) {
    reasons.push_back(
        "expected pattern:altitude km:inclination deg:T/P/F, such as D:550:53.0:1584/72/39, not " +
        std::to_string(parts.size()) + " part(s)");
    return {};
  }
  Shell shell;
  shell.name = text;
  if (parts[0] != "D" && parts[0] != "S") {
    reasons.push_back("pattern " + quoted(parts[0]) + " is neither D (delta) nor S (star)");
  }
  shell.pattern = parts[0] == "S" ? Pattern::star : Pattern::delta;
  parse_orbit(parts[1], parts[2], shell, reasons);
  parse_counts(parts[3], shell, reasons);
  return shell;
}

}  // namespace

std::vector<Shell> parse_walker(std::string_view text) {
  std::vector<Shell> shells;
  std::string complaints;
  for (std::string_view const part : split(text, '+')) {
    Reasons reasons;
    shells.push_back(parse_shell(trimmed(part), reasons));
    for (std::string const& reason : reasons) {
      complaints += (complaints.empty() ? "" : "; ") + quoted(trimmed(part)) + ": " + reason;
    }
  }
  if (!complaints.empty()) throw std::invalid_argument(complaints);
  return shells;
}

}  // namespace spacemoe
