#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/host_product.hpp"

namespace spacemoe {

/// Adds to `sums` [expert] measure(part of the coefficient of z^top_k in the product of all factors absent +
/// z drawn to which this expert contributes its z). By products from both ends, so that nothing is divided or
/// subtracted.
template <class Number, class Measure>
void add_inclusion(std::span<ExpertFactor<Number> const> factor, std::uint32_t top_k, Measure measure,
                   std::span<double> sums) {
  // Coefficients [power] of the product of some factors, up to z^(top_k - 1).
  std::vector<Number> product(top_k);
  auto const multiply = [&](ExpertFactor<Number> const& by) {
    for (std::uint32_t power = top_k; power-- > 0;) {
      Number sum{};
      add_product(sum, product[power], by.absent);
      if (power > 0) add_product(sum, product[power - 1], by.drawn);
      product[power] = sum;
    }
  };
  set_one(product[0]);
  std::vector<Number> before;  // [expert][power]: of those before the expert
  before.reserve(factor.size() * top_k);
  for (auto const& f : factor) {
    before.insert(before.end(), product.begin(), product.end());
    multiply(f);
  }
  product.assign(top_k, Number{});
  set_one(product[0]);
  for (std::size_t e = factor.size(); e-- > 0;) {
    Number others{};
    for (std::uint32_t power = 0; power < top_k; ++power) {
      add_product(others, before[e * top_k + power], product[top_k - 1 - power]);
    }
    Number drawn{};
    add_product(drawn, others, factor[e].drawn);
    sums[e] += measure(drawn);
    multiply(factor[e]);
  }
}

}  // namespace spacemoe
