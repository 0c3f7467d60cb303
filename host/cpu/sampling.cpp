#include "host/cpu/sampling.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "host/cpu/sampling_lanes.hpp"
#include "host/simd.hpp"

namespace spacemoe {
namespace {

// The compiler turns a loop over lanes into vectors only if it does not unroll it first.
#define SPACEMOE_LANES _Pragma("GCC unroll 1") for (std::uint32_t i = 0; i < philox_lanes; ++i)

constexpr std::uint32_t all_bits = 0xffffffff;

/// Picks of which only the slowest matters.
struct SlowestPick {
  Nanoseconds const* expert_ns;  ///< [expert] of the layer
  LaneNumbers& slowest_ns;

  SPACEMOE_BODY void add(LaneNumbers const& expert, LaneNumbers const& joins, LaneNumbers const&) {
    SPACEMOE_LANES {
      Nanoseconds const latency = expert_ns[static_cast<std::int32_t>(expert.lane[i])];
      slowest_ns.lane[i] = std::max(slowest_ns.lane[i], latency & joins.lane[i]);
    }
  }
};

/// Picks in drawing order, as experts on one host wait for one another.
struct KeptPicks {
  std::uint32_t top_k;
  ExpertIndex expert[philox_lanes][max_top_k]{};

  SPACEMOE_BODY void add(LaneNumbers const& drawn, LaneNumbers const& joins, LaneNumbers const& left) {
    for (std::uint32_t i = 0; i < philox_lanes; ++i) {
      if (joins.lane[i] != 0) expert[i][top_k - left.lane[i]] = static_cast<ExpertIndex>(drawn.lane[i]);
    }
  }
};

/// Counts down the lanes whose draw joins (all bits set); true when some have more to draw.
SPACEMOE_BODY bool count_down(LaneNumbers const& joins, LaneNumbers& left) {
  std::uint32_t more = 0;
  SPACEMOE_LANES {
    left.lane[i] += joins.lane[i];
    more |= left.lane[i];
  }
  return more != 0;
}

/// Lanes that have drawn `max_repeats` repeats and need more draws, as bits; they draw no more.
SPACEMOE_BODY std::uint32_t give_up(std::uint32_t draws, std::uint32_t top_k, LaneNumbers& left) {
  std::uint32_t stuck = 0;
  for (std::uint32_t i = 0; i < philox_lanes; ++i) {
    std::uint32_t const repeats = draws + left.lane[i] - top_k;
    if (left.lane[i] == 0 || repeats < max_repeats) continue;
    stuck |= 1u << i;
    left.lane[i] = 0;
  }
  return stuck;
}

/// Plackett-Luce by alias draws until every lane has its experts. A draw is compared with all earlier ones of
/// its lane, as repeats among them change nothing.
template <DrawLanes draw_lanes_of, class Picks>
SPACEMOE_BODY std::uint32_t draw_plackett_luce_lanes(LayerDraw const& at, Picks& picks) {
  std::uint32_t const bits = at.routing.column_bits;
  std::uint32_t const* const table = at.routing.alias.data() + (static_cast<std::size_t>(at.layer) << bits);
  LaneNumbers drawn[max_top_k + max_repeats];
  LaneNumbers fresh;
  LaneNumbers left;
  std::fill_n(left.lane, philox_lanes, at.routing.top_k);
  LaneWords words;
  std::uint32_t stuck = 0;
  bool more = true;
  for (std::uint32_t draw = 0; more; ++draw) {
    if (draw % 4 == 0) {
      draw_lanes_of(at.seed, Purpose::token_routing, at.token, at.slot, at.layer | draw / 4 << 16, words);
    }
    SPACEMOE_LANES {
      drawn[draw].lane[i] = draw_by_alias(table, bits, words.word[draw % 4][i]);
      fresh.lane[i] = left.lane[i] > 0 ? all_bits : 0;
    }
    for (std::uint32_t earlier = 0; earlier < draw; ++earlier) {
      SPACEMOE_LANES fresh.lane[i] &= drawn[earlier].lane[i] == drawn[draw].lane[i] ? 0 : all_bits;
    }
    picks.add(drawn[draw], fresh, left);
    more = count_down(fresh, left);
    if (more && draw + 1 >= max_repeats) {
      stuck |= give_up(draw + 1, at.routing.top_k, left);
      more = std::ranges::any_of(left.lane, [](std::uint32_t n) { return n > 0; });
    }
  }
  return stuck;
}

/// Conditional Poisson: all lanes go through the experts together.
template <DrawLanes draw_lanes_of, class Picks>
SPACEMOE_BODY void draw_conditional_poisson_lanes(LayerDraw const& at, Picks& picks) {
  std::uint32_t const top_k = at.routing.top_k;
  std::size_t const first = static_cast<std::size_t>(at.layer) * at.routing.experts;
  LaneNumbers expert;
  LaneNumbers joins;
  LaneNumbers left;
  std::fill_n(left.lane, philox_lanes, top_k);
  LaneWords words;
  bool more = true;
  for (std::uint32_t position = 0; more; ++position) {
    if (position % 4 == 0) {
      draw_lanes_of(at.seed, Purpose::token_routing, at.token, at.slot, at.layer | position / 4 << 16, words);
    }
    std::uint32_t const* const inclusion = at.routing.inclusion.data() + (first + position) * top_k;
    std::fill_n(expert.lane, philox_lanes, at.routing.order[first + position]);
    SPACEMOE_LANES {
      std::uint32_t const wanted = left.lane[i] > 0 ? left.lane[i] - 1 : 0;
      bool const below = words.word[position % 4][i] <= inclusion[static_cast<std::int32_t>(wanted)];
      joins.lane[i] = (left.lane[i] > 0) & below ? all_bits : 0;
    }
    picks.add(expert, joins, left);
    more = count_down(joins, left);
  }
}

template <DrawLanes draw_lanes_of, class Picks>
SPACEMOE_BODY std::uint32_t draw_picks(LayerDraw const& at, Picks& picks) {
  if (at.routing.law == RoutingLaw::plackett_luce) {
    return draw_plackett_luce_lanes<draw_lanes_of>(at, picks);
  }
  draw_conditional_poisson_lanes<draw_lanes_of>(at, picks);
  return 0;
}

template <DrawLanes draw_lanes_of>
SPACEMOE_BODY std::uint32_t slowest_picks_body(LayerDraw const& at, LaneNumbers& slowest_ns) {
  SlowestPick picks{at.cost.expert_ns.data() + static_cast<std::size_t>(at.layer) * at.cost.experts,
                    slowest_ns};
  std::ranges::fill(slowest_ns.lane, 0u);
  return draw_picks<draw_lanes_of>(at, picks);
}

/// Returns the lanes that ran out of repeats, as SlowestPicks.
using KeepPicks = std::uint32_t(LayerDraw const& at, KeptPicks& picks);

/// The ways of one instruction set.
struct LaneSampler {
  SlowestPicks* slowest_picks;
  KeepPicks* keep_picks;
};

std::uint32_t slowest_picks_scalar(LayerDraw const& at, LaneNumbers& slowest_ns) {
  return slowest_picks_body<draw_lanes>(at, slowest_ns);
}
std::uint32_t keep_picks_scalar(LayerDraw const& at, KeptPicks& picks) {
  return draw_picks<draw_lanes>(at, picks);
}

#if defined(SPACEMOE_SIMD_X86)
SPACEMOE_AVX2 std::uint32_t slowest_picks_avx2(LayerDraw const& at, LaneNumbers& slowest_ns) {
  return slowest_picks_body<draw_lanes_avx2>(at, slowest_ns);
}
SPACEMOE_AVX2 std::uint32_t keep_picks_avx2(LayerDraw const& at, KeptPicks& picks) {
  return draw_picks<draw_lanes_avx2>(at, picks);
}
SPACEMOE_AVX512 std::uint32_t keep_picks_avx512(LayerDraw const& at, KeptPicks& picks) {
  return draw_picks<draw_lanes_avx512>(at, picks);
}
#endif

LaneSampler lane_sampler() {
#if defined(SPACEMOE_SIMD_X86)
  if (instruction_set() == InstructionSet::avx512) return {slowest_picks_avx512, keep_picks_avx512};
  if (instruction_set() == InstructionSet::avx2) return {slowest_picks_avx2, keep_picks_avx2};
#endif
  return {slowest_picks_scalar, keep_picks_scalar};
}

/// The latency of one lane's layer by the kernel's functions.
Nanoseconds lane_latency(LayerDraw const& at, std::uint32_t lane) {
  ExpertIndex drawn[max_top_k]{};
  draw_experts(at.routing, at.seed, at.slot, at.token + lane, at.layer, {drawn, at.routing.top_k});
  return layer_latency(at.cost, at.layer, {drawn, at.routing.top_k});
}

/// Latencies [lane] of a layer.
void draw_layer(LaneSampler const& sampler, LayerDraw const& at, Nanoseconds* latency_ns) {
  std::uint32_t stuck = 0;
  if (at.cost.shares_hosts[at.layer] == 0) {
    LaneNumbers slowest_ns;
    stuck = sampler.slowest_picks(at, slowest_ns);
    for (std::uint32_t i = 0; i < philox_lanes; ++i) {
      latency_ns[i] = add_latency(at.cost.layer_ns[at.layer], slowest_ns.lane[i]);
    }
  } else {
    KeptPicks picks{at.routing.top_k};
    stuck = sampler.keep_picks(at, picks);
    for (std::uint32_t i = 0; i < philox_lanes; ++i) {
      latency_ns[i] = layer_latency(at.cost, at.layer, {picks.expert[i], at.routing.top_k});
    }
  }
  for (; stuck != 0; stuck &= stuck - 1) {
    auto const lane = static_cast<std::uint32_t>(std::countr_zero(stuck));
    latency_ns[lane] = lane_latency(at, lane);
  }
}

/// Tokens that go through a layer one after another, so that its tables are fetched once for all.
constexpr std::uint32_t block_tokens = 8 * philox_lanes;

/// Latencies of a block's tokens from those of their layers [layer][token]; adds up the layers of the
/// delivered ones.
void add_layers(CostView const& cost, std::uint32_t count, Nanoseconds const* layer_ns,
                std::uint64_t* total_ns, std::span<std::uint64_t> layer_sum_ns) {
  std::uint32_t lost[block_tokens]{};
  std::fill_n(total_ns, count, cost.fixed_ns);
  for (std::uint32_t layer = 0; layer < cost.layers; ++layer) {
    Nanoseconds const* const latency_ns = layer_ns + layer * block_tokens;
    for (std::uint32_t t = 0; t < count; ++t) {
      total_ns[t] += latency_ns[t];
      lost[t] |= latency_ns[t] == unreachable ? all_bits : 0;
    }
  }
  for (std::uint32_t layer = 0; layer < cost.layers; ++layer) {
    Nanoseconds const* const latency_ns = layer_ns + layer * block_tokens;
    for (std::uint32_t t = 0; t < count; ++t) layer_sum_ns[layer] += latency_ns[t] & ~lost[t];
  }
  for (std::uint32_t t = 0; t < count; ++t) {
    if (lost[t] != 0) total_ns[t] = undeliverable;
  }
}

}  // namespace

void sample_range(RoutingView const& routing, Seed seed, TokenCell const& cell, std::uint32_t first,
                  std::uint32_t count, std::span<std::uint64_t> layer_sum_ns, TokenSink const& tokens_drawn) {
  LaneSampler const sampler = lane_sampler();
  std::vector<Nanoseconds> layer_ns(std::size_t{cell.cost.layers} * block_tokens);
  std::uint64_t total_ns[block_tokens];
  for (std::uint32_t done = 0; done < count; done += block_tokens) {
    std::uint32_t const tokens = std::min(block_tokens, count - done);
    for (std::uint32_t layer = 0; layer < cell.cost.layers; ++layer) {
      for (std::uint32_t t = 0; t < tokens; t += philox_lanes) {
        draw_layer(sampler, {routing, cell.cost, seed, cell.slot, first + done + t, layer},
                   &layer_ns[layer * block_tokens + t]);
      }
    }
    add_layers(cell.cost, tokens, layer_ns.data(), total_ns, layer_sum_ns);
    tokens_drawn({total_ns, tokens});
  }
}

}  // namespace spacemoe
