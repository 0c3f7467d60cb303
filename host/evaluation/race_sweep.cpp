// Every function that vectors pass through is inlined, so how they would be passed does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "host/evaluation/race_sweep.hpp"

#include <algorithm>
#include <vector>

#include "host/evaluation/node_lanes.hpp"
#include "host/simd.hpp"
#include "kernels/routing.hpp"

namespace spacemoe {
namespace {

/// Lets the experts of a race in one after the other. `known_top_k` is 0 where the compiler need not know it.
template <class Nodes, std::uint32_t known_top_k>
class Arrivals {
 public:
  using Real = typename Nodes::Real;

  SPACEMOE_BODY explicit Arrivals(std::uint32_t top_k) : top_k_(known_top_k > 0 ? known_top_k : top_k) {
    for (Real& e : exactly_) e = Real{};
    exactly_[0] = Real{} + 1.0;
  }

  SPACEMOE_BODY void let_in(Real const& absent) {
    Real const arrives = 1.0 - absent;
    enough_ = enough_ + exactly_[top_k_ - 1] * arrives;
#pragma GCC unroll 16
    for (std::uint32_t k = top_k_ - 1; k >= 1; --k) {
      exactly_[k] = exactly_[k] * absent + exactly_[k - 1] * arrives;
    }
    exactly_[0] = exactly_[0] * absent;
  }

  /// Takes enough arrivals for certain at nodes where they nearly are, each for itself, so that it does not
  /// matter how many are side by side. Says whether they are at all nodes.
  SPACEMOE_BODY bool settle() {
    Real const sure = Nodes::exceeds(enough_, Real{} + (1 - negligible_absence));
    double const decisions = Nodes::total(sure);
    if (decisions == 0) return false;
    Real const open = 1.0 - sure;
    for (Real& e : exactly_) e = e * open;
    enough_ = enough_ * open + sure;
    return decisions == Nodes::count;
  }

  /// Chance of top_k arrivals or more.
  SPACEMOE_BODY Real const& enough() const {
    return enough_;
  }

 private:
  std::uint32_t top_k_;
  Real exactly_[known_top_k > 0 ? known_top_k : max_top_k];  ///< [k]: chance of k arrivals
  Real enough_{};
};

/// Adds the terms of some nodes of a block to `sums` [m - 1][node]. `rest` [expert][node] is room for the
/// quadrature's weight times the chance that no expert from m on has arrived.
template <class Nodes, std::uint32_t known_top_k>
SPACEMOE_BODY void add_nodes(double const* weight, double const* absent, std::span<std::uint32_t const> order,
                             std::uint32_t top_k, double* rest, double* sums) {
  using Real = typename Nodes::Real;
  std::size_t const experts = order.size();
  Real left = Nodes::loaded(weight);
  for (std::size_t m = experts; m-- > 1;) {
    left *= Nodes::loaded(absent + order[m] * race_lanes);
    Nodes::store(left, rest + m * race_lanes);
  }
  Arrivals<Nodes, known_top_k> arrivals(top_k);
  std::size_t m = 1;
  while (m < experts && !arrivals.settle()) {
    for (std::size_t const end = std::min(experts, m + race_stride); m < end; ++m) {
      arrivals.let_in(Nodes::loaded(absent + order[m - 1] * race_lanes));
      double* const sum = sums + (m - 1) * race_lanes;
      Nodes::store(Nodes::loaded(sum) + Nodes::loaded(rest + m * race_lanes) * arrivals.enough(), sum);
    }
  }
  for (; m < experts; ++m) {
    double* const sum = sums + (m - 1) * race_lanes;
    Nodes::store(Nodes::loaded(sum) + Nodes::loaded(rest + m * race_lanes), sum);
  }
}

template <class Nodes, std::uint32_t known_top_k>
SPACEMOE_BODY void sweep(RaceView const& race, std::span<std::uint32_t const> order, std::span<double> sums) {
  std::size_t const experts = order.size();
  std::vector<double> room(2 * experts * race_lanes);
  double* const node_sums = room.data();
  double* const rest = node_sums + experts * race_lanes;
  for (std::size_t node = 0; node < race.weight.size(); node += race_lanes) {
    double const* const absent = &race.absent[node * experts];
    for (std::uint32_t lane = 0; lane < race_lanes; lane += Nodes::count) {
      add_nodes<Nodes, known_top_k>(&race.weight[node + lane], absent + lane, order, race.top_k, rest + lane,
                                    node_sums + lane);
    }
  }
  for (std::size_t m = 0; m < experts; ++m) {
    sums[m] = sum_of(NodeLanes<Reals8>::loaded(node_sums + m * race_lanes));
  }
}

/// `Nodes` fill a register.
template <class Nodes>
SPACEMOE_BODY void sweep_body(RaceView const& race, std::span<std::uint32_t const> order,
                              std::span<double> sums) {
  switch (race.top_k) {
    case 2:
      return sweep<Nodes, 2>(race, order, sums);
    case 4:
      return sweep<Nodes, 4>(race, order, sums);
    case 6:
      return sweep<Nodes, 6>(race, order, sums);
    case 8:
      return sweep<Nodes, 8>(race, order, sums);
    default:
      return sweep<Nodes, 0>(race, order, sums);
  }
}

#if defined(SPACEMOE_SIMD_X86)
SPACEMOE_AVX2 void sweep_avx2(RaceView const& race, std::span<std::uint32_t const> order,
                              std::span<double> sums) {
  sweep_body<NodeLanes<Reals4>>(race, order, sums);
}

SPACEMOE_AVX512 void sweep_avx512(RaceView const& race, std::span<std::uint32_t const> order,
                                  std::span<double> sums) {
  sweep_body<NodeLanes<Reals8>>(race, order, sums);
}
#endif

}  // namespace

void race_sweep(RaceView const& race, std::span<std::uint32_t const> order, std::span<double> sums) {
#if defined(SPACEMOE_SIMD_X86)
  if (instruction_set() == InstructionSet::avx512) return sweep_avx512(race, order, sums);
  if (instruction_set() == InstructionSet::avx2) return sweep_avx2(race, order, sums);
#endif
  sweep_body<NodeLanes<Reals2>>(race, order, sums);
}

}  // namespace spacemoe
