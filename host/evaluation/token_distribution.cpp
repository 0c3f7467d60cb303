#include "host/evaluation/token_distribution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "host/evaluation/convolution.hpp"

namespace spacemoe {

namespace {

/// Atoms of a layer on a grid.
struct GridLayer {
  std::int64_t first;  ///< grid index from which points are counted
  std::vector<GridAtom> atoms;
};

/// Splits each atom over its two neighbouring grid points so that the mean stays. The layer has atoms.
GridLayer on_grid(LayerDistribution const& layer, double shift_ns, double step_ns) {
  GridLayer grid{static_cast<std::int64_t>(std::floor((layer.atoms.front().latency_ns + shift_ns) / step_ns)),
                 {}};
  auto const add = [&](std::size_t point, double probability) {
    if (grid.atoms.empty() || grid.atoms.back().point < point) grid.atoms.push_back({point, 0.0});
    auto const found = std::ranges::find(grid.atoms.rbegin(), grid.atoms.rend(), point, &GridAtom::point);
    found->probability += probability;
  };
  for (auto const& atom : layer.atoms) {
    double const position = (atom.latency_ns + shift_ns) / step_ns;
    double const below = std::floor(position);
    auto const point = static_cast<std::size_t>(static_cast<std::int64_t>(below) - grid.first);
    double const above_part = position - below;
    add(point, atom.probability * (1 - above_part));
    if (above_part > 0) add(point + 1, atom.probability * above_part);
  }
  return grid;
}

}  // namespace

void TokenDistribution::add(std::vector<LayerDistribution> const& layers, double fixed_ns, double weight) {
  std::int64_t first = 0;
  std::vector<std::vector<GridAtom>> numbers;
  // The fixed part rides on a layer, so that it costs no splitting of its own.
  double shift_ns = fixed_ns;
  for (auto const& layer : layers) {
    if (layer.atoms.empty()) return;  // no token gets through
    GridLayer grid = on_grid(layer, shift_ns, step_ns_);
    first += grid.first;
    numbers.push_back(std::move(grid.atoms));
    shift_ns = 0;
  }
  add_grid(first, distribution_of_sum(numbers), weight);
}

void TokenDistribution::add(TokenDistribution const& other) {
  if (step_ns_ != other.step_ns_) throw std::logic_error("token distributions on different grids do not add");
  add_grid(other.first_, other.mass_, 1);
}

void TokenDistribution::add_grid(std::int64_t first, std::vector<double> const& mass, double weight) {
  if (mass.empty()) return;
  if (mass_.empty()) first_ = first;
  if (first < first_) {
    mass_.insert(mass_.begin(), static_cast<std::size_t>(first_ - first), 0.0);
    first_ = first;
  }
  auto const offset = static_cast<std::size_t>(first - first_);
  mass_.resize(std::max(mass_.size(), offset + mass.size()), 0.0);
  for (std::size_t i = 0; i < mass.size(); ++i) mass_[offset + i] += weight * mass[i];
}

double TokenDistribution::mass() const {
  return std::accumulate(mass_.begin(), mass_.end(), 0.0);
}

double TokenDistribution::quantile_ns(double level) const {
  if (mass_.empty()) return std::numeric_limits<double>::quiet_NaN();
  double const wanted = level * mass();
  double sum = 0;
  std::size_t i = 0;
  while (i + 1 < mass_.size() && (sum += mass_[i]) < wanted) ++i;
  return static_cast<double>(first_ + static_cast<std::int64_t>(i)) * step_ns_;
}

double TokenDistribution::cumulative(double latency_ns) const {
  double sum = 0;
  for (std::size_t i = 0; i < mass_.size(); ++i) {
    if (static_cast<double>(first_ + static_cast<std::int64_t>(i)) * step_ns_ > latency_ns) break;
    sum += mass_[i];
  }
  return sum / mass();
}

}  // namespace spacemoe
