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
/// given by atoms, at least one (the same bits by every instruction set): sum[i] = sum over atoms of
/// probability * mass[i - point], in the order of the atoms, longer than `mass` by the greatest point. `room`
/// is worked in and kept for the next time.
void convolve(std::vector<double>& mass, std::span<GridAtom const> atoms, std::vector<double>& room);

/// Distribution of the sum of independent numbers, each given by its atoms (at least one, by rising point),
/// at the grid points from 0 to the sum of the greatest points. Directly where that is less work; by Fourier
/// transforms, pair by pair, where there are many numbers of many atoms. The two differ by rounding, 1e-15 of
/// the whole mass.
std::vector<double> distribution_of_sum(std::span<std::vector<GridAtom> const> numbers);

std::vector<double> sum_directly(std::span<std::vector<GridAtom> const> numbers);
std::vector<double> sum_by_fourier(std::span<std::vector<GridAtom> const> numbers);

}  // namespace spacemoe
