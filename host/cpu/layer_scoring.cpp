// Every function that vectors pass through is inlined, so how they would be passed does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "host/cpu/layer_scoring.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

#include "host/evaluation/node_lanes.hpp"
#include "host/simd.hpp"

namespace spacemoe {
namespace {

using Reals = Reals8;
using Words [[gnu::vector_size(64)]] = std::uint64_t;
using Latencies [[gnu::vector_size(32)]] = Nanoseconds;

/// Slots side by side.
struct SlotLanes {
  using Word = Words;
  using Real = Reals;

  /// As OneSlot::real, by the bits of 2^52 + number.
  SPACEMOE_BODY static Reals real(Words const& number) {
    Words const shifted = number | 0x4330000000000000u;
    Reals real;
    __builtin_memcpy(&real, &shifted, sizeof real);
    return real - 0x1p52;
  }
  SPACEMOE_BODY static Reals look_up(double const* table, Words const& index) {
    Reals found;
    for (std::uint32_t i = 0; i < score_lanes; ++i) found[i] = table[index[i]];
    return found;
  }
};

SPACEMOE_BODY Words slots_at(Nanoseconds const* row) {
  Latencies latencies;
  __builtin_memcpy(&latencies, row, sizeof latencies);
  return __builtin_convertvector(latencies, Words);
}

/// Compute [ns] of a positive expert on its host.
SPACEMOE_BODY std::uint64_t compute_ns(ScoringView const& view, std::uint32_t layer, std::uint32_t expert,
                                       SatelliteId host) {
  return view.expert_ns[static_cast<std::size_t>(layer) * view.experts + expert] +
         view.satellite_ns[index(host)];
}

SPACEMOE_BODY std::uint32_t node(SatelliteId host) {
  return static_cast<std::uint32_t>(index(host));
}

/// The path rows of a change's positive experts.
struct ExpertPaths {
  Nanoseconds const* there;
  Nanoseconds const* back;
  std::uint64_t compute_ns;
};

std::vector<ExpertPaths> expert_paths(ScoringView const& view, LayerLawView const& law,
                                      LayerChange const& change, SatelliteId const* hosts) {
  std::vector<ExpertPaths> paths;
  paths.reserve(law.expert.size());
  for (ExpertIndex const e : law.expert) {
    paths.push_back({view.path(change.gateway, node(hosts[e])), view.path(change.aggregation, node(hosts[e])),
                     compute_ns(view, change.layer, e, hosts[e])});
  }
  return paths;
}

template <std::uint32_t count>
SPACEMOE_BODY void score_by_sets(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                                 std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  auto const experts = static_cast<std::uint32_t>(paths.size());
  Nanoseconds const* const forward = view.path(change.aggregation, change.forward);
  for (std::uint32_t slot = 0; slot < view.slots; slot += score_lanes) {
    Words key[count];
    for (std::uint32_t i = 0; i < count; ++i) {
      key[i] = i < experts ? score_key<Words>(slots_at(paths[i].there + slot), slots_at(paths[i].back + slot),
                                              paths[i].compute_ns, i)
                           : Words{} + ~std::uint64_t{0};
    }
    auto score = subset_score<SlotLanes, count>(key, experts, law.within.data());
    add_gateway<SlotLanes>(slots_at(forward + slot), change.gateway_ns, score);
    std::size_t const bytes = std::min(score_lanes, view.slots - slot) * sizeof(double);
    __builtin_memcpy(rows.mean_ns + slot, &score.mean_ns, bytes);
    __builtin_memcpy(rows.variance_ns2 + slot, &score.variance_ns2, bytes);
    __builtin_memcpy(rows.delivered + slot, &score.delivered, bytes);
  }
}

SPACEMOE_BODY void score_by_sets(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                                 std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  if (paths.size() <= 8) return score_by_sets<8>(view, law, change, paths, rows);
  score_by_sets<16>(view, law, change, paths, rows);
}

/// As KnownCounts, where the number is not known.
template <class Real>
struct SomeCounts {
  Real of[max_top_k];
  std::uint32_t count;
  SPACEMOE_BODY Real& operator[](std::uint32_t k) { return of[k]; }
  SPACEMOE_BODY std::uint32_t size() const { return count; }
};

/// Sums of a race over its nodes, in the same order whatever number of them is side by side.
template <class Nodes, class Counts>
SPACEMOE_BODY RaceSums<double> race_sums(LayerLawView const& law, OrderedLayer const& layer,
                                         Counts const& counts) {
  using Real = typename Nodes::Real;
  Reals sum, sum_squares, reachable;
  for (std::uint32_t lane = 0; lane < race_lanes; lane += Nodes::count) {
    RaceSums<Real> sums;
    for (std::size_t node = lane; node < law.node_weight.size(); node += race_lanes) {
      double const* const block = law.odds.data() + (node - lane) * layer.experts + lane;
      auto const odds = [block](std::uint16_t position) __attribute__((always_inline)) {
        return Nodes::loaded(block + std::size_t{position} * race_lanes);
      };
      double const* const time = &law.node_time[node];
      RaceNodes<Real> const nodes{Nodes::loaded(&law.node_weight[node]), Nodes::loaded(time), time[0],
                                  time[Nodes::count - 1]};
      add_race_block<Nodes>(layer, nodes, counts, odds, sums);
    }
    for (std::uint32_t i = 0; i < Nodes::count; ++i) {
      sum[lane + i] = sums.sum[i];
      sum_squares[lane + i] = sums.sum_squares[i];
      reachable[lane + i] = sums.reachable[i];
    }
  }
  return {sum_of(sum), sum_of(sum_squares), sum_of(reachable)};
}

template <class Nodes>
SPACEMOE_BODY RaceSums<double> race_sums(LayerLawView const& law, OrderedLayer const& layer) {
  using Real = typename Nodes::Real;
  switch (law.top_k) {
    case 2:
      return race_sums<Nodes>(law, layer, KnownCounts<Real, 2>{});
    case 4:
      return race_sums<Nodes>(law, layer, KnownCounts<Real, 4>{});
    case 6:
      return race_sums<Nodes>(law, layer, KnownCounts<Real, 6>{});
    case 8:
      return race_sums<Nodes>(law, layer, KnownCounts<Real, 8>{});
    default:
      return race_sums<Nodes>(law, layer, SomeCounts<Real>{{}, law.top_k});
  }
}

/// Room for one change's slots, used again for each.
struct OrderRoom {
  explicit OrderRoom(std::size_t experts)
      : key(experts),
        spare(experts),
        position(experts),
        step(whole_strides(static_cast<std::uint32_t>(experts))),
        step_squares(step.size()),
        ahead(step.size() / race_stride + 1) {}

