#pragma once

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

/// The finite number that the whole of `text` spells, blanks around it apart.
std::optional<double> parse_number(std::string_view text);

std::string_view trimmed(std::string_view text);

}  // namespace spacemoe
