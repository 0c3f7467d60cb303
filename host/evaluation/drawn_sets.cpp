#include "host/evaluation/drawn_sets.hpp"

#include <bit>
#include <cstddef>

namespace spacemoe {
namespace {

/// Sum of the weights in each set.
std::vector<double> set_sums(Span<double const> weights) {
  std::vector<double> sum(std::size_t{1} << weights.size(), 0.0);
  for (std::size_t set = 1; set < sum.size(); ++set) {
    sum[set] = sum[set & (set - 1)] + weights[static_cast<std::size_t>(std::countr_zero(set))];
  }
  return sum;
}

/// Chance that the first |set| draws are this set, for sets of up to `top_k` experts; 0 for larger ones.
std::vector<double> plackett_luce(Span<double const> weights, std::uint32_t top_k) {
  auto const sum = set_sums(weights);
  std::size_t const everybody = sum.size() - 1;
  std::vector<double> chance(sum.size(), 0.0);
  chance[0] = 1;
  for (std::size_t set = 1; set < chance.size(); ++set) {
    if (static_cast<std::uint32_t>(std::popcount(set)) > top_k) continue;
    for (std::size_t left = set; left != 0; left &= left - 1) {
      std::size_t const before = set & ~(left & (~left + 1));
      double const weight = weights[static_cast<std::size_t>(std::countr_zero(left))];
      chance[set] += chance[before] * weight / sum[everybody & ~before];
    }
  }
  return chance;
}

std::vector<double> products(Span<double const> weights, std::uint32_t top_k) {
  std::vector<double> product(std::size_t{1} << weights.size(), 0.0);
  product[0] = 1;
  for (std::size_t set = 1; set < product.size(); ++set) {
    if (static_cast<std::uint32_t>(std::popcount(set)) > top_k) continue;
    product[set] = product[set & (set - 1)] * weights[static_cast<std::size_t>(std::countr_zero(set))];
  }
  return product;
}

}  // namespace

std::vector<double> chance_within(RoutingLaw law, Span<double const> weights, std::uint32_t top_k) {
  auto chance = law == RoutingLaw::plackett_luce ? plackett_luce(weights, top_k) : products(weights, top_k);
  for (std::size_t set = 0; set < chance.size(); ++set) {
    if (static_cast<std::uint32_t>(std::popcount(set)) != top_k) chance[set] = 0;
  }
  for (std::size_t bit = 1; bit < chance.size(); bit *= 2) {
    for (std::size_t set = 0; set < chance.size(); ++set) {
      if ((set & bit) != 0) chance[set] += chance[set ^ bit];
    }
  }
  double const all = chance.back();
  for (double& c : chance) c /= all;
  return chance;
}

}  // namespace spacemoe
