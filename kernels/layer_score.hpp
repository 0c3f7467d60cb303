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
  Span<double const> node_time;    ///< [block][lane]
  Span<double const> odds;         ///< [block][positive expert][lane]: of arrival before the node
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

/// Latencies of a layer in order, and the steps between them. Arrays have an entry per positive expert.
struct OrderedLayer {
  std::uint16_t const* position;  ///< by rising latency, among the positive experts
  double const* step;             ///< [m], from 1: c_{m+1} - c_m; in a race times the weight of all but m
  double const* step_squares;     ///< [m]: the same of squares of latencies beyond the fastest
  double const* ahead;            ///< [stride]: weight of its experts and of all beyond, in the end 0
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

/// After so many experts the race looks whether it is decided.
inline constexpr std::uint32_t race_stride = 8;

SPACEMOE_FN constexpr std::uint32_t whole_strides(std::uint32_t experts) {
  return (experts + race_stride - 1) / race_stride * race_stride;
}

/// From sorted keys, the order of the experts and the steps, none from unreachable experts on. The arrays of
/// steps have whole_strides(experts) entries, `ahead` one per stride and one more.
SPACEMOE_FN inline OrderedLayer order_layer(LayerLawView const& law, std::uint64_t const* key,
                                            std::uint32_t experts, std::uint16_t* position, double* step,
                                            double* step_squares, double* ahead) {
  bool const race = !law.node_weight.empty();
  for (std::uint32_t m = experts; m < whole_strides(experts); ++m) {
    step[m] = 0;
    step_squares[m] = 0;
  }
  double rest = 0;
  ahead[whole_strides(experts) / race_stride] = rest;
  std::uint32_t reachable_experts = 0;
  for (std::uint32_t m = experts; m-- > 0;) {
    position[m] = static_cast<std::uint16_t>(key[m] & ((std::uint64_t{1} << key_bits) - 1));
    step[m] = 0;
    step_squares[m] = 0;
    rest = rest + law.weight[position[m]];
    if (m % race_stride == 0) ahead[m / race_stride] = rest;
    if (key[m] >= lost_key) continue;
    if (reachable_experts == 0) reachable_experts = m + 1;
    if (m == 0) continue;
    double const before = OneSlot::real((key[m - 1] >> key_bits) - (key[0] >> key_bits));
    double const beyond = OneSlot::real((key[m] >> key_bits) - (key[0] >> key_bits));
    double const scale = race ? rest : 1.0;
    step[m] = (beyond - before) * scale;
    step_squares[m] = (beyond * beyond - before * before) * scale;
  }
  return {position, step, step_squares, ahead, experts, reachable_experts};
}

/// Odds of an expert's arrival are given up to this, which leaves 1e-27 of no arrival.
inline constexpr double most_race_odds = 0x1p90;

/// Where the chance of too few arrivals is below this, it counts as none.
inline constexpr double negligible_absence = 1e-13;

/// Where so many arrivals are due among some experts, the chance e^-64 that none arrives counts as none.
inline constexpr double certain_arrivals = 64;

/// [k] below a number that the compiler knows, in registers.
template <class Real, std::uint32_t count>
struct KnownCounts {
  Real of[count];
  SPACEMOE_INLINE Real& operator[](std::uint32_t k) { return of[k]; }
  SPACEMOE_INLINE static constexpr std::uint32_t size() { return count; }
};

/// Nodes of a race's quadrature, by rising time.
template <class Real>
struct RaceNodes {
  Real weight;
  Real time;
  double least_time;
  double greatest_time;
};

/// One quadrature node at a time. A CPU has the same with vectors of nodes.
struct OneNode {
  using Real = double;
  static constexpr double count = 1;

  /// 1 where a > b, else 0; neither is negative. To multiply by: compilers take vectors of conditions apart.
  SPACEMOE_INLINE static double exceeds(double a, double b) { return a > b ? 1.0 : 0.0; }
  SPACEMOE_INLINE static double total(double node) { return node; }
};

/// A race into which experts are let one after the other; `Real` holds quadrature nodes. Chances of arrivals
/// among those let in are multiples of the chance of none: that of k is then the sum, over sets of k experts,
/// of the products of their odds, arrives / absent, and nothing is subtracted. `Counts` [k] has a Real for
/// every k below the number of experts drawn.
template <class Real, class Counts>
struct RaceArrivals {
  Counts exactly;  ///< [k]: k arrivals
  Real enough;     ///< as many as are drawn, or more
  Real all;        ///< any number

  SPACEMOE_INLINE void let_in(Real const& odds) {
    Real const grows = odds + 1.0;
    enough = enough * grows + exactly[exactly.size() - 1] * odds;
    all = all * grows;
    SPACEMOE_UNROLL_16
    for (std::uint32_t k = exactly.size() - 1; k >= 1; --k) exactly[k] = exactly[k] + exactly[k - 1] * odds;
  }

  /// The same where enough arrive anyway.
  SPACEMOE_INLINE void let_in_decided(Real const& odds) {
    enough = enough * (odds + 1.0);
    all = enough;
  }
};

/// The race at one block of nodes. Every node goes its own way, so that it does not matter how many there
/// are.
template <class Nodes, class Counts>
struct RaceBlock {
  using Real = typename Nodes::Real;

  RaceNodes<Real> node;
  RaceArrivals<Real, Counts> arrivals;
  RaceSums<Real> sums;   ///< times arrivals.all
  bool decided = false;  ///< enough have arrived, at all nodes

