#include "host/evaluation/exact.hpp"

#include <cmath>
#include <limits>

#include <tbb/parallel_for.h>

namespace spacemoe {
namespace {

constexpr double ns_per_ms = 1e6;
constexpr double steps_to_mean = 32768;
/// Distributions held at a time before they are added in order.
constexpr std::size_t cells_at_once = 16;

}  // namespace

ExactCell exact_cell(std::span<LayerLaw const> laws, CostView const& cost, double weight) {
  ExactCell cell;
  cell.weight = weight;
  cell.fixed_ns = static_cast<double>(cost.fixed_ns);
  cell.mean_ns = cell.fixed_ns;
  for (std::uint32_t l = 0; l < cost.layers; ++l) {
    cell.layers.push_back(laws[l].distribution(cost, l));
    LayerDistribution const& layer = cell.layers.back();
    cell.delivered *= 1 - layer.unreachable;
    cell.layer_mean_ns.push_back(layer.atoms.empty() ? 0 : layer.mean_ns());
    cell.mean_ns += cell.layer_mean_ns.back();
    cell.variance_ns2 += layer.atoms.empty() ? 0 : layer.variance_ns2();
  }
  return cell;
}

void ExactMixture::add(std::span<ExactCell const> cells) {
  for (auto const& cell : cells) {
    double const share = cell.weight * cell.delivered;
    weight_ += cell.weight;
    delivered_ += share;
    sum_ns_ += share * cell.mean_ns;
    squares_ns2_ += share * (cell.variance_ns2 + cell.mean_ns * cell.mean_ns);
    layer_sum_ns_.resize(cell.layer_mean_ns.size());
    for (std::size_t l = 0; l < layer_sum_ns_.size(); ++l) layer_sum_ns_[l] += share * cell.layer_mean_ns[l];
    if (distribution_.empty() && share > 0) {
      step_ns_ = std::max(1.0, std::round(cell.mean_ns / steps_to_mean));
      distribution_.emplace_back(step_ns_);
    }
  }
  if (distribution_.empty()) return;
  for (std::size_t first = 0; first < cells.size(); first += cells_at_once) {
    auto const some = cells.subspan(first, std::min(cells_at_once, cells.size() - first));
    std::vector<TokenDistribution> parts(some.size(), TokenDistribution(step_ns_));
    tbb::parallel_for(std::size_t{0}, some.size(), [&](std::size_t i) {
      if (some[i].delivered > 0) parts[i].add(some[i].layers, some[i].fixed_ns, some[i].weight);
    });
    for (auto const& part : parts) distribution_.front().add(part);
  }
}

ExactResult ExactMixture::result() const {
  ExactResult exact;
  exact.undeliverable = 1 - delivered_ / weight_;
  if (distribution_.empty()) {
    double const missing = std::numeric_limits<double>::quiet_NaN();
    exact.mean_ms = exact.standard_deviation_ms = missing;
    exact.quantile_ms.fill(missing);
    exact.layer_mean_ms.assign(layer_sum_ns_.size(), missing);
    return exact;
  }
  double const mean_ns = sum_ns_ / delivered_;
  exact.mean_ms = mean_ns / ns_per_ms;
  exact.standard_deviation_ms = std::sqrt(squares_ns2_ / delivered_ - mean_ns * mean_ns) / ns_per_ms;
  exact.grid_ms = step_ns_ / ns_per_ms;
  for (std::size_t q = 0; q < quantile_levels.size(); ++q) {
    exact.quantile_ms[q] = distribution_.front().quantile_ns(quantile_levels[q]) / ns_per_ms;
  }
  for (double const sum_ns : layer_sum_ns_) exact.layer_mean_ms.push_back(sum_ns / delivered_ / ns_per_ms);
  return exact;
}

}  // namespace spacemoe
