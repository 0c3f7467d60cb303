#include "host/evaluation/quantile_search.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "host/evaluation/summary.hpp"
#include "kernels/bins.hpp"

namespace spacemoe {

QuantileSearch::QuantileSearch(std::vector<std::uint64_t> const& histogram) {
  std::uint64_t const delivered = std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
  if (delivered == 0) return;
  for (std::size_t q = 0; q < quantile_per_mille.size(); ++q) {
    rank_[q] = quantile_rank(delivered, quantile_per_mille[q]);
    bin_[q] = bin_of_rank(histogram, rank_[q]);
    if (!bins_.empty() && bins_.back().number() == bin_[q]) continue;  // levels rise
    auto const first = histogram.begin() + bin_[q];
    bins_.emplace_back(bin_[q], std::accumulate(histogram.begin(), first, std::uint64_t{0}), *first);
  }
}

std::vector<std::uint32_t> QuantileSearch::bins() const {
  std::vector<std::uint32_t> numbers;
  for (Bin const& bin : bins_) numbers.push_back(bin.number());
  return numbers;
}

void QuantileSearch::offer(std::span<std::uint64_t const> latency_ns) {
  for (std::uint64_t const latency : latency_ns) bin(bin_of(latency)).offer(latency);
}

std::array<std::uint64_t, quantile_levels.size()> QuantileSearch::quantiles_ns() {
  std::array<std::uint64_t, quantile_levels.size()> latency_ns{};
  for (std::size_t q = 0; q < rank_.size(); ++q) latency_ns[q] = bin(bin_[q]).latency_ns(rank_[q]);
  return latency_ns;
}

QuantileSearch::Bin& QuantileSearch::bin(std::uint32_t number) {
  auto const found = std::ranges::find(bins_, number, &Bin::number);
  if (found == bins_.end()) throw std::logic_error("a latency in a bin without quantiles");
  return *found;
}

QuantileSearch::Bin::Bin(std::uint32_t number, std::uint64_t tokens_before, std::uint64_t tokens)
    : number_(number), tokens_before_(tokens_before), tokens_(tokens) {
  std::uint64_t const width_ns = bin_lower(number + 1) - bin_lower(number);
  if (width_ns < tokens) count_.resize(width_ns);
}

void QuantileSearch::Bin::offer(std::uint64_t latency_ns) {
  ++offered_;
  if (count_.empty()) {
    latency_ns_.push_back(latency_ns);
  } else {
    ++count_[latency_ns - bin_lower(number_)];
  }
}

std::uint64_t QuantileSearch::Bin::latency_ns(std::uint64_t rank) {
  if (offered_ != tokens_) throw std::logic_error("the second pass drew other tokens than the first");
  std::uint64_t left = rank - tokens_before_;
  if (count_.empty()) {
    auto const place = latency_ns_.begin() + static_cast<std::ptrdiff_t>(left - 1);
    std::ranges::nth_element(latency_ns_, place);
    return *place;
  }
  std::uint64_t above = 0;
  while (count_[above] < left) left -= count_[above++];
  return bin_lower(number_) + above;
}

}  // namespace spacemoe
