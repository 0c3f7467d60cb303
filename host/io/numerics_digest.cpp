#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "host/io/sha256.hpp"
#include "host/io/sweep_manifest.hpp"

namespace spacemoe {
namespace {

/// What the host calls of the math library and what is not rounded exactly everywhere (sqrt is), with the
/// range of arguments to try.
struct MathFunction {
  double (*compute)(double);
  double from, to;
};

constexpr std::array<MathFunction, 11> functions{{
    {[](double x) { return std::exp(x); }, -40, 40},
    {[](double x) { return std::expm1(x); }, -2, 2},
    {[](double x) { return std::log(x); }, 0, 100},
    {[](double x) { return std::log2(x); }, 0, 100},
    {[](double x) { return std::pow(x, 1.7); }, 0, 100},
    {[](double x) { return std::sin(x); }, -50, 50},
    {[](double x) { return std::cos(x); }, -50, 50},
    {[](double x) { return std::tan(x); }, -50, 50},
    {[](double x) { return std::acos(x); }, -1, 1},
    {[](double x) { return std::lgamma(x); }, 0, 300},
    {[](double x) { return std::erfc(x); }, -6, 6},
}};

/// The i-th argument out of (0, 1): fractions of i times the golden ratio, which need no math library.
double argument(std::uint64_t i) {
  std::uint64_t const fraction = (i + 1) * 0x9e3779b97f4a7c15;
  return (static_cast<double>(fraction >> 12) + 0.5) * 0x1p-52;
}

}  // namespace

std::string numerics_digest() {
  // Libraries that differ do so at few arguments in a thousand.
  constexpr std::uint64_t arguments = 4096;
  Sha256 hash;
  for (MathFunction const& function : functions) {
    for (std::uint64_t i = 0; i < arguments; ++i) {
      double const x = function.from + (function.to - function.from) * argument(i);
      hash.add(std::bit_cast<std::uint64_t>(function.compute(x)));
    }
  }
  return hexadecimal(hash.bytes());
}

}  // namespace spacemoe
