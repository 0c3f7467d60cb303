#include "host/io/suggestion.hpp"

#include <algorithm>
#include <vector>

#include "host/io/number_text.hpp"

namespace spacemoe {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> distance(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) distance[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) distance[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t const substituted = distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      distance[i][j] = std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1, substituted});
      bool const swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
    }
  }
  return distance[a.size()][b.size()];
}

std::string_view nearest(std::string_view word, std::span<std::string_view const> candidates) {
  auto const best = std::ranges::min_element(
      candidates, {}, [word](std::string_view candidate) { return edit_distance(word, candidate); });
  return best == candidates.end() ? std::string_view{} : *best;
}

std::string valid_words(std::span<std::string_view const> candidates) {
  std::string text;
  for (std::string_view const candidate : candidates) {
    text += (text.empty() ? "valid are " : ", ") + excerpt(candidate);
  }
  return text;
}

std::string suggestion(std::string_view word, std::span<std::string_view const> candidates) {
  constexpr std::size_t longest = 100;  // beyond it all candidates are far, and the distance is slow
  return "the nearest is " + quoted_excerpt(nearest(word.substr(0, longest), candidates)) + "; " +
         valid_words(candidates);
}

}  // namespace spacemoe
