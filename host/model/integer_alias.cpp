#include "host/model/integer_alias.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace spacemoe {

namespace {

constexpr std::uint64_t weight_sum = std::uint64_t{1} << 32;

/// What each outcome gets when those in `raised` get 1 and the others share the rest of 2^32 by weight.
void shares(std::span<double const> weight, std::vector<bool> const& raised, std::vector<double>& share) {
  double total = static_cast<double>(weight_sum);
  double sum = 0;
  for (std::size_t e = 0; e < weight.size(); ++e) {
    if (raised[e]) {
      total -= 1;
    } else {
      sum += weight[e];
    }
  }
  for (std::size_t e = 0; e < weight.size(); ++e) share[e] = raised[e] ? 1 : weight[e] / sum * total;
}

/// Turns weights into shares of 2^32 in which no positive weight gets less than 1.
std::vector<double> shares_of_one_or_more(std::vector<double> const& weight) {
  double const sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  double const factor = static_cast<double>(weight_sum) / sum;
  std::vector<double> share(weight.size());
  bool changed = false;
  for (std::size_t e = 0; e < weight.size(); ++e) {
    share[e] = weight[e] * factor;
    changed |= weight[e] > 0 && share[e] < 1;
  }
  if (!changed) return share;
  for (std::vector<bool> raised(weight.size(), false); changed;) {
    changed = false;
    for (std::size_t e = 0; e < weight.size(); ++e) {
      if (weight[e] > 0 && share[e] < 1) raised[e] = changed = true;
    }
    shares(weight, raised, share);
  }
  return share;
}

/// The outcome and what rounding down takes from its share.
struct Remainder {
  double value;
  std::uint32_t outcome;

  /// Larger first, ties to the lowest outcome.
  bool operator<(Remainder const& other) const {
    return value > other.value || (value == other.value && outcome < other.outcome);
  }
};

/// Hands out what is left of 2^32, one by one to the largest remainders.
void hand_out(std::uint64_t left, std::vector<double> const& share, std::vector<std::uint64_t>& integer) {
  std::vector<Remainder> remainders;
  remainders.reserve(share.size());
  for (std::uint32_t e = 0; e < share.size(); ++e) {
    if (share[e] > 0) remainders.push_back({share[e] - std::floor(share[e]), e});
  }
  // The shares add to 2^32 up to rounding far below 1, so `left` is at most the number of broken shares.
  left = std::min<std::uint64_t>(left, remainders.size());
  auto const end = remainders.begin() + static_cast<std::ptrdiff_t>(left);
  if (end != remainders.end()) std::nth_element(remainders.begin(), end, remainders.end());
  std::for_each(remainders.begin(), end, [&](Remainder const& r) { ++integer[r.outcome]; });
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
  std::uint64_t left = weight_sum;
  for (std::size_t e = 0; e < share.size(); ++e) {
    integer[e] = static_cast<std::uint64_t>(share[e]);
    left -= integer[e];
  }
  hand_out(left, share, integer);
  return integer;
}

void append_alias_columns(std::span<std::uint64_t const> weight, std::uint32_t column_bits,
                          std::vector<std::uint32_t>& table) {
  auto const columns = std::uint32_t{1} << column_bits;
  std::uint64_t const column_size = weight_sum >> column_bits;
  std::size_t const first = table.size();
  table.resize(first + columns);
  std::uint32_t* const entry = &table[first];
  auto const weight_of = [&](std::uint32_t c) { return c < weight.size() ? weight[c] : 0; };
  auto const next_light = [&](std::uint32_t c) {
    while (c < columns && weight_of(c) >= column_size) ++c;
    return c;
  };
  auto const next_heavy = [&](std::uint32_t c) {
    while (c < weight.size() && weight[c] < column_size) ++c;
    return c;
  };
  // One heavy outcome at a time fills up light columns until its rest fits its own column, which the next
  // heavy one fills up in turn. The words add up exactly, so neither runs out before the other.
  std::uint32_t light = next_light(0);
  std::uint32_t heavy = next_heavy(0);
  std::uint64_t rest = weight_of(heavy);
  while (heavy < weight.size()) {
    if (rest > column_size) {
      entry[light] = static_cast<std::uint32_t>(weight_of(light) << column_bits) | heavy;
      rest -= column_size - weight_of(light);
      light = next_light(light + 1);
      continue;
    }
    std::uint32_t const next = next_heavy(heavy + 1);
    bool const whole = rest == column_size;
    entry[heavy] = whole ? heavy : static_cast<std::uint32_t>(rest << column_bits) | next;
    rest = weight_of(next) - (whole ? 0 : column_size - rest);
    heavy = next;
  }
}

}  // namespace spacemoe
