#include "host/cpu/token_tally.hpp"

#include <algorithm>

#include "kernels/bins.hpp"
#include "kernels/token.hpp"

namespace spacemoe {

void add_tokens(std::span<std::uint64_t const> latency_ns, Moments& moments,
                std::span<std::uint64_t> histogram) {
  std::uint64_t delivered = 0;
  Uint128 sum_ns = 0;
  Uint128 sum_squares_ns2 = 0;
  for (std::uint64_t const latency : latency_ns) {
    if (latency == undeliverable) continue;
    ++delivered;
    sum_ns += latency;
    sum_squares_ns2 += static_cast<Uint128>(latency) * latency;
    ++histogram[bin_of(latency)];
  }
  moments += {latency_ns.size(), delivered, sum_ns, sum_squares_ns2};
}

void find_tokens(std::span<std::uint64_t const> latency_ns, std::span<std::uint32_t const> bins,
                 std::vector<std::uint64_t>& found_ns) {
  for (std::uint64_t const latency : latency_ns) {
    if (latency == undeliverable) continue;
    if (std::ranges::find(bins, bin_of(latency)) != bins.end()) found_ns.push_back(latency);
  }
}

}  // namespace spacemoe
