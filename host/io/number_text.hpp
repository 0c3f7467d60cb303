#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace spacemoe {

/// The shortest decimal text that reads back to the same double, always recognisable as a TOML float.
std::string toml_number(double value);

/// A number as people write it, whole ones in digits: for complaints.
std::string plain_number(double value);

/// A TOML basic string, quoted and escaped.
std::string toml_string(std::string_view text);

/// Whether text holds control characters, which rewrite terminals and tear lines.
bool has_control_characters(std::string_view text);

/// Text to show in a complaint: control characters escaped as in TOML, "..." in place of what is past `most`
/// bytes.
std::string excerpt(std::string_view text, std::size_t most = 60);

/// An excerpt as a TOML basic string.
std::string quoted_excerpt(std::string_view text);

/// The finite number that the whole of `text` spells, blanks around it apart.
std::optional<double> parse_number(std::string_view text);

std::string_view trimmed(std::string_view text);

}  // namespace spacemoe
