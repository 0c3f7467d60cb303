#include "host/model/activation.hpp"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <utility>

namespace spacemoe {

namespace {

// Third word of the address: generators never share draws. Part of the result format.
constexpr std::uint32_t zipf_draws = 0;
constexpr std::uint32_t log_normal_draws = 1;

ActivationWeights make_weights(std::uint32_t layers, std::uint32_t experts) {
  return {layers, experts, std::vector<double>(static_cast<std::size_t>(layers) * experts, 1.0)};
}

/// Fisher-Yates shuffle of 0 ... size - 1.
std::vector<std::uint32_t> permutation(std::uint32_t size, std::uint32_t layer, Seed seed) {
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  for (std::uint32_t left = size; left > 1; --left) {
    auto const words = draw(seed, Purpose::activation_weights, left, layer, zipf_draws);
    std::swap(order[left - 1], order[bounded(words.word[0], words.word[1], left)]);
  }
  return order;
}

/// 53 random bits as a number in (0, 1).
double uniform(std::uint32_t high, std::uint32_t low) {
  std::uint64_t const bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 11;
  return (static_cast<double>(bits) + 0.5) * 0x1p-53;
}

/// Standard normal by Box and Muller.
double normal(Words4 const& words) {
  double const radius = std::sqrt(-2 * std::log(uniform(words.word[0], words.word[1])));
  return radius * std::cos(2 * std::numbers::pi * uniform(words.word[2], words.word[3]));
}

}  // namespace

ActivationWeights uniform_weights(std::uint32_t layers, std::uint32_t experts) {
  return make_weights(layers, experts);
}

ActivationWeights zipf_weights(std::uint32_t layers, std::uint32_t experts, double exponent, Seed seed) {
  ActivationWeights weights = make_weights(layers, experts);
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    auto const order = permutation(experts, layer, seed);
    for (std::uint32_t rank = 0; rank < experts; ++rank) {
      weights.weight[static_cast<std::size_t>(layer) * experts + order[rank]] =
          std::pow(rank + 1.0, -exponent);
    }
  }
  return weights;
}

ActivationWeights log_normal_weights(std::uint32_t layers, std::uint32_t experts, double sigma, Seed seed) {
  ActivationWeights weights = make_weights(layers, experts);
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    for (std::uint32_t expert = 0; expert < experts; ++expert) {
      auto const words = draw(seed, Purpose::activation_weights, expert, layer, log_normal_draws);
      weights.weight[static_cast<std::size_t>(layer) * experts + expert] = std::exp(sigma * normal(words));
    }
  }
  return weights;
}

}  // namespace spacemoe
