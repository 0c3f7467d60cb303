#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/race_sweep.hpp"
#include "kernels/routing.hpp"

namespace spacemoe {

using Lanes = std::array<double, race_lanes>;

/// value + slope eps, where eps^2 = 0, at `race_lanes` quadrature nodes: the slope of a product collects the
/// terms in which exactly one factor contributes its slope.
struct DualLanes {
  Lanes value{};
  Lanes slope{};
};

inline void add_product(double& sum, double a, double b) {
  sum += a * b;
}

inline void add_product(DualLanes& sum, DualLanes const& a, DualLanes const& b) {
  for (std::size_t i = 0; i < race_lanes; ++i) {
    sum.slope[i] += a.value[i] * b.slope[i] + a.slope[i] * b.value[i];
    sum.value[i] += a.value[i] * b.value[i];
  }
}

inline void set_one(double& number) {
  number = 1;
}

inline void set_one(DualLanes& number) {
  number.value.fill(1);
  number.slope.fill(0);
}

/// One expert's factor absent + z drawn of a polynomial in z, whose powers count drawn experts. `Number` is
/// double or DualLanes.
template <class Number>
struct ExpertFactor {
  Number absent;
  Number drawn;
};

/// Coefficient of z^count in the product of the factors of `experts`, where those with `!may_draw(expert)`
/// are only ever absent.
template <class Number, class MayDraw>
Number host_coefficient(std::span<std::uint32_t const> experts, std::span<ExpertFactor<Number> const> factor,
                        std::uint32_t count, MayDraw may_draw) {
  std::array<Number, max_top_k + 1> coefficient{};
  set_one(coefficient[0]);
  for (std::uint32_t const expert : experts) {
    bool const drawable = may_draw(expert);
    for (std::uint32_t power = count + 1; power-- > 0;) {
      Number sum{};
      add_product(sum, coefficient[power], factor[expert].absent);
      if (drawable && power > 0) add_product(sum, coefficient[power - 1], factor[expert].drawn);
      coefficient[power] = sum;
    }
  }
  return coefficient[count];
}

/// Product of one polynomial in z per host, truncated at z^top_k, kept while single polynomials change: a
/// tree of partial products, so that a change costs the way from its leaf to the root.
template <class Number>
class HostProduct {
 public:
  /// `nobody` [host]: the constant terms; all other coefficients start at zero.
  HostProduct(std::vector<Number> const& nobody, std::uint32_t top_k)
      : hosts_(nobody.size()), top_k_(top_k), coefficient_(2 * hosts_ * (top_k + 1)), degree_(2 * hosts_, 0) {
    for (std::size_t host = 0; host < hosts_; ++host) at(hosts_ + host, 0) = nobody[host];
    for (std::size_t node = hosts_; node-- > 2;) multiply(node);
  }

  /// Sets the coefficient of z^count of a host; takes effect with `refresh`.
  void set(std::size_t host, std::uint32_t count, Number const& coefficient) {
    at(hosts_ + host, count) = coefficient;
    degree_[hosts_ + host] = std::max(degree_[hosts_ + host], count);
  }

  void refresh(std::size_t host) {
    for (std::size_t node = (hosts_ + host) / 2; node > 1; node /= 2) multiply(node);
  }

  /// Coefficient of z^top_k of the whole product.
  Number top() const { return hosts_ == 1 ? at(1, top_k_) : child_product(1, top_k_); }

 private:
  // Node n has the children 2n and 2n + 1; the hosts are the last nodes and node 1 stands for all of them.
  // Its polynomial is not kept, as only one coefficient of it is ever asked for.
  Number& at(std::size_t node, std::size_t power) { return coefficient_[node * (top_k_ + 1) + power]; }
  Number const& at(std::size_t node, std::size_t power) const {
    return coefficient_[node * (top_k_ + 1) + power];
  }

  Number child_product(std::size_t node, std::uint32_t power) const {
    std::uint32_t const right_degree = degree_[2 * node + 1];
    std::uint32_t const first = power > right_degree ? power - right_degree : 0;
    Number sum{};
    for (std::uint32_t left = first; left <= std::min(power, degree_[2 * node]); ++left) {
      add_product(sum, at(2 * node, left), at(2 * node + 1, power - left));
    }
    return sum;
  }

  void multiply(std::size_t node) {
    degree_[node] = std::min(top_k_, degree_[2 * node] + degree_[2 * node + 1]);
    for (std::uint32_t power = 0; power <= degree_[node]; ++power)
      at(node, power) = child_product(node, power);
  }

  std::size_t hosts_;
  std::uint32_t top_k_;
  std::vector<Number> coefficient_;    ///< [node][power]
  std::vector<std::uint32_t> degree_;  ///< [node]
};

}  // namespace spacemoe
