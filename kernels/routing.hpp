#pragma once

#include <cstdint>

#include "kernels/alias.hpp"
#include "kernels/draw.hpp"
#include "kernels/function.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

using ExpertIndex = std::uint16_t;

/// Most experts a token may draw in a layer; bounds the arrays that kernels keep per token.
inline constexpr std::uint32_t max_top_k = 32;

/// Repeated experts that a layer rejects before it draws from the weights that remain.
inline constexpr std::uint32_t max_repeats = 16;

/// How the K experts of a token are drawn from a layer's weights.
enum class RoutingLaw : std::uint8_t {
  plackett_luce,        ///< K successive draws without replacement, proportional to the weights left
  conditional_poisson,  ///< P(S) proportional to the product of the weights in S
};

/// Integer tables of one law, all layers. Weights are integers that sum to 2^32 in each layer, none of them
/// zero where the weight was positive, so the law that kernels sample is exact for these integers.
struct RoutingView {
  RoutingLaw law = RoutingLaw::plackett_luce;
  std::uint32_t layers = 0;
  std::uint32_t experts = 0;
  std::uint32_t top_k = 0;

  // plackett_luce
  std::uint32_t column_bits = 0;     ///< the alias table has 2^column_bits columns
  Span<std::uint32_t const> alias;   ///< [layer][column]: threshold << column_bits | alias
  Span<std::uint32_t const> weight;  ///< [layer][expert]; a lone expert's 2^32 is stored as 2^32 - 1

  // conditional_poisson
  Span<std::uint32_t const>
      inclusion;                  ///< [layer][position][left - 1]: include when the word is at most this
  Span<ExpertIndex const> order;  ///< [layer][position]: experts by falling weight, positive weights first
};

/// The random words of one token in one layer, in order.
class TokenWords {
 public:
  SPACEMOE_FN constexpr TokenWords(Seed seed, std::uint32_t slot, std::uint32_t token, std::uint32_t layer)
      : seed_(seed), slot_(slot), token_(token), layer_(layer) {}

  SPACEMOE_FN constexpr std::uint32_t next() {
    if (used_ % 4 == 0) {
      words_ = draw(seed_, Purpose::token_routing, token_, slot_, layer_ | (used_ / 4) << 16);
    }
    return chosen_word(words_, used_++ % 4);
  }

 private:
  Seed seed_;
  std::uint32_t slot_;
  std::uint32_t token_;
  std::uint32_t layer_;
  std::uint32_t used_ = 0;
  Words4 words_{};
};

/// One draw proportional to the layer's weights.
SPACEMOE_FN constexpr ExpertIndex draw_by_alias(RoutingView const& routing, std::uint32_t layer,
                                                std::uint32_t word) {
  std::size_t const first = static_cast<std::size_t>(layer) << routing.column_bits;
  return static_cast<ExpertIndex>(draw_by_alias(routing.alias.data() + first, routing.column_bits, word));
}

SPACEMOE_FN constexpr bool contains(Span<ExpertIndex const> experts, ExpertIndex expert) {
  for (ExpertIndex const e : experts) {
    if (e == expert) return true;
  }
  return false;
}

/// One draw proportional to the weights of the experts not in `drawn`.
SPACEMOE_FN constexpr ExpertIndex draw_from_rest(RoutingView const& routing, std::uint32_t layer,
                                                 Span<ExpertIndex const> drawn, TokenWords& words) {
  auto const weight =
      routing.weight.subspan(static_cast<std::size_t>(layer) * routing.experts, routing.experts);
  std::uint64_t rest = std::uint64_t{1} << 32;
  for (ExpertIndex const e : drawn) rest -= weight[e];
  std::uint32_t const high = words.next();
  std::uint64_t target = bounded(high, words.next(), rest);
  ExpertIndex expert = 0;
  while (contains(drawn, expert) || target >= weight[expert]) {
    if (!contains(drawn, expert)) target -= weight[expert];
    ++expert;
  }
  return expert;
}

/// Plackett-Luce: repeats are drawn again; after `max_repeats` of them the rest is drawn directly. Fills
/// `picks`.
SPACEMOE_FN constexpr void draw_plackett_luce(RoutingView const& routing, std::uint32_t layer,
                                              TokenWords& words, Span<ExpertIndex> picks) {
  std::uint32_t count = 0;
  std::uint32_t repeats = 0;
  while (count < picks.size()) {
    Span<ExpertIndex const> const drawn(picks.data(), count);
    if (repeats == max_repeats) {
      picks[count] = draw_from_rest(routing, layer, drawn, words);
      ++count;
      continue;
    }
    ExpertIndex const expert = draw_by_alias(routing, layer, words.next());
    if (contains(drawn, expert)) {
      ++repeats;
    } else {
      picks[count++] = expert;
    }
  }
}

/// Conditional Poisson by sequential inclusion: an expert joins with probability w_e e_{k-1}(rest) / e_k(rest
/// and e), where e_k are elementary symmetric polynomials of the weights further on and k experts are still
/// to come. Fills `picks`.
SPACEMOE_FN constexpr void draw_conditional_poisson(RoutingView const& routing, std::uint32_t layer,
                                                    TokenWords& words, Span<ExpertIndex> picks) {
  std::size_t const first = static_cast<std::size_t>(layer) * routing.experts;
  std::uint32_t count = 0;
  for (std::size_t position = first; count < picks.size(); ++position) {
    std::size_t const left = picks.size() - count;
    if (words.next() <= routing.inclusion[position * routing.top_k + left - 1]) {
      picks[count++] = routing.order[position];
    }
  }
}

/// Draws the experts of one token in one layer; `picks` holds top_k entries.
SPACEMOE_FN constexpr void draw_experts(RoutingView const& routing, Seed seed, std::uint32_t slot,
                                        std::uint32_t token, std::uint32_t layer, Span<ExpertIndex> picks) {
  TokenWords words(seed, slot, token, layer);
  if (routing.law == RoutingLaw::plackett_luce) {
    draw_plackett_luce(routing, layer, words, picks);
  } else {
    draw_conditional_poisson(routing, layer, words, picks);
  }
}

}  // namespace spacemoe
