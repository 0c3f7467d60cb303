#include "host/model/integer_alias.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace spacemoe {

namespace {

constexpr std::uint64_t weight_sum = std::uint64_t{1} << 32;

/// What each outcome gets when those in `raised` get 1 and the others share the rest of 2^32 by weight.
std::vector<double> shares(std::span<double const> weight, std::vector<bool> const& raised) {
  double total = static_cast<double>(weight_sum);
  double sum = 0;
  for (std::size_t e = 0; e < weight.size(); ++e) {
    if (raised[e]) {
      total -= 1;
    } else {
      sum += weight[e];
    }
  }
  std::vector<double> share(weight.size());
  for (std::size_t e = 0; e < weight.size(); ++e) share[e] = raised[e] ? 1 : weight[e] / sum * total;
  return share;
}

/// Shares of 2^32 in which no positive weight gets less than 1.
std::vector<double> shares_of_one_or_more(std::span<double const> weight) {
  std::vector<bool> raised(weight.size(), false);
  for (;;) {
    auto share = shares(weight, raised);
    bool changed = false;
    for (std::size_t e = 0; e < weight.size(); ++e) {
      if (weight[e] > 0 && share[e] < 1) raised[e] = changed = true;
    }
    if (!changed) return share;
  }
}

/// Indices by falling value, ties lowest first.
std::vector<std::uint32_t> by_falling(std::span<double const> value) {
  std::vector<std::uint32_t> order(value.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) { return value[a] > value[b]; });
  return order;
}

}  // namespace

std::vector<std::uint64_t> integer_weights(std::span<double const> given) {
  double const largest = *std::ranges::max_element(given);
  std::vector<double> weight(given.begin(), given.end());
  for (std::size_t e = 0; e < weight.size(); ++e) {
    // Dividing first keeps sums finite; what underflows must stay positive.
    if (given[e] > 0) weight[e] = std::max(given[e] / largest, 0x1p-1000);
  }
  auto const share = shares_of_one_or_more(weight);
  std::vector<std::uint64_t> integer(share.size());
  std::vector<double> remainder(share.size());
  std::uint64_t left = weight_sum;
  for (std::size_t e = 0; e < share.size(); ++e) {
    integer[e] = static_cast<std::uint64_t>(share[e]);
    remainder[e] = share[e] - std::floor(share[e]);
    left -= integer[e];
  }
  // The shares add to 2^32 up to rounding far below 1, so `left` is at most the number of broken shares.
  for (std::uint32_t const e : by_falling(remainder)) {
    if (left == 0) break;
    if (weight[e] > 0) {
      ++integer[e];
      --left;
    }
  }
  return integer;
}

void append_alias_columns(std::vector<std::uint64_t> weight, std::uint32_t column_bits,
                          std::vector<std::uint32_t>& table) {
  std::size_t const columns = std::size_t{1} << column_bits;
  std::uint64_t const column_size = weight_sum >> column_bits;
  weight.resize(columns, 0);
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t c = 0; c < columns; ++c) {
    if (weight[c] < column_size) small.push_back(c);
    if (weight[c] > column_size) large.push_back(c);
  }
  std::vector<std::uint32_t> entry(columns);
  std::iota(entry.begin(), entry.end(), 0u);
  while (!small.empty()) {
    std::uint32_t const column = small.back();
    std::uint32_t const donor = large.back();
    small.pop_back();
    entry[column] = static_cast<std::uint32_t>(weight[column] << column_bits) | donor;
    weight[donor] -= column_size - weight[column];
    if (weight[donor] > column_size) continue;
    large.pop_back();
    if (weight[donor] < column_size) small.push_back(donor);
  }
  table.insert(table.end(), entry.begin(), entry.end());
}

}  // namespace spacemoe
