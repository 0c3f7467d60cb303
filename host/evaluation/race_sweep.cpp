// Every function that vectors pass through is inlined, so how they would be passed does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "host/evaluation/race_sweep.hpp"

#include <algorithm>

#include "host/simd.hpp"
#include "kernels/routing.hpp"

namespace spacemoe {
namespace {

/// One number per node of a block; narrower instruction sets take several registers for it.
using Numbers [[gnu::vector_size(race_lanes * sizeof(double))]] = double;

SPACEMOE_BODY Numbers loaded(double const* numbers) {
  Numbers n;
  __builtin_memcpy(&n, numbers, sizeof n);
  return n;
}

SPACEMOE_BODY void store(Numbers const& n, double* numbers) {
  __builtin_memcpy(numbers, &n, sizeof n);
}

SPACEMOE_BODY bool surely_enough(Numbers const& chance) {
  bool sure = true;
  for (std::size_t i = 0; i < race_lanes; ++i) sure &= chance[i] > 1 - negligible_absence;
  return sure;
}

/// Lets the experts of a race in one after the other. `known_top_k` is 0 where the compiler need not know it.
template <std::uint32_t known_top_k>
class Arrivals {
 public:
  SPACEMOE_BODY explicit Arrivals(std::uint32_t top_k) : top_k_(known_top_k > 0 ? known_top_k : top_k) {
    for (Numbers& e : exactly_) e = Numbers{};
    exactly_[0] = Numbers{} + 1.0;
  }

  SPACEMOE_BODY void let_in(Numbers const& absent) {
    Numbers const arrives = 1.0 - absent;
    enough_ = enough_ + exactly_[top_k_ - 1] * arrives;
#pragma GCC unroll 16
    for (std::uint32_t k = top_k_ - 1; k >= 1; --k) {
      exactly_[k] = exactly_[k] * absent + exactly_[k - 1] * arrives;
    }
    exactly_[0] = exactly_[0] * absent;
  }

  /// Chance of top_k arrivals or more.
  SPACEMOE_BODY Numbers const& enough() const {
    return enough_;
  }

 private:
  std::uint32_t top_k_;
  Numbers exactly_[known_top_k > 0 ? known_top_k : max_top_k];  ///< [k]: chance of k arrivals
  Numbers enough_{};
};

/// Adds a block's terms to `sums` [m - 1][node]. `rest` [expert][node] is room for the quadrature's weight
/// times the chance that no expert from m on has arrived.
template <std::uint32_t known_top_k>
SPACEMOE_BODY void add_block(double const* weight, double const* absent, std::span<std::uint32_t const> order,
                             std::uint32_t top_k, double* rest, double* sums) {
  std::size_t const experts = order.size();
  Numbers left = loaded(weight);
  for (std::size_t m = experts; m-- > 1;) {
    left *= loaded(absent + order[m] * race_lanes);
    store(left, rest + m * race_lanes);
  }
  Arrivals<known_top_k> arrivals(top_k);
  std::size_t m = 1;
  while (m < experts && !surely_enough(arrivals.enough())) {
    for (std::size_t const end = std::min(experts, m + race_stride); m < end; ++m) {
      arrivals.let_in(loaded(absent + order[m - 1] * race_lanes));
      double* const sum = sums + (m - 1) * race_lanes;
      store(loaded(sum) + loaded(rest + m * race_lanes) * arrivals.enough(), sum);
    }
  }
  for (; m < experts; ++m) {
    double* const sum = sums + (m - 1) * race_lanes;
    store(loaded(sum) + loaded(rest + m * race_lanes), sum);
  }
}

template <std::uint32_t known_top_k>
SPACEMOE_BODY void sweep(RaceView const& race, std::span<std::uint32_t const> order, std::span<double> sums) {
  std::size_t const experts = order.size();
  std::vector<double> room(2 * experts * race_lanes);
  double* const node_sums = room.data();
  double* const rest = node_sums + experts * race_lanes;
  for (std::size_t node = 0; node < race.weight.size(); node += race_lanes) {
    add_block<known_top_k>(&race.weight[node], &race.absent[node * experts], order, race.top_k, rest,
                           node_sums);
  }
  for (std::size_t m = 0; m < experts; ++m) {
    double const* const at = node_sums + m * race_lanes;
    sums[m] = ((at[0] + at[1]) + (at[2] + at[3])) + ((at[4] + at[5]) + (at[6] + at[7]));
  }
}

SPACEMOE_BODY void sweep_body(RaceView const& race, std::span<std::uint32_t const> order,
                              std::span<double> sums) {
  switch (race.top_k) {
    case 2:
      return sweep<2>(race, order, sums);
    case 4:
      return sweep<4>(race, order, sums);
    case 6:
      return sweep<6>(race, order, sums);
    case 8:
      return sweep<8>(race, order, sums);
    default:
      return sweep<0>(race, order, sums);
  }
}

#if defined(SPACEMOE_SIMD_X86)
SPACEMOE_AVX2 void sweep_avx2(RaceView const& race, std::span<std::uint32_t const> order,
                              std::span<double> sums) {
  sweep_body(race, order, sums);
}

SPACEMOE_AVX512 void sweep_avx512(RaceView const& race, std::span<std::uint32_t const> order,
                                  std::span<double> sums) {
  sweep_body(race, order, sums);
}
#endif

}  // namespace

void race_sweep(RaceView const& race, std::span<std::uint32_t const> order, std::span<double> sums) {
#if defined(SPACEMOE_SIMD_X86)
  if (instruction_set() == InstructionSet::avx512) return sweep_avx512(race, order, sums);
  if (instruction_set() == InstructionSet::avx2) return sweep_avx2(race, order, sums);
#endif
  sweep_body(race, order, sums);
}

}  // namespace spacemoe
