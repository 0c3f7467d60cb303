#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/latency.hpp"
#include "kernels/routing.hpp"
#include "kernels/span.hpp"

// Mean and variance of a layer's latency under a changed placement, exactly: with latencies c_1 <= ... <= c_E
// and F_m the chance that all drawn experts are among the m fastest,
//   E[max] = c_E - sum over m < E of (c_{m+1} - c_m) F_m,
// and the same with squares. IEEE double, only + - * and a final division, in one order: the same bits on
// every backend. Types are templates, so that a CPU computes with vectors of slots or of quadrature nodes
// where a GPU's thread has one.

namespace spacemoe {

/// Most experts of positive weight for which F is kept for every set of experts.
inline constexpr std::uint32_t max_subset_experts = 16;

/// Quadrature nodes of the race that are worked on side by side.
inline constexpr std::uint32_t race_lanes = 8;

/// How one layer draws its experts, as scoring needs it. Only experts of positive weight count.
struct LayerLawView {
  std::uint32_t top_k = 0;
  Span<ExpertIndex const> expert;  ///< those of positive weight

  // Few experts.
  Span<double const> within;  ///< [set of experts, as bits]: chance that it holds all that are drawn

  // Many experts, conditional Poisson, or a single draw.
  Span<double const> weight;  ///< [positive expert]; of the race, too, where they sum to 1

  // Many experts, Plackett-Luce: the exponential race at the nodes of a quadrature; empty otherwise.
  Span<double const> node_weight;  ///< [block][lane]
  Span<double const> absent;       ///< [block][positive expert][lane]: chance of no arrival before the node
};

/// Path latencies and compute times from which changes are scored.
struct ScoringView {
  std::uint32_t nodes = 0;
  std::uint32_t slots = 0;
  std::uint32_t slot_stride = 0;           ///< slots and padding
  std::uint32_t experts = 0;               ///< of a layer, zero weights included
  Span<Nanoseconds const> path_ns;         ///< [source][node][slot]
  Span<std::uint64_t const> expert_ns;     ///< [layer][expert]: compute that depends on the expert
  Span<std::uint64_t const> satellite_ns;  ///< [satellite]: compute that depends on the host

  /// Latencies [slot] from a source to a satellite.
  SPACEMOE_FN Nanoseconds const* path(std::uint32_t source, std::uint32_t node) const {
    return path_ns.data() + (static_cast<std::size_t>(source) * nodes + node) * slot_stride;
  }
};

/// A layer of a placement as a candidate has it. Sources count those of the path table.
struct LayerChange {
  std::uint32_t layer;
  std::uint32_t gateway;      ///< source
  std::uint32_t aggregation;  ///< source where the experts' outputs meet
  std::uint32_t forward;      ///< satellite on to which they go from there; the aggregation itself: no way
  std::uint64_t gateway_ns;   ///< compute at the gateway
  std::uint64_t first_host;   ///< index of expert 0's host in the hosts that come with the changes
};

// Sort keys: latency above, position among the positive experts below. Latencies of unreachable experts are
// all the same, above any other.
inline constexpr std::uint32_t key_bits = 16;

/// Key of an expert: there, compute, and back. `Word` counts nanoseconds of one slot or of several. Costs of
/// `unreachable` or more count as unreachable, as everywhere.
template <class Word>
SPACEMOE_INLINE Word score_key(Word const& there, Word const& back, std::uint64_t compute_ns,
                               std::uint32_t position) {
  Word const whole = there + back + compute_ns;
  Word const none = Word{} + std::uint64_t{unreachable};
  return ((whole < none ? whole : none) << key_bits) + position;
}

/// The least key of an unreachable expert.
inline constexpr std::uint64_t lost_key = std::uint64_t{unreachable} << key_bits;

/// One slot at a time. A CPU has the same with vectors of slots.
struct OneSlot {
  using Word = std::uint64_t;
  using Real = double;

