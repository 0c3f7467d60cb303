#include "host/evaluation/tally.hpp"

namespace spacemoe {

Moments& Moments::operator+=(Moments const& other) {
  tokens += other.tokens;
  delivered += other.delivered;
  sum_ns += other.sum_ns;
  sum_squares_ns2 += other.sum_squares_ns2;
  return *this;
}

LatencyTally empty_tally(std::size_t cells, std::size_t layers) {
  return {std::vector<Moments>(cells), std::vector<std::uint64_t>(bin_count),
          std::vector<std::uint64_t>(layers)};
}

void add_counts(LatencyTally& sum, LatencyTally const& part) {
  for (std::size_t b = 0; b < sum.histogram.size(); ++b) sum.histogram[b] += part.histogram[b];
  for (std::size_t l = 0; l < sum.layer_sum_ns.size(); ++l) sum.layer_sum_ns[l] += part.layer_sum_ns[l];
}

}  // namespace spacemoe
