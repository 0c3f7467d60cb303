#pragma once

#include <cstddef>
#include <string>

namespace spacemoe {

/// A number as printf writes it; "-" for NaN.
std::string format(char const* pattern, double value);

/// With two decimals.
std::string milliseconds(double value);

/// A number in a CSV file, to the bit; empty for NaN.
std::string csv(double value);
/// A text in a CSV file, in quotes where it needs them.
std::string csv(std::string const& text);

/// To the right of a column.
std::string padded(std::string const& text, std::size_t width);

}  // namespace spacemoe
