#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/draw.hpp"
#include "kernels/function.hpp"
#include "kernels/latency.hpp"
#include "kernels/routing.hpp"
#include "kernels/span.hpp"
#include "kernels/token.hpp"

// What becomes of a token that meets unreachable experts, under each policy.

namespace spacemoe {

/// An expert that is reachable in no slot.
inline constexpr std::uint16_t never_reached = 0xffff;
/// The longest wait of an entry. After a longer one the entry of a later slot says how it goes on.
inline constexpr std::uint16_t longest_wait = never_reached - 1;

/// What one placement costs in all slots of a damaged network, which repeat after the last.
struct FateView {
  Span<CostView const> slot;  ///< [slot]
  /// [slot][layer][expert]: slots until it is reachable, or longest_wait, or never_reached.
  Span<std::uint16_t const> wait;
  Span<std::uint8_t const> detours;  ///< [slot][layer][expert]: its path is longer than without damage
  std::uint64_t slot_ns = 0;         ///< duration of a slot
  std::uint64_t penalty_ns = 0;      ///< added for a layer with an unreachable expert

  SPACEMOE_FN constexpr std::size_t entry(std::uint32_t at, std::uint32_t layer, ExpertIndex expert) const {
    CostView const& cost = slot[at];
    return (std::size_t{at} * cost.layers + layer) * cost.experts + expert;
  }
};

/// One token under the three policies.
struct TokenFate {
  std::uint64_t dropped_ns = 0;    ///< undeliverable with the first unreachable expert
  std::uint64_t penalized_ns = 0;  ///< goes without unreachable experts, at a penalty per layer
  std::uint64_t patient_ns = 0;    ///< waits for a slot that reaches all; undeliverable where there is none
  std::uint64_t waited_ns = 0;     ///< part of patient_ns
  bool detours = false;            ///< some drawn expert's path is longer than without damage
};

/// Slots from `slot` until all drawn experts of a layer are reachable at once, or as many as there are where
/// they never are.
SPACEMOE_FN constexpr std::uint32_t slots_to_wait(FateView const& view, std::uint32_t slot,
                                                  std::uint32_t layer, Span<ExpertIndex const> picks) {
  auto const slots = static_cast<std::uint32_t>(view.slot.size());
  std::uint32_t ahead = 0;
  while (ahead < slots) {
    std::uint32_t const at = (slot + ahead) % slots;
    std::uint32_t longest = 0;
    for (ExpertIndex const expert : picks) {
      std::uint32_t const wait = view.wait[view.entry(at, layer, expert)];
      if (wait > longest) longest = wait;
    }
    if (longest == 0) return ahead;
    if (longest == never_reached) return slots;
    ahead += longest;
  }
  return slots;
}

/// Latency [ns] of a layer that goes without its unreachable experts, the penalty included.
SPACEMOE_FN constexpr std::uint64_t penalized_latency(CostView const& cost, std::uint32_t layer,
                                                      Span<ExpertIndex const> picks,
                                                      std::uint64_t penalty_ns) {
  if (cost.layer_ns[layer] == unreachable) return penalty_ns;
  Nanoseconds slowest = 0;
  for (std::uint32_t pick = 0; pick < picks.size(); ++pick) {
    slowest = greater_finite(slowest, expert_latency(cost, layer, picks, pick));
  }
  return std::uint64_t{cost.layer_ns[layer]} + slowest + penalty_ns;
}

/// Adds one layer to a token's fate.
SPACEMOE_FN constexpr void add_layer(FateView const& view, std::uint32_t slot, std::uint32_t layer,
                                     Span<ExpertIndex const> picks, TokenFate& fate) {
  CostView const& cost = view.slot[slot];
  Nanoseconds const latency = layer_latency(cost, layer, picks);
  for (ExpertIndex const expert : picks) {
    fate.detours = fate.detours || view.detours[view.entry(slot, layer, expert)] != 0;
  }
  if (latency != unreachable) {
    if (fate.dropped_ns != undeliverable) fate.dropped_ns += latency;
    if (fate.patient_ns != undeliverable) fate.patient_ns += latency;
    fate.penalized_ns += latency;
    return;
  }
  fate.dropped_ns = undeliverable;
  fate.penalized_ns += penalized_latency(cost, layer, picks, view.penalty_ns);
  if (fate.patient_ns == undeliverable) return;
  std::uint32_t const ahead = slots_to_wait(view, slot, layer, picks);
  if (ahead == view.slot.size()) {
    fate.patient_ns = undeliverable;
    return;
  }
  auto const later = static_cast<std::uint32_t>((slot + ahead) % view.slot.size());
  std::uint64_t const waited_ns = ahead * view.slot_ns;
  fate.waited_ns += waited_ns;
  fate.patient_ns += waited_ns + layer_latency(view.slot[later], layer, picks);
}

/// The fate of token number `token` of a slot. `lost` [layer] counts the layers that had an unreachable
/// expert.
SPACEMOE_FN constexpr TokenFate token_fate(RoutingView const& routing, FateView const& view, Seed seed,
                                           std::uint32_t slot, std::uint32_t token,
                                           Span<std::uint64_t> lost) {
  ExpertIndex drawn[max_top_k]{};
  Span<ExpertIndex> const picks(drawn, routing.top_k);
  CostView const& cost = view.slot[slot];
  TokenFate fate{cost.fixed_ns, cost.fixed_ns, cost.fixed_ns, 0, false};
  for (std::uint32_t layer = 0; layer < cost.layers; ++layer) {
    draw_experts(routing, seed, slot, token, layer, picks);
    Span<ExpertIndex const> const chosen(drawn, routing.top_k);
    if (layer_latency(cost, layer, chosen) == unreachable) ++lost[layer];
    add_layer(view, slot, layer, chosen, fate);
  }
  return fate;
}

/// A placement whose experts move to other hosts.
struct MovingView {
  CostView before;
  CostView after;
  Span<std::uint32_t const> arrival;  ///< [layer][expert]: when it has moved, in 2^-32 of the whole time
};

/// Latency [ns] of a layer at a time `now`, in 2^-32 of the whole: of experts that have moved by then after
/// the move, of others before. Those that share a host after the move are taken to share it before.
SPACEMOE_FN constexpr Nanoseconds moving_latency(MovingView const& view, std::uint32_t layer,
                                                 Span<ExpertIndex const> picks, std::uint32_t now) {
  Nanoseconds slowest = 0;
  for (std::uint32_t pick = 0; pick < picks.size(); ++pick) {
    std::size_t const expert = std::size_t{layer} * view.after.experts + picks[pick];
    CostView const& cost = view.arrival[expert] <= now ? view.after : view.before;
    Nanoseconds const latency = expert_latency(cost, layer, picks, pick);
    if (latency > slowest) slowest = latency;
  }
  return add_latency(view.after.layer_ns[layer], slowest);
}

/// Latency [ns] of a token at a time `now` while experts move, or `undeliverable`.
SPACEMOE_FN constexpr std::uint64_t moving_token(RoutingView const& routing, MovingView const& view,
                                                 std::uint32_t now, Seed seed, std::uint32_t slot,
                                                 std::uint32_t token) {
  ExpertIndex drawn[max_top_k]{};
  Span<ExpertIndex> const picks(drawn, routing.top_k);
  std::uint64_t total = view.after.fixed_ns;
  for (std::uint32_t layer = 0; layer < view.after.layers; ++layer) {
    draw_experts(routing, seed, slot, token, layer, picks);
    Nanoseconds const latency = moving_latency(view, layer, {drawn, routing.top_k}, now);
    if (latency == unreachable) return undeliverable;
    total += latency;
  }
  return total;
}

}  // namespace spacemoe