  SPACEMOE_INLINE RaceBlock(RaceNodes<Real> const& nodes_here, Counts const& room)
      : node(nodes_here), arrivals{room, Real{}, Real{} + 1.0} {
    std::uint32_t const counts = arrivals.exactly.size();
    SPACEMOE_UNROLL_16
    for (std::uint32_t k = 0; k < counts; ++k) arrivals.exactly[k] = Real{};
    arrivals.exactly[0] = Real{} + 1.0;
  }

  /// Before a stride of experts: notes at which nodes enough have arrived whoever comes. There, forgets what
  /// came before where surely an expert of those `ahead` has arrived.
  SPACEMOE_INLINE void settle(double ahead) {
    // The chance of no arrival so far is e^-20 or more: nothing to note.
    if (node.greatest_time * (1 - ahead) < 20) return;
    Real const sure = Nodes::exceeds(arrivals.enough, arrivals.all * (1 - negligible_absence));
    Real const open = 1.0 - sure;
    if (!decided) {
      double const decisions = Nodes::total(sure);
      if (decisions == 0) return;
      decided = decisions == Nodes::count;
      std::uint32_t const counts = arrivals.exactly.size();
      SPACEMOE_UNROLL_16
      for (std::uint32_t k = 0; k < counts; ++k) arrivals.exactly[k] = arrivals.exactly[k] * open;
    }
    Real const forgotten = sure * Nodes::exceeds(node.time * ahead, Real{} + certain_arrivals);
    Real const kept = 1.0 - forgotten;
    arrivals.all = arrivals.all * kept + forgotten;
    arrivals.enough = arrivals.enough * open + arrivals.all * sure;
    sums.sum = sums.sum * kept;
    sums.sum_squares = sums.sum_squares * kept;
    sums.reachable = sums.reachable * kept;
  }

  /// Whether the next settle(ahead) forgets everything, so that a stride need not be added.
  SPACEMOE_INLINE bool forgets(double ahead) const {
    return decided && node.least_time * ahead > certain_arrivals;
  }

  /// Keeps everything below 2^200 before a stride, hence finite after it. `all` is at most e^time.
  SPACEMOE_INLINE void keep_finite() {
    if (node.greatest_time < 128) return;
    Real const large = Nodes::exceeds(arrivals.all, Real{} + 0x1p200);
    if (Nodes::total(large) == 0) return;
    Real const factor = (1.0 - large) + large * 0x1p-720;
    std::uint32_t const counts = arrivals.exactly.size();
    SPACEMOE_UNROLL_16
    for (std::uint32_t k = 0; k < counts; ++k) arrivals.exactly[k] = arrivals.exactly[k] * factor;
    arrivals.enough = arrivals.enough * factor;
    arrivals.all = arrivals.all * factor;
    sums.sum = sums.sum * factor;
    sums.sum_squares = sums.sum_squares * factor;
    sums.reachable = sums.reachable * factor;
  }

  /// Adds a stride of experts; `odds(i)` is that of expert `first + i`.
  template <bool undecided, class Odds>
  SPACEMOE_INLINE void add(OrderedLayer const& layer, std::uint32_t first, Odds odds) {
    SPACEMOE_UNROLL_16
    for (std::uint32_t i = 0; i < race_stride; ++i) {
      sums.sum = sums.sum + arrivals.enough * layer.step[first + i];
      sums.sum_squares = sums.sum_squares + arrivals.enough * layer.step_squares[first + i];
      if (first + i == layer.reachable) sums.reachable = arrivals.enough;
      if (first + i >= layer.experts) return;
      Real const here = odds(layer.position[first + i]);
      if constexpr (undecided) {
        arrivals.let_in(here);
      } else {
        arrivals.let_in_decided(here);
      }
    }
  }
};

/// Adds one block of nodes to `sums`. `odds(position)` gives the odds of arrival at the nodes; `room` is
/// for counts.
template <class Nodes, class Real, class Counts, class Odds>
SPACEMOE_INLINE void add_race_block(OrderedLayer const& layer, RaceNodes<Real> const& nodes,
                                    Counts const& room, Odds odds, RaceSums<Real>& sums) {
  RaceBlock<Nodes, Counts> block(nodes, room);
  for (std::uint32_t first = 0; first < layer.experts; first += race_stride) {
    double const* const ahead = layer.ahead + first / race_stride;
    if (block.forgets(ahead[1])) continue;
    block.settle(ahead[0]);
    block.keep_finite();
    if (block.decided) {
      block.template add<false>(layer, first, odds);
    } else {
      block.template add<true>(layer, first, odds);
    }
  }
  Real const scale = nodes.weight / block.arrivals.all;
  sums.sum = sums.sum + block.sums.sum * scale;
  sums.sum_squares = sums.sum_squares + block.sums.sum_squares * scale;
  sums.reachable = sums.reachable + block.sums.reachable * scale;
}

/// Conditional Poisson, or a single draw: sums of steps (not weighted) x F_m from elementary symmetric
/// polynomials of the weights, and the chance that all drawn are reachable. `symmetric` is room for
/// top_k + 1 numbers.
template <class Counts>
SPACEMOE_FN RaceSums<double> symmetric_sums(OrderedLayer const& layer, std::uint32_t top_k,
                                            double const* weight, Counts symmetric) {
  symmetric[0] = 1;
  for (std::uint32_t k = 1; k <= top_k; ++k) symmetric[k] = 0;
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
