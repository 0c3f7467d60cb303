#include "host/sweep/axes.hpp"

#include <array>
#include <charconv>

namespace spacemoe {
namespace {

std::string number_text(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

}  // namespace

std::string Coordinate::text(std::size_t position) const {
  return labels.empty() ? number_text(numbers.at(position)) : labels.at(position);
}

std::uint64_t points(std::vector<SweepAxis> const& axes) {
  std::uint64_t count = 1;
  for (SweepAxis const& axis : axes) count *= axis.size();
  return count;
}

std::vector<std::size_t> position(std::vector<SweepAxis> const& axes, std::uint64_t point) {
  std::vector<std::size_t> at(axes.size());
  for (std::size_t a = axes.size(); a-- > 0;) {
    at[a] = point % axes[a].size();
    point /= axes[a].size();
  }
  return at;
}

std::string point_text(std::vector<SweepAxis> const& axes, std::uint64_t point) {
  std::vector<std::size_t> const at = position(axes, point);
  std::string text;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    if (a > 0) text += ", ";
    text += axes[a].coordinate.name + " = " + axes[a].coordinate.text(at[a]);
  }
  return text.empty() ? "the only point" : text;
}

}  // namespace spacemoe
