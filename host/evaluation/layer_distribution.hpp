#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/model/activation.hpp"
#include "kernels/layer_score.hpp"
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

  double mean_ns() const;       ///< of deliverable tokens; NaN where there are none
  double variance_ns2() const;  ///< of deliverable tokens; NaN where there are none
};

/// How a layer draws its experts, with everything that does not depend on a placement worked out once.
/// Conditional Poisson in closed form; Plackett-Luce by the exponential-race integral: with T_e ~ Exp(w_e),
/// the K first arrivals are the draw, and the one time that is left is integrated out.
class LayerLaw {
 public:
  /// Weights [expert], at least `top_k` of them positive (else throws std::logic_error); their scale does not
  /// matter. Throws std::logic_error when the quadrature misses more than 1e-9 of the mass.
  LayerLaw(RoutingLaw law, Span<double const> weights, std::uint32_t top_k);

  /// Distribution of `layer_latency(cost, layer, picks)`. One expert per host: P(all drawn experts are among
  /// the m fastest), for every m; several: per-host polynomials truncated at the experts that the host can
  /// serve in time. Absolute error below 1e-9, and throws std::logic_error when a probability comes out
  /// negative by more than that.
  LayerDistribution distribution(CostView const& cost, std::uint32_t layer) const;

  /// Chance [expert] that the expert is among those drawn, zero weights included; they sum to top_k. Absolute
  /// error below 1e-9.
  std::vector<double> inclusion() const;

  /// The law's tables; without those of sets.
  LayerLawView view() const;

 private:
  /// Nodes of the race's integral, in blocks of `race_lanes`; times are in units in which the weights sum
  /// to 1.
  struct Quadrature {
    std::vector<double> weight;  ///< [node]; 0 where the last block is filled up
    std::vector<double> time;    ///< [node]
    std::vector<double> absent;  ///< [block][expert][lane]: chance exp(-w t) of no arrival before the node
    std::vector<double> odds;    ///< [block][expert][lane]: (1 - absent) / absent, or most_race_odds
  };

  void tabulate_race();
  void check_race_mass() const;
  LayerDistribution one_per_host(CostView const& cost, std::uint32_t layer) const;
  LayerDistribution several_per_host(CostView const& cost, std::uint32_t layer) const;
  std::vector<double> race_within_first(std::vector<std::uint32_t> const& order) const;

  std::uint32_t top_k_;
  std::size_t experts_;              ///< zero weights included
  std::vector<ExpertIndex> expert_;  ///< those of positive weight; the tables count only these
  std::vector<double> weight_;       ///< [positive expert]
  bool race_;                        ///< Plackett-Luce where it differs from conditional Poisson
  Quadrature quadrature_;            ///< empty unless `race_`
};

/// The law of every layer [layer] of weights that are sampled.
std::vector<LayerLaw> layer_laws(RoutingLaw law, ActivationWeights const& sampled, std::uint32_t top_k);

/// As LayerLaw, for a single use.
LayerDistribution layer_distribution(RoutingLaw law, Span<double const> weights, std::uint32_t top_k,
                                     CostView const& cost, std::uint32_t layer);

}  // namespace spacemoe
