#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace spacemoe {

/// Probability at a point of a grid, counted from some first point.
struct GridAtom {
  std::size_t point;
  double probability;
};

/// Turns the mass of a random number at consecutive grid points into that of its sum with an independent one,
/// given by atoms, at least one: sum[i] = sum over atoms of probability * mass[i - point], in the order of
/// the atoms, longer than `mass` by the greatest point. `room` is worked in and kept for the next time.
void convolve(std::vector<double>& mass, std::span<GridAtom const> atoms, std::vector<double>& room);

/// The sums alone: before[i - point] is the mass at i - point for every atom and every i below the length of
/// `sum`, a multiple of `convolution_block`.
using ConvolutionSums = void(double const* before, std::span<GridAtom const> atoms, std::span<double> sum);
inline constexpr std::size_t convolution_block = 64;

/// All ways of adding up that this machine can run, the fastest last. All give the same bits.
std::vector<ConvolutionSums*> const& convolution_sums();

}  // namespace spacemoe
