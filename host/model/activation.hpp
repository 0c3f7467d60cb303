#pragma once

#include <cstdint>
#include <vector>

#include "kernels/draw.hpp"

namespace spacemoe {

/// Un-normalised activation weights of the routed experts.
struct ActivationWeights {
  std::uint32_t layers = 0;
  std::uint32_t experts = 0;
  std::vector<double> weight;  ///< [layer][expert], none negative

  double const* layer(std::uint32_t l) const { return weight.data() + static_cast<std::size_t>(l) * experts; }
};

ActivationWeights uniform_weights(std::uint32_t layers, std::uint32_t experts);

/// Rank r (from 1) has weight r^-exponent; which expert has which rank is drawn per layer by address.
ActivationWeights zipf_weights(std::uint32_t layers, std::uint32_t experts, double exponent, Seed seed);

/// log w ~ N(0, sigma^2), drawn by address.
ActivationWeights log_normal_weights(std::uint32_t layers, std::uint32_t experts, double sigma, Seed seed);

}  // namespace spacemoe
