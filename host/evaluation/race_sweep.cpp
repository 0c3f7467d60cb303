#include "host/evaluation/race_sweep.hpp"

#include <algorithm>

#include "host/evaluation/vectors.hpp"
#include "host/simd.hpp"
#include "kernels/routing.hpp"

namespace spacemoe {
namespace {

/// One number per node of a block, in registers of `bytes` bytes.
template <std::size_t bytes>
struct NodeNumbers {
  static constexpr std::size_t parts = race_lanes * sizeof(double) / bytes;
  using Part = typename RegisterOf<bytes>::Type;
  Part part[parts];

  SPACEMOE_BODY void load(double const* numbers) { __builtin_memcpy(part, numbers, sizeof part); }
  SPACEMOE_BODY void store(double* numbers) const { __builtin_memcpy(numbers, part, sizeof part); }
  SPACEMOE_BODY void fill(double number) {
    for (Part& p : part) p = Part{} + number;
  }
};

/// Where the chance of too few arrivals is below this at every node of a block, it counts as none.
constexpr double negligible = 1e-13;
/// Experts after which that is looked at.
constexpr std::size_t stride = 8;

/// Arrivals among the experts that have been let in. `known_top_k` is 0 where the compiler need not know it.
template <std::size_t bytes, std::uint32_t known_top_k>
class Arrivals {
  using Numbers = NodeNumbers<bytes>;

 public:
  SPACEMOE_BODY explicit Arrivals(std::uint32_t top_k) : top_k_(known_top_k > 0 ? known_top_k : top_k) {
    exactly_[0].fill(1);
    for (std::uint32_t k = 1; k < top_k_; ++k) exactly_[k].fill(0);
    enough_.fill(0);
  }

  SPACEMOE_BODY void let_in(Numbers const& absent) {
    for (std::size_t i = 0; i < Numbers::parts; ++i) {
      auto const stays_out = absent.part[i];
      auto const arrives = 1 - stays_out;
      enough_.part[i] += exactly_[top_k_ - 1].part[i] * arrives;
#pragma GCC unroll 8
      for (std::uint32_t k = top_k_ - 1; k >= 1; --k) {
        exactly_[k].part[i] = exactly_[k].part[i] * stays_out + exactly_[k - 1].part[i] * arrives;
      }
      exactly_[0].part[i] *= stays_out;
    }
  }

  /// Chance of top_k arrivals or more.
  SPACEMOE_BODY Numbers const& enough() const {
    return enough_;
  }

  SPACEMOE_BODY bool surely_enough() const {
    double chance[race_lanes];
    enough_.store(chance);
    bool sure = true;
    for (double const c : chance) sure &= c > 1 - negligible;
    return sure;
  }

 private:
  std::uint32_t top_k_;
  Numbers exactly_[known_top_k > 0 ? known_top_k : max_top_k];  ///< [k]: chance of k arrivals
  Numbers enough_;
};

/// Adds a block's terms to `sums` [m - 1][node]. `rest` [expert][node] is room for the quadrature's weight
/// times the chance that no expert from m on has arrived.
template <std::size_t bytes, std::uint32_t known_top_k>
SPACEMOE_BODY void add_block(double const* weight, double const* absent, std::span<std::uint32_t const> order,
                             std::uint32_t top_k, double* rest, double* sums) {
  using Numbers = NodeNumbers<bytes>;
  std::size_t const experts = order.size();
  Numbers left, factor, sum;
  left.load(weight);
  for (std::size_t m = experts; m-- > 1;) {
    factor.load(absent + order[m] * race_lanes);
    for (std::size_t i = 0; i < Numbers::parts; ++i) left.part[i] *= factor.part[i];
    left.store(rest + m * race_lanes);
  }
  Arrivals<bytes, known_top_k> arrivals(top_k);
  std::size_t m = 1;
  while (m < experts && !arrivals.surely_enough()) {
    for (std::size_t const end = std::min(experts, m + stride); m < end; ++m) {
      factor.load(absent + order[m - 1] * race_lanes);
      arrivals.let_in(factor);
      left.load(rest + m * race_lanes);
      sum.load(sums + (m - 1) * race_lanes);
      for (std::size_t i = 0; i < Numbers::parts; ++i) {
        sum.part[i] += left.part[i] * arrivals.enough().part[i];
      }
      sum.store(sums + (m - 1) * race_lanes);
    }
  }
  for (; m < experts; ++m) {
    for (std::size_t i = 0; i < race_lanes; ++i) sums[(m - 1) * race_lanes + i] += rest[m * race_lanes + i];
  }
}

template <std::size_t bytes, std::uint32_t known_top_k>
SPACEMOE_BODY void sweep(RaceView const& race, std::span<std::uint32_t const> order, std::span<double> sums) {
  std::size_t const experts = order.size();
  std::vector<double> room(2 * experts * race_lanes);
  double* const node_sums = room.data();
  double* const rest = node_sums + experts * race_lanes;
  for (std::size_t node = 0; node < race.weight.size(); node += race_lanes) {
    add_block<bytes, known_top_k>(&race.weight[node], &race.absent[node * experts], order, race.top_k, rest,
                                  node_sums);
  }
  for (std::size_t m = 0; m < experts; ++m) {
    double const* const at = node_sums + m * race_lanes;
    sums[m] = ((at[0] + at[1]) + (at[2] + at[3])) + ((at[4] + at[5]) + (at[6] + at[7]));
  }
}

template <std::size_t bytes>
SPACEMOE_BODY void sweep_body(RaceView const& race, std::span<std::uint32_t const> order,
                              std::span<double> sums) {
  switch (race.top_k) {
    case 2:
      return sweep<bytes, 2>(race, order, sums);
    case 4:
      return sweep<bytes, 4>(race, order, sums);
    case 6:
      return sweep<bytes, 6>(race, order, sums);
    case 8:
      return sweep<bytes, 8>(race, order, sums);
    default:
      return sweep<bytes, 0>(race, order, sums);
  }
}

#if defined(SPACEMOE_SIMD_X86)
SPACEMOE_AVX2 void sweep_avx2(RaceView const& race, std::span<std::uint32_t const> order,
                              std::span<double> sums) {
  sweep_body<32>(race, order, sums);
}

SPACEMOE_AVX512 void sweep_avx512(RaceView const& race, std::span<std::uint32_t const> order,
                                  std::span<double> sums) {
  sweep_body<64>(race, order, sums);
}
#endif

}  // namespace

void race_sweep(RaceView const& race, std::span<std::uint32_t const> order, std::span<double> sums) {
#if defined(SPACEMOE_SIMD_X86)
  if (instruction_set() == InstructionSet::avx512) return sweep_avx512(race, order, sums);
  if (instruction_set() == InstructionSet::avx2) return sweep_avx2(race, order, sums);
#endif
  sweep_body<16>(race, order, sums);
}

}  // namespace spacemoe