  std::vector<std::uint64_t> key;
  std::vector<std::uint64_t> spare;
  std::vector<std::uint16_t> position;
  std::vector<double> step;
  std::vector<double> step_squares;
  std::vector<double> ahead;
};

/// Sorts keys that come by rising position: first by the upper 16 of the bits in which their latencies
/// differ, in two passes, which leaves little to do. `spare` has as much room.
void sort_keys(std::vector<std::uint64_t>& key, std::vector<std::uint64_t>& spare) {
  constexpr std::uint32_t values = 256;
  auto const [least, greatest] = std::ranges::minmax(key);
  std::uint64_t const base = least >> key_bits << key_bits;
  auto const bits = static_cast<int>(std::bit_width(greatest - base));
  int const shift = std::max(bits - 16, int{key_bits});
  auto const upper = [base, shift](std::uint64_t k) { return (k - base) >> shift; };
  std::array<std::uint32_t, values> low{}, high{};
  for (std::uint64_t const k : key) {
    ++low[upper(k) % values];
    ++high[upper(k) / values];
  }
  std::uint32_t next_low = 0;
  std::uint32_t next_high = 0;
  for (std::uint32_t v = 0; v < values; ++v) {
    next_low += std::exchange(low[v], next_low);
    next_high += std::exchange(high[v], next_high);
  }
  for (std::uint64_t const k : key) spare[low[upper(k) % values]++] = k;
  for (std::uint64_t const k : spare) key[high[upper(k) / values]++] = k;
  if (shift == key_bits) return;
  for (auto first = key.begin(); first != key.end();) {
    auto last = first + 1;
    while (last != key.end() && upper(*last) == upper(*first)) ++last;
    if (last - first > 1) std::sort(first, last);
    first = last;
  }
}

/// Sorts one slot's experts and works out the steps between their latencies.
OrderedLayer ordered(LayerLawView const& law, std::span<ExpertPaths const> paths, std::uint32_t slot,
                     OrderRoom& room) {
  auto const experts = static_cast<std::uint32_t>(paths.size());
  for (std::uint32_t i = 0; i < experts; ++i) {
    room.key[i] = score_key<std::uint64_t>(paths[i].there[slot], paths[i].back[slot], paths[i].compute_ns, i);
  }
  sort_keys(room.key, room.spare);
  return order_layer(law, room.key.data(), experts, room.position.data(), room.step.data(),
                     room.step_squares.data(), room.ahead.data());
}

template <class Nodes>
SPACEMOE_BODY void score_in_order(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                                  std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  OrderRoom room(paths.size());
  std::array<double, max_top_k + 1> symmetric;
  Nanoseconds const* const forward = view.path(change.aggregation, change.forward);
  for (std::uint32_t slot = 0; slot < view.slots; ++slot) {
    OrderedLayer const layer = ordered(law, paths, slot, room);
    RaceSums<double> const sums = law.node_weight.empty()
                                      ? symmetric_sums(layer, law.top_k, law.weight.data(), symmetric.data())
                                      : race_sums<Nodes>(law, layer);
    auto score = ordered_score(law, layer, room.key.data(), sums);
    add_gateway<OneSlot>(forward[slot], change.gateway_ns, score);
    rows.mean_ns[slot] = score.mean_ns;
    rows.variance_ns2[slot] = score.variance_ns2;
    rows.delivered[slot] = score.delivered;
  }
}

template <class Nodes>
SPACEMOE_BODY void score_body(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                              std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  if (!law.within.empty()) return score_by_sets(view, law, change, paths, rows);
  score_in_order<Nodes>(view, law, change, paths, rows);
}

#if defined(SPACEMOE_SIMD_X86)
SPACEMOE_AVX2 void score_avx2(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                              std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  score_body<NodeLanes<Reals4>>(view, law, change, paths, rows);
}

SPACEMOE_AVX512 void score_avx512(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                                  std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  score_body<NodeLanes<Reals>>(view, law, change, paths, rows);
}
#endif

}  // namespace

void score_change(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                  SatelliteId const* hosts, ScoreRows const& rows) {
  auto const paths = expert_paths(view, law, change, hosts);
#if defined(SPACEMOE_SIMD_X86)
  if (instruction_set() == InstructionSet::avx512) return score_avx512(view, law, change, paths, rows);
  if (instruction_set() == InstructionSet::avx2) return score_avx2(view, law, change, paths, rows);
#endif
  score_body<NodeLanes<Reals2>>(view, law, change, paths, rows);
}

}  // namespace spacemoe
