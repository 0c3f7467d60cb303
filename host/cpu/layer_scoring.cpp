// Every function that vectors pass through is inlined, so how they would be passed does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

#include "host/cpu/layer_scoring.hpp"

#include <algorithm>
#include <vector>

#include "host/simd.hpp"

namespace spacemoe {
namespace {

using Reals [[gnu::vector_size(64)]] = double;
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

template <std::uint32_t known_top_k>
SPACEMOE_BODY RaceSums<double> race_sums(LayerLawView const& law, OrderedLayer const& layer, Reals* after) {
  RaceSums<Reals> lanes;
  for (std::size_t node = 0; node < law.node_weight.size(); node += race_lanes) {
    Reals weight;
    __builtin_memcpy(&weight, law.node_weight.data() + node, sizeof weight);
    double const* const block = law.absent.data() + node * layer.experts;
    auto const absent = [block](std::uint16_t position) __attribute__((always_inline)) {
      Reals chance;
      __builtin_memcpy(&chance, block + std::size_t{position} * race_lanes, sizeof chance);
      return chance;
    };
    auto const sure = [](Reals const& chances) __attribute__((always_inline)) {
      bool all = true;
      for (std::uint32_t i = 0; i < race_lanes; ++i) all &= chances[i] > 1 - negligible_absence;
      return all;
    };
    add_race_block<known_top_k>(layer, law.top_k, weight, absent, sure, after, lanes);
  }
  auto const total = [](Reals const& r) __attribute__((always_inline)) {
    return ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  };
  return {total(lanes.sum), total(lanes.sum_squares), total(lanes.reachable)};
}

SPACEMOE_BODY RaceSums<double> race_sums(LayerLawView const& law, OrderedLayer const& layer, Reals* after) {
  switch (law.top_k) {
    case 2:
      return race_sums<2>(law, layer, after);
    case 4:
      return race_sums<4>(law, layer, after);
    case 6:
      return race_sums<6>(law, layer, after);
    case 8:
      return race_sums<8>(law, layer, after);
    default:
      return race_sums<0>(law, layer, after);
  }
}

/// A vector as wide instruction sets want it aligned; without them the compiler would not.
struct alignas(64) AlignedReals {
  Reals reals;
};

/// Room for one change's slots, used again for each.
struct OrderRoom {
  explicit OrderRoom(std::size_t experts)
      : key(experts),
        position(experts),
        step(whole_strides(static_cast<std::uint32_t>(experts))),
        step_squares(step.size()),
        after(experts / race_stride + 2) {}

  std::vector<std::uint64_t> key;
  std::vector<std::uint16_t> position;
  std::vector<double> step;
  std::vector<double> step_squares;
  std::vector<AlignedReals> after;
};

/// Sorts one slot's experts and works out the steps between their latencies.
OrderedLayer ordered(LayerLawView const& law, std::span<ExpertPaths const> paths, std::uint32_t slot,
                     OrderRoom& room) {
  auto const experts = static_cast<std::uint32_t>(paths.size());
  for (std::uint32_t i = 0; i < experts; ++i) {
    room.key[i] = score_key<std::uint64_t>(paths[i].there[slot], paths[i].back[slot], paths[i].compute_ns, i);
  }
  std::ranges::sort(room.key);
  return order_layer(law, room.key.data(), experts, room.position.data(), room.step.data(),
                     room.step_squares.data());
}

SPACEMOE_BODY void score_in_order(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                                  std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  OrderRoom room(paths.size());
  Nanoseconds const* const forward = view.path(change.aggregation, change.forward);
  for (std::uint32_t slot = 0; slot < view.slots; ++slot) {
    OrderedLayer const layer = ordered(law, paths, slot, room);
    RaceSums<double> const sums = law.node_weight.empty()
                                      ? symmetric_sums(layer, law.top_k, law.weight.data())
                                      : race_sums(law, layer, &room.after.data()->reals);
    auto score = ordered_score(law, layer, room.key.data(), sums);
    add_gateway<OneSlot>(forward[slot], change.gateway_ns, score);
    rows.mean_ns[slot] = score.mean_ns;
    rows.variance_ns2[slot] = score.variance_ns2;
    rows.delivered[slot] = score.delivered;
  }
}

SPACEMOE_BODY void score_body(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                              std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  if (!law.within.empty()) return score_by_sets(view, law, change, paths, rows);
  score_in_order(view, law, change, paths, rows);
}

#if defined(SPACEMOE_SIMD_X86)
SPACEMOE_AVX2 void score_avx2(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                              std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  score_body(view, law, change, paths, rows);
}

SPACEMOE_AVX512 void score_avx512(ScoringView const& view, LayerLawView const& law, LayerChange const& change,
                                  std::span<ExpertPaths const> paths, ScoreRows const& rows) {
  score_body(view, law, change, paths, rows);
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
  score_body(view, law, change, paths, rows);
}

}  // namespace spacemoe
