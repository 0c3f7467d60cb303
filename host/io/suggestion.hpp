#pragma once

#include <span>
#include <string>
#include <string_view>

namespace spacemoe {

/// Least number of insertions, deletions, substitutions and swaps of neighbours that turn one word into the
/// other (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`; the first of equally near ones, empty when there is none.
std::string_view nearest(std::string_view word, std::span<std::string_view const> candidates);

/// `valid are a, b, c`.
std::string valid_words(std::span<std::string_view const> candidates);

/// `the nearest is "x"; valid are a, b, c`.
std::string suggestion(std::string_view word, std::span<std::string_view const> candidates);

}  // namespace spacemoe