  /// Exact, for integers below 2^52.
  SPACEMOE_INLINE static double real(std::uint64_t number) { return static_cast<double>(number); }
  SPACEMOE_INLINE static double look_up(double const* table, std::uint64_t index) { return table[index]; }
};

/// What is left of a layer's distribution.
template <class Real>
struct LayerScoreOf {
  Real mean_ns;       ///< of delivered tokens; 0 where there are none
  Real variance_ns2;  ///< of delivered tokens; 0 where there are none
  Real delivered;     ///< chance that no drawn expert is unreachable
};
using LayerScore = LayerScoreOf<double>;

/// From the latency of the fastest expert, that of the slowest reachable one beyond it, the chance that all
/// drawn are reachable, and the sums over m of (steps between latencies beyond the fastest, and between their
/// squares) x F_m.
template <class Real>
SPACEMOE_INLINE LayerScoreOf<Real> finished_score(Real const& fastest, Real const& slowest,
                                                  Real const& delivered, Real const& sum,
                                                  Real const& sum_squares) {
  Real const none{};
  Real const mass = delivered > none ? delivered : none + 1.0;
  Real const first = (slowest * delivered - sum) / mass;
  Real const second = (slowest * slowest * delivered - sum_squares) / mass;
  Real const variance = second - first * first;
  return {delivered > none ? fastest + first : none, variance > none ? variance : none, delivered};
}

/// The score with the gateway's compute and the way forward [ns].
template <class Slots>
SPACEMOE_INLINE void add_gateway(typename Slots::Word const& forward, std::uint64_t gateway_ns,
                                 LayerScoreOf<typename Slots::Real>& score) {
  using Real = typename Slots::Real;
  using Word = typename Slots::Word;
  Real const none{};
  Real const at_gateway = Slots::real(forward + gateway_ns);
  score.delivered = forward < Word{} + std::uint64_t{unreachable} ? score.delivered : none;
  score.mean_ns = score.delivered > none ? score.mean_ns + at_gateway : none;
  score.variance_ns2 = score.delivered > none ? score.variance_ns2 : none;
}

/// Batcher's odd-even mergesort of `count` keys, a power of two: which pairs are compared, in order.
template <std::uint32_t count>
struct SortingNetwork {
  std::uint32_t pairs = 0;
  std::uint8_t low[count * count]{};
  std::uint8_t high[count * count]{};

  SPACEMOE_FN constexpr SortingNetwork() {
    for (std::uint32_t p = 1; p < count; p *= 2) {
      for (std::uint32_t k = p; k >= 1; k /= 2) {
        for (std::uint32_t a = k % p; a + k < count; ++a) {
          bool const compares = (a - k % p) / k % 2 == 0 && a / (2 * p) == (a + k) / (2 * p);
          if (!compares) continue;
          low[pairs] = static_cast<std::uint8_t>(a);
          high[pairs] = static_cast<std::uint8_t>(a + k);
          ++pairs;
        }
      }
    }
  }
};

template <std::uint32_t count, std::uint32_t pair, class Word>
SPACEMOE_INLINE void sort_from(Word (&key)[count]) {
  constexpr SortingNetwork<count> network;
  if constexpr (pair < network.pairs) {
    constexpr std::uint32_t low = network.low[pair];
    constexpr std::uint32_t high = network.high[pair];
    Word const a = key[low];
    Word const b = key[high];
    key[low] = a < b ? a : b;
    key[high] = a < b ? b : a;
    sort_from<count, pair + 1>(key);
  }
}

/// Score by a table of all sets of experts, from keys in any order; those beyond `experts` are greater than
/// all others.
template <class Slots, std::uint32_t count>
SPACEMOE_INLINE LayerScoreOf<typename Slots::Real> subset_score(typename Slots::Word (&key)[count],
                                                                std::uint32_t experts, double const* within) {
  using Word = typename Slots::Word;
  using Real = typename Slots::Real;
  sort_from<count, 0>(key);
  Word const limit = Word{} + lost_key;
  Word const position_mask = Word{} + ((std::uint64_t{1} << key_bits) - 1);
  Word const one = Word{} + std::uint64_t{1};
  Word const first_ns = key[0] >> key_bits;
  Word set{};
  Real slowest{}, chance{}, sum{}, sum_squares{};
  SPACEMOE_UNROLL_16
  for (std::uint32_t m = 0; m < count; ++m) {
    if (m >= experts) break;
    Word const with = set | (one << (key[m] & position_mask));
    Word const beyond_ns = (key[m] >> key_bits) - first_ns;
    set = key[m] < limit ? with : set;
    Real const reached = Slots::real(beyond_ns);
    Real const beyond = key[m] < limit ? reached : slowest;
    sum = sum + (beyond - slowest) * chance;
    sum_squares = sum_squares + (beyond * beyond - slowest * slowest) * chance;
    slowest = beyond;
    chance = Slots::look_up(within, set);
  }
  return finished_score<Real>(Slots::real(first_ns), slowest, chance, sum, sum_squares);
}

/// Adds the experts of a race one after the other; `Real` holds quadrature nodes. `known_top_k` is 0 where
/// the compiler need not know it.
template <class Real, std::uint32_t known_top_k>
class RaceArrivals {
 public:
  SPACEMOE_INLINE explicit RaceArrivals(std::uint32_t top_k) : top_k_(known_top_k > 0 ? known_top_k : top_k) {
    for (Real& e : exactly_) e = Real{};
    exactly_[0] = Real{} + 1.0;
  }

