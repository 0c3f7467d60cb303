#include "host/model/routing_tables.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>
#include <stdexcept>

#include "host/model/integer_alias.hpp"

namespace spacemoe {

namespace {

constexpr std::uint32_t always = 0xffffffff;

/// Experts by falling value, ties lowest first.
std::vector<ExpertIndex> by_falling(std::span<double const> value) {
  std::vector<ExpertIndex> order(value.size());
  std::iota(order.begin(), order.end(), ExpertIndex{0});
  std::ranges::stable_sort(order, [&](ExpertIndex a, ExpertIndex b) { return value[a] > value[b]; });
  return order;
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
