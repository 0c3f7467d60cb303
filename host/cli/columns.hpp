#pragma once

#include <cstddef>
#include <string>

namespace spacemoe {

/// A number as printf writes it; "-" for NaN.
std::string format(char const* pattern, double value);

/// With two decimals.
std::string milliseconds(double value);

/// To the right of a column.
std::string padded(std::string const& text, std::size_t width);

}  // namespace spacemoe
