#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "kernels/routing.hpp"
#include "kernels/token.hpp"

// Both routing laws and the latency of a layer by listing every outcome: slow, and obviously right.

namespace spacemoe::testing {

using Picks = std::vector<ExpertIndex>;

namespace enumeration_detail {

inline void extend_sequences(std::vector<double> const& weight, std::uint32_t top_k, Picks& picks,
                             double probability, std::map<Picks, double>& result) {
  if (picks.size() == top_k) {
    result[picks] += probability;
    return;
  }
  auto const taken = [&](std::size_t e) { return contains(picks, static_cast<ExpertIndex>(e)); };
  double left = 0;
  for (std::size_t e = 0; e < weight.size(); ++e) left += taken(e) ? 0 : weight[e];
  for (std::size_t e = 0; e < weight.size(); ++e) {
    if (taken(e) || weight[e] == 0) continue;
    picks.push_back(static_cast<ExpertIndex>(e));
    extend_sequences(weight, top_k, picks, probability * (weight[e] / left), result);
    picks.pop_back();
  }
}

inline Picks members(std::uint32_t set) {
  Picks picks;
  for (; set != 0; set &= set - 1) picks.push_back(static_cast<ExpertIndex>(std::countr_zero(set)));
  return picks;
}

/// P(the first |S| draws make up S), for every S: by the last expert drawn.
inline std::vector<double> plackett_luce_sets(std::vector<double> const& weight, std::uint32_t top_k) {
  std::uint32_t const sets = 1u << weight.size();
  std::vector<double> chance(sets, 0.0);
  chance[0] = 1;
  for (std::uint32_t set = 0; set < sets; ++set) {
    if (static_cast<std::uint32_t>(std::popcount(set)) >= top_k || chance[set] == 0) continue;
    double left = 0;
    for (ExpertIndex const e : members(~set & (sets - 1))) left += weight[e];
    for (ExpertIndex const e : members(~set & (sets - 1))) {
      chance[set | 1u << e] += chance[set] * (weight[e] / left);
    }
  }
  return chance;
}

/// Products of the weights, over their sum.
inline std::vector<double> conditional_poisson_sets(std::vector<double> const& weight, std::uint32_t top_k) {
  std::uint32_t const sets = 1u << weight.size();
  std::vector<double> chance(sets, 0.0);
  double sum = 0;
  for (std::uint32_t set = 0; set < sets; ++set) {
    if (static_cast<std::uint32_t>(std::popcount(set)) != top_k) continue;
    chance[set] = 1;
    for (ExpertIndex const e : members(set)) chance[set] *= weight[e];
    sum += chance[set];
  }
  for (double& c : chance) c /= sum;
  return chance;
}

}  // namespace enumeration_detail

/// Probability of every sequence of Plackett-Luce draws.
inline std::map<Picks, double> enumerate_sequences(std::vector<double> const& weight, std::uint32_t top_k) {
  std::map<Picks, double> result;
  Picks picks;
  enumeration_detail::extend_sequences(weight, top_k, picks, 1, result);
  return result;
}

/// Probability of every set of `top_k` drawn experts, ascending; up to about 16 experts.
inline std::map<Picks, double> enumerate_sets(RoutingLaw law, std::vector<double> const& weight,
                                              std::uint32_t top_k) {
  using namespace enumeration_detail;
  auto const chance = law == RoutingLaw::plackett_luce ? plackett_luce_sets(weight, top_k)
                                                       : conditional_poisson_sets(weight, top_k);
  std::map<Picks, double> result;
  for (std::uint32_t set = 0; set < chance.size(); ++set) {
    if (static_cast<std::uint32_t>(std::popcount(set)) == top_k && chance[set] > 0) {
      result[members(set)] = chance[set];
    }
  }
  return result;
}

/// Probability of every layer latency [ns], `unreachable` among them.
inline std::map<Nanoseconds, double> enumerate_layer(RoutingLaw law, std::vector<double> const& weight,
                                                     std::uint32_t top_k, CostView const& cost,
                                                     std::uint32_t layer) {
  std::map<Nanoseconds, double> result;
  for (auto const& [picks, probability] : enumerate_sets(law, weight, top_k)) {
    result[layer_latency(cost, layer, picks)] += probability;
  }
  return result;
}

}  // namespace spacemoe::testing
