#include "host/cpu/sampling.hpp"

#include <vector>

namespace spacemoe {

void sample_range(RoutingView const& routing, Seed seed, TokenCell const& cell, std::uint32_t first,
                  std::uint32_t count, Moments& moments, LatencyTally& tally) {
  std::vector<Nanoseconds> layer_ns(cell.cost.layers);
  for (std::uint32_t token = first; token < first + count; ++token) {
    std::uint64_t const latency_ns = token_latency(routing, cell.cost, seed, cell.slot, token, layer_ns);
    ++moments.tokens;
    if (latency_ns == undeliverable) continue;
    ++moments.delivered;
    moments.sum_ns += latency_ns;
    moments.sum_squares_ns2 += static_cast<Uint128>(latency_ns) * latency_ns;
    ++tally.histogram[bin_of(latency_ns)];
    for (std::size_t layer = 0; layer < layer_ns.size(); ++layer)
      tally.layer_sum_ns[layer] += layer_ns[layer];
  }
}

}  // namespace spacemoe
