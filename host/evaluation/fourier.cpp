#include <algorithm>
#include <bit>
#include <complex>
#include <map>
#include <span>
#include <vector>

#include <kissfft/kissfft.hh>

#include "host/evaluation/convolution.hpp"

namespace spacemoe {
namespace {

using Complex = std::complex<double>;

/// Transforms both ways of one length.
struct Transforms {
  explicit Transforms(std::size_t length) : forward(length, false), backward(length, true) {}
  kissfft<double> forward;
  kissfft<double> backward;
};

/// Convolves two arrays: as real and imaginary part they share one transform, whose parts come apart by
/// symmetry.
class PairConvolution {
 public:
  std::vector<double> operator()(std::vector<double> const& a, std::vector<double> const& b) {
    std::size_t const length = a.size() + b.size() - 1;
    std::size_t const padded = std::bit_ceil(length);
    Transforms& transforms = by_length_.try_emplace(padded, padded).first->second;
    signal_.assign(padded, 0.0);
    for (std::size_t i = 0; i < a.size(); ++i) signal_[i].real(a[i]);
    for (std::size_t i = 0; i < b.size(); ++i) signal_[i].imag(b[i]);
    spectrum_.resize(padded);
    transforms.forward.transform(signal_.data(), spectrum_.data());
    for (std::size_t k = 0; k < padded; ++k) signal_[k] = product(k);
    transforms.backward.transform(signal_.data(), spectrum_.data());

    std::vector<double> sum(length);
    // Rounding leaves some masses just below zero.
    for (std::size_t i = 0; i < length; ++i) {
      sum[i] = std::max(0.0, spectrum_[i].real() / static_cast<double>(padded));
    }
    return sum;
  }

 private:
  /// Product of the two spectra: A = (Z_k + conj Z_-k) / 2 and B = (Z_k - conj Z_-k) / 2i, so A B is the
  /// difference of the squares over 4i.
  Complex product(std::size_t k) const {
    Complex const z = spectrum_[k];
    Complex const mirrored = std::conj(spectrum_[(spectrum_.size() - k) % spectrum_.size()]);
    Complex const sum = z + mirrored;
    Complex const difference = z - mirrored;
    double const real = sum.real() * difference.real() - sum.imag() * difference.imag();
    double const imaginary = sum.real() * difference.imag() + sum.imag() * difference.real();
    return {imaginary / 4, -real / 4};
  }

  std::map<std::size_t, Transforms> by_length_;
  std::vector<Complex> signal_;
  std::vector<Complex> spectrum_;
};

std::vector<double> dense(std::vector<GridAtom> const& atoms) {
  std::vector<double> mass(atoms.back().point + 1, 0.0);
  for (GridAtom const& atom : atoms) mass[atom.point] += atom.probability;
  return mass;
}

}  // namespace

std::vector<double> sum_by_fourier(std::span<std::vector<GridAtom> const> numbers) {
  std::vector<std::vector<double>> level;
  for (auto const& atoms : numbers) level.push_back(dense(atoms));
  PairConvolution convolve_pair;
  while (level.size() > 1) {
    std::vector<std::vector<double>> next;
    for (std::size_t i = 0; i + 1 < level.size(); i += 2)
      next.push_back(convolve_pair(level[i], level[i + 1]));
    if (level.size() % 2 == 1) next.push_back(std::move(level.back()));
    level = std::move(next);
  }
  return level.empty() ? std::vector<double>{1.0} : std::move(level.front());
}

}  // namespace spacemoe