  SPACEMOE_INLINE void let_in(Real const& absent) {
    Real const arrives = 1.0 - absent;
    enough_ = enough_ + exactly_[top_k_ - 1] * arrives;
    SPACEMOE_UNROLL_16
    for (std::uint32_t k = top_k_ - 1; k >= 1; --k) {
      exactly_[k] = exactly_[k] * absent + exactly_[k - 1] * arrives;
    }
    exactly_[0] = exactly_[0] * absent;
  }

  /// Chance of top_k arrivals or more.
  SPACEMOE_INLINE Real const& enough() const { return enough_; }

 private:
  std::uint32_t top_k_;
  Real exactly_[known_top_k > 0 ? known_top_k : max_top_k];  ///< [k]: chance of k arrivals
  Real enough_{};
};

/// Latencies of a layer in order, and the steps between them. Arrays have an entry per positive expert.
struct OrderedLayer {
  std::uint16_t const* position;  ///< by rising latency, among the positive experts
  double const* step;             ///< [m], from 1: c_{m+1} - c_m; in a race times the weight of all but m
  double const* step_squares;     ///< [m]: the same of squares of latencies beyond the fastest
  std::uint32_t experts;
  std::uint32_t reachable;
};

/// Sums of a race over the nodes in `Real`.
template <class Real>
struct RaceSums {
  Real sum{};
  Real sum_squares{};
  Real reachable{};  ///< over the weight of the unreachable experts; only where there are some
};

/// Experts whose products are kept in registers; after so many the race looks whether it is decided.
inline constexpr std::uint32_t race_stride = 8;

SPACEMOE_FN constexpr std::uint32_t whole_strides(std::uint32_t experts) {
  return (experts + race_stride - 1) / race_stride * race_stride;
}

/// From sorted keys, the order of the experts and the steps, none from unreachable experts on. The arrays of
/// steps have whole_strides(experts) entries.
SPACEMOE_FN inline OrderedLayer order_layer(LayerLawView const& law, std::uint64_t const* key,
                                            std::uint32_t experts, std::uint16_t* position, double* step,
                                            double* step_squares) {
  bool const race = !law.node_weight.empty();
  for (std::uint32_t m = experts; m < whole_strides(experts); ++m) {
    step[m] = 0;
    step_squares[m] = 0;
  }
  double rest = 0;
  std::uint32_t reachable_experts = 0;
  for (std::uint32_t m = experts; m-- > 0;) {
    position[m] = static_cast<std::uint16_t>(key[m] & ((std::uint64_t{1} << key_bits) - 1));
    step[m] = 0;
    step_squares[m] = 0;
    rest = rest + law.weight[position[m]];
    if (key[m] >= lost_key) continue;
    if (reachable_experts == 0) reachable_experts = m + 1;
    if (m == 0) continue;
    double const before = OneSlot::real((key[m - 1] >> key_bits) - (key[0] >> key_bits));
    double const beyond = OneSlot::real((key[m] >> key_bits) - (key[0] >> key_bits));
    double const scale = race ? rest : 1.0;
    step[m] = (beyond - before) * scale;
    step_squares[m] = (beyond * beyond - before * before) * scale;
  }
  return {position, step, step_squares, experts, reachable_experts};
}

/// Where the chance of too few arrivals is below this at every node of a block, it counts as none.
inline constexpr double negligible_absence = 1e-13;

/// Adds one block of nodes. `absent(position)` gives the chances of no arrival, `sure(chances)` says whether
/// all nodes of the block exceed 1 - negligible_absence, and `after` has room for one entry per stride of
/// experts and one more.
template <std::uint32_t known_top_k, class Real, class Absent, class Sure, class Entries>
SPACEMOE_INLINE void add_race_block(OrderedLayer const& layer, std::uint32_t top_k, Real const& node_weight,
                                    Absent absent, Sure sure, Entries after, RaceSums<Real>& sums) {
  std::uint32_t const strides = (layer.experts + race_stride - 1) / race_stride;
  after[strides] = node_weight;
  for (std::uint32_t s = strides; s-- > 0;) {
    Real product = after[s + 1];
    for (std::uint32_t i = s * race_stride; i < (s + 1) * race_stride && i < layer.experts; ++i) {
      product = product * absent(layer.position[i]);
    }
    after[s] = product;
  }
  RaceArrivals<Real, known_top_k> arrivals(top_k);
  bool all_sure = false;
  for (std::uint32_t s = 0; s < strides; ++s) {
    std::uint32_t const first = s * race_stride;
    if (first > layer.reachable) break;
    Real missing[race_stride];
    Real rest[race_stride];
    SPACEMOE_UNROLL_16
    for (std::uint32_t i = 0; i < race_stride; ++i) {
      missing[i] = first + i < layer.experts ? absent(layer.position[first + i]) : Real{} + 1.0;
    }
    Real left = after[s + 1];
    SPACEMOE_UNROLL_16
    for (std::uint32_t i = 0; i < race_stride; ++i) {
      std::uint32_t const at = race_stride - 1 - i;
      left = left * missing[at];
      rest[at] = left;
    }
    all_sure = all_sure || sure(arrivals.enough());
    double const* const step = layer.step + first;
    double const* const step_squares = layer.step_squares + first;
    std::uint32_t const lost = layer.reachable < layer.experts ? layer.reachable - first : race_stride;
    SPACEMOE_UNROLL_16
    for (std::uint32_t i = 0; i < race_stride; ++i) {
      Real const chance = all_sure ? rest[i] : rest[i] * arrivals.enough();
      sums.sum = sums.sum + chance * step[i];
      sums.sum_squares = sums.sum_squares + chance * step_squares[i];
      if (i == lost) sums.reachable = sums.reachable + chance;
      if (!all_sure) arrivals.let_in(missing[i]);
    }
  }
}

/// Conditional Poisson, or a single draw: sums of steps (not weighted) x F_m from elementary symmetric
/// polynomials of the weights, and the chance that all drawn are reachable.
SPACEMOE_FN inline RaceSums<double> symmetric_sums(OrderedLayer const& layer, std::uint32_t top_k,
                                                   double const* weight) {
  double symmetric[max_top_k + 1]{};
  symmetric[0] = 1;
  RaceSums<double> sums;
  for (std::uint32_t m = 0; m < layer.experts; ++m) {
    if (m >= 1 && m < layer.reachable) {
      sums.sum = sums.sum + symmetric[top_k] * layer.step[m];
      sums.sum_squares = sums.sum_squares + symmetric[top_k] * layer.step_squares[m];
    }
    if (m == layer.reachable) sums.reachable = symmetric[top_k];
    double const w = weight[layer.position[m]];
    for (std::uint32_t k = top_k; k >= 1; --k) symmetric[k] = symmetric[k] + w * symmetric[k - 1];
  }
  double const all = symmetric[top_k];
  return {sums.sum / all, sums.sum_squares / all, sums.reachable / all};
}

/// Score of an ordered layer, without its gateway. `key` is sorted; of the sums, `reachable` counts only
/// where some expert is unreachable, and is not yet times their weight in a race.
SPACEMOE_FN inline LayerScore ordered_score(LayerLawView const& law, OrderedLayer const& layer,
                                            std::uint64_t const* key, RaceSums<double> const& sums) {
  if (layer.reachable == 0) return {0, 0, 0};
  double delivered = 1;
  if (layer.reachable < layer.experts) {
    double rest = 0;
    for (std::uint32_t m = layer.experts; m-- > layer.reachable;) rest = rest + law.weight[layer.position[m]];
    delivered = law.node_weight.empty() ? sums.reachable : sums.reachable * rest;
  }
  std::uint64_t const fastest = key[0] >> key_bits;
  std::uint64_t const slowest = (key[layer.reachable - 1] >> key_bits) - fastest;
  return finished_score<double>(OneSlot::real(fastest), OneSlot::real(slowest), delivered, sums.sum,
                                sums.sum_squares);
}

}  // namespace spacemoe
