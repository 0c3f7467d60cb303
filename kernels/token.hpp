#pragma once

#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/latency.hpp"
#include "kernels/routing.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

/// A token that met an unreachable expert or gateway.
inline constexpr std::uint64_t undeliverable = ~std::uint64_t{0};

/// What one placement costs in one slot.
struct CostView {
  std::uint32_t layers = 0;
  std::uint32_t experts = 0;
  std::uint64_t fixed_ns = 0;         ///< dense layers and head, once per token
  Span<Nanoseconds const> layer_ns;   ///< [layer]: at the gateway, whatever is drawn
  Span<Nanoseconds const> expert_ns;  ///< [layer][expert]: to the host, compute there, on to the aggregation
  Span<Nanoseconds const> queue_ns;  ///< [layer][expert]: added for every other drawn expert on the same host
  Span<std::uint16_t const> host;    ///< [layer][expert]: number of the host within the layer
  Span<std::uint8_t const> shares_hosts;  ///< [layer]: some host has several experts
};

/// Latency [ns] of expert `pick` among the drawn ones. Experts on one host run one after another, and each is
/// charged the whole queue in its own compute time; where their times differ that is not the sum of the
/// times.
SPACEMOE_FN constexpr Nanoseconds expert_latency(CostView const& cost, std::uint32_t layer,
                                                 Span<ExpertIndex const> picks, std::uint32_t pick) {
  std::size_t const first = static_cast<std::size_t>(layer) * cost.experts;
  std::size_t const chosen = first + picks[pick];
  Nanoseconds latency = cost.expert_ns[chosen];
  if (cost.shares_hosts[layer] == 0) return latency;
  for (std::uint32_t other = 0; other < picks.size(); ++other) {
    if (other != pick && cost.host[first + picks[other]] == cost.host[chosen]) {
      latency = add_latency(latency, cost.queue_ns[chosen]);
    }
  }
  return latency;
}

/// layer_l = gateway_l + max over the drawn experts [ns], or `unreachable`.
SPACEMOE_FN constexpr Nanoseconds layer_latency(CostView const& cost, std::uint32_t layer,
                                                Span<ExpertIndex const> picks) {
  Nanoseconds slowest = 0;
  for (std::uint32_t pick = 0; pick < picks.size(); ++pick) {
    Nanoseconds const latency = expert_latency(cost, layer, picks, pick);
    if (latency > slowest) slowest = latency;
  }
  return add_latency(cost.layer_ns[layer], slowest);
}

/// Latency [ns] of one token, or `undeliverable`; also writes the latency of every layer [layers].
SPACEMOE_FN constexpr std::uint64_t token_latency(RoutingView const& routing, CostView const& cost, Seed seed,
                                                  std::uint32_t slot, std::uint32_t token,
                                                  Span<Nanoseconds> layer_ns) {
  ExpertIndex drawn[max_top_k]{};
  Span<ExpertIndex> const picks(drawn, routing.top_k);
  std::uint64_t total = cost.fixed_ns;
  bool delivered = true;
  for (std::uint32_t layer = 0; layer < cost.layers; ++layer) {
    draw_experts(routing, seed, slot, token, layer, picks);
    layer_ns[layer] = layer_latency(cost, layer, {drawn, routing.top_k});
    delivered = delivered && layer_ns[layer] != unreachable;
    total += layer_ns[layer];
  }
  return delivered ? total : undeliverable;
}

}  // namespace spacemoe
