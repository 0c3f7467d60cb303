#include "host/evaluation/convolution.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "host/evaluation/vectors.hpp"
#include "host/simd.hpp"

namespace spacemoe {
namespace {

/// Grid points that are summed side by side.
constexpr std::size_t convolution_block = 64;

/// before[i - point] is the mass at i - point for every atom and every i below the length of `sum`, a
/// multiple of `convolution_block`. Sums are kept in registers while all atoms pass.
template <std::size_t bytes>
SPACEMOE_BODY void convolve_body(double const* before, std::span<GridAtom const> atoms,
                                 std::span<double> sum) {
  constexpr std::size_t parts = 8;
  constexpr std::size_t lanes = bytes / sizeof(double);
  static_assert(convolution_block % (parts * lanes) == 0);
  using Register = typename RegisterOf<bytes>::Type;
  for (std::size_t i = 0; i < sum.size(); i += parts * lanes) {
    Register total[parts]{};
    for (GridAtom const& atom : atoms) {
      double const* const from = before + i - atom.point;
      for (std::size_t p = 0; p < parts; ++p) {
        Register mass;
        std::memcpy(&mass, from + p * lanes, bytes);
        total[p] += atom.probability * mass;
      }
    }
    std::memcpy(&sum[i], total, sizeof total);
  }
}

#if defined(SPACEMOE_SIMD_X86)
SPACEMOE_AVX2 void convolve_avx2(double const* before, std::span<GridAtom const> atoms,
                                 std::span<double> sum) {
  convolve_body<32>(before, atoms, sum);
}

SPACEMOE_AVX512 void convolve_avx512(double const* before, std::span<GridAtom const> atoms,
                                     std::span<double> sum) {
  convolve_body<64>(before, atoms, sum);
}
#endif

void add_up(double const* before, std::span<GridAtom const> atoms, std::span<double> sum) {
#if defined(SPACEMOE_SIMD_X86)
  if (instruction_set() == InstructionSet::avx512) return convolve_avx512(before, atoms, sum);
  if (instruction_set() == InstructionSet::avx2) return convolve_avx2(before, atoms, sum);
#endif
  convolve_body<16>(before, atoms, sum);
}

/// Multiplications of the direct way per step of length * log(length) * log(numbers) at which transforms take
/// as long; measured for 8 to 384 experts.
constexpr double direct_work_per_fourier_step = 85;

bool fourier_pays(std::span<std::vector<GridAtom> const> numbers) {
  double length = 1;
  double direct_work = 0;
  for (auto const& atoms : numbers) {
    length += static_cast<double>(atoms.back().point);
    direct_work += static_cast<double>(atoms.size()) * length;
  }
  double const steps = length * std::log2(length) * std::log2(static_cast<double>(numbers.size()));
  return direct_work > direct_work_per_fourier_step * steps;
}

}  // namespace

void convolve(std::vector<double>& mass, std::span<GridAtom const> atoms, std::vector<double>& room) {
  std::size_t const widest = std::ranges::max_element(atoms, {}, &GridAtom::point)->point;
  std::size_t const length = mass.size() + widest;
  std::size_t const padded = (length + convolution_block - 1) / convolution_block * convolution_block;
  room.assign(widest + padded, 0.0);
  std::ranges::copy(mass, room.begin() + static_cast<std::ptrdiff_t>(widest));
  mass.resize(padded);
  add_up(room.data() + widest, atoms, mass);
  mass.resize(length);
}

std::vector<double> distribution_of_sum(std::span<std::vector<GridAtom> const> numbers) {
  return fourier_pays(numbers) ? sum_by_fourier(numbers) : sum_directly(numbers);
}

std::vector<double> sum_directly(std::span<std::vector<GridAtom> const> numbers) {
  std::vector<double> mass{1.0};
  std::vector<double> room;
  for (auto const& atoms : numbers) convolve(mass, atoms, room);
  return mass;
}

}  // namespace spacemoe
