#pragma once

#include <cstdint>
#include <vector>

#include "kernels/routing.hpp"
#include "kernels/span.hpp"
#include "kernels/token.hpp"

namespace spacemoe {

/// Exact distribution of the latency of one layer: atoms by rising latency. The probabilities of reachable
/// atoms add to 1 - unreachable.
struct LayerDistribution {
  struct Atom {
    Nanoseconds latency_ns;
    double probability;
  };
  std::vector<Atom> atoms;
  double unreachable = 0;

  double mean_ns() const;       ///< of deliverable tokens
  double variance_ns2() const;  ///< of deliverable tokens
};

/// Distribution of `layer_latency(cost, layer, picks)` when the picks follow the law with these weights
/// [expert]. One expert per host: prefix formulas; several: per-host elementary symmetric polynomials
/// truncated at what the host can serve in time. Conditional Poisson in closed form; Plackett-Luce by the
/// exponential-race integral (absolute error below 1e-9; throws std::logic_error when its mass or
/// monotonicity check fails).
LayerDistribution layer_distribution(RoutingLaw law, Span<double const> weights, std::uint32_t top_k,
                                     CostView const& cost, std::uint32_t layer);

}  // namespace spacemoe
