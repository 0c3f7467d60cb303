#include "host/model/routing_tables.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>
#include <stdexcept>

namespace spacemoe {

namespace {

constexpr std::uint64_t weight_sum = std::uint64_t{1} << 32;
constexpr std::uint32_t always = 0xffffffff;

/// What each expert gets when those in `raised` get 1 and the others share the rest of 2^32 by weight.
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

/// Experts by falling value, ties lowest first.
std::vector<ExpertIndex> by_falling(std::span<double const> value) {
  std::vector<ExpertIndex> order(value.size());
  std::iota(order.begin(), order.end(), ExpertIndex{0});
  std::ranges::stable_sort(order, [&](ExpertIndex a, ExpertIndex b) { return value[a] > value[b]; });
  return order;
}

/// Integers that sum to 2^32, in proportion to the weights: every share is rounded down, and what is left
/// goes one by one to the largest remainders, ties to the lowest expert.
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
  for (ExpertIndex const e : by_falling(remainder)) {
    if (left == 0) break;
    if (weight[e] > 0) {
      ++integer[e];
      --left;
    }
  }
  return integer;
}

/// Walker's alias table in integers: 2^column_bits columns of 2^(32 - column_bits) words each, so that an
/// expert owns exactly as many words as its weight. A column of one expert has threshold 0 and names it as
/// its alias.
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

/// Probability as a threshold of "word <= threshold" for an outcome that is neither certain nor impossible.
std::uint32_t inclusion_threshold(double probability) {
  double const words = std::round(probability * 0x1p32);
  return static_cast<std::uint32_t>(std::clamp(words - 1, 0.0, always - 1.0));
}

/// Thresholds [position][left - 1] of sequential inclusion, from elementary symmetric polynomials of the
/// weights further on. Weights that sum to 2^32 and are at least 1 keep them within [1, 2^(32 K) / K!], so
/// they neither underflow nor, up to K = 32, overflow.
void append_inclusion(std::vector<std::uint64_t> const& weight, std::span<ExpertIndex const> order,
                      std::uint32_t top_k, std::vector<std::uint32_t>& table) {
  std::size_t const first = table.size();
  table.resize(first + order.size() * top_k, always);
  std::vector<double> symmetric(top_k + 1, 0.0);
  symmetric[0] = 1;
  std::size_t positive = 0;
  for (std::size_t position = order.size(); position-- > 0;) {
    double const w = static_cast<double>(weight[order[position]]);
    if (w == 0) continue;  // positive weights come first and fill every set before these
    ++positive;
    for (std::size_t left = top_k; left >= 1; --left) {
      double const with = w * symmetric[left - 1];
      symmetric[left] += with;
      if (positive > left) {  // otherwise every expert from here on is needed
        table[first + position * top_k + left - 1] = inclusion_threshold(with / symmetric[left]);
      }
    }
  }
}

}  // namespace

RoutingTables::RoutingTables(RoutingLaw law, ActivationWeights const& weights, std::uint32_t top_k)
    : law_(law), layers_(weights.layers), experts_(weights.experts), top_k_(top_k) {
  column_bits_ = static_cast<std::uint32_t>(std::bit_width(experts_ - 1));
  for (std::uint32_t layer = 0; layer < layers_; ++layer) {
    std::span<double const> const given(weights.layer(layer), experts_);
    if (std::ranges::count_if(given, [](double w) { return w > 0; }) < top_k_) {
      throw std::logic_error("a layer has fewer positive weights than experts to draw");
    }
    auto const weight = integer_weights(given);
    for (auto const w : weight)
      weight_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(w, always)));
    if (law_ == RoutingLaw::plackett_luce) {
      append_alias_columns(weight, column_bits_, alias_);
      continue;
    }
    std::vector<double> const value(weight.begin(), weight.end());
    auto const order = by_falling(value);
    order_.insert(order_.end(), order.begin(), order.end());
    append_inclusion(weight, order, top_k_, inclusion_);
  }
}

RoutingView RoutingTables::view() const {
  RoutingView view;
  view.law = law_;
  view.layers = layers_;
  view.experts = experts_;
  view.top_k = top_k_;
  view.column_bits = column_bits_;
  view.alias = alias_;
  view.weight = weight_;
  view.inclusion = inclusion_;
  view.order = order_;
  return view;
}

ActivationWeights RoutingTables::sampled_weights() const {
  ActivationWeights sampled{layers_, experts_, {}};
  sampled.weight.reserve(weight_.size());
  for (auto const w : weight_) sampled.weight.push_back(w * 0x1p-32);
  return sampled;
}

}  // namespace spacemoe
