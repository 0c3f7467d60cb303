#include "host/cpu/sampling_lanes.hpp"

#if defined(SPACEMOE_SIMD_X86)

namespace spacemoe {
namespace {

/// Numbers that lanes look up by index. Up to 32 are permuted in registers, since fetching takes long.
template <std::uint32_t registers>
class Table {
 public:
  SPACEMOE_AVX512 SPACEMOE_BODY Table(std::uint32_t const* numbers, std::uint32_t size) {
    for (std::uint32_t r = 0; r < registers; ++r) {
      std::uint32_t const rest = size > 16 * r ? size - 16 * r : 0;
      auto const present = static_cast<__mmask16>(rest >= 16 ? 0xffff : (1u << rest) - 1);
      part_[r] = _mm512_maskz_loadu_epi32(present, numbers + 16 * r);
    }
  }
  SPACEMOE_AVX512 SPACEMOE_BODY __m512i at(__m512i index) const {
    if constexpr (registers == 1) return _mm512_permutexvar_epi32(index, part_[0]);
    if constexpr (registers == 2) return _mm512_permutex2var_epi32(part_[0], index, part_[1]);
  }

 private:
  __m512i part_[registers];
};

template <>
class Table<0> {
 public:
  SPACEMOE_AVX512 SPACEMOE_BODY Table(std::uint32_t const* numbers, std::uint32_t) : numbers_(numbers) {}
  SPACEMOE_AVX512 SPACEMOE_BODY __m512i at(__m512i index) const {
    return _mm512_i32gather_epi32(index, numbers_, 4);
  }

 private:
  std::uint32_t const* numbers_;
};

/// By alias draws until every lane has its experts. A draw is compared with all earlier ones of its lane, as
/// repeats among them change nothing.
template <std::uint32_t registers>
SPACEMOE_AVX512 std::uint32_t plackett_luce(LayerDraw const& at, LaneNumbers& slowest_ns) {
  RoutingView const& routing = at.routing;
  std::uint32_t const columns = 1u << routing.column_bits;
  Table<registers> const alias(routing.alias.data() + static_cast<std::size_t>(at.layer) * columns, columns);
  Table<registers> const expert_ns(
      at.cost.expert_ns.data() + static_cast<std::size_t>(at.layer) * routing.experts, routing.experts);
  __m512i const column_mask = _mm512_set1_epi32(static_cast<int>(columns - 1));
  __m512i drawn[max_top_k + max_repeats];
  __m512i left = _mm512_set1_epi32(static_cast<int>(routing.top_k));
  __m512i slowest = _mm512_setzero_si512();
  __mmask16 active = 0xffff;
  __mmask16 stuck = 0;
  LaneStartAvx512 const start = start_lanes_avx512(at.seed, Purpose::token_routing, at.token);
  LaneWordsAvx512 words;
  for (std::uint32_t draw = 0; active != 0; ++draw) {
    if (draw % 4 == 0) words = finish_lanes_avx512(at.seed, start, at.slot, at.layer | draw / 4 << 16);
    __m512i const word = words.word[draw % 4];
    __m512i const column = _mm512_and_si512(word, column_mask);
    __m512i const entry = alias.at(column);
    __mmask16 const keep = _mm512_cmplt_epu32_mask(word, _mm512_andnot_si512(column_mask, entry));
    __m512i const expert = _mm512_mask_blend_epi32(keep, _mm512_and_si512(entry, column_mask), column);
    __mmask16 seen = 0;
    for (std::uint32_t earlier = 0; earlier < draw; ++earlier) {
      seen |= _mm512_cmpeq_epi32_mask(drawn[earlier], expert);
    }
    drawn[draw] = expert;
    auto const fresh = static_cast<__mmask16>(active & ~seen);
    slowest = _mm512_mask_max_epu32(slowest, fresh, slowest, expert_ns.at(expert));
    left = _mm512_mask_sub_epi32(left, fresh, left, _mm512_set1_epi32(1));
    active = _mm512_test_epi32_mask(left, left);
    if (draw + 1 < max_repeats) continue;
    // Of draw + 1 draws, draw + 1 + left - top_k were repeats.
    auto const most_left = static_cast<int>(max_repeats + routing.top_k - (draw + 1));
    auto const out =
        static_cast<__mmask16>(active & _mm512_cmpge_epi32_mask(left, _mm512_set1_epi32(most_left)));
    stuck |= out;
    active = static_cast<__mmask16>(active & ~out);
    left = _mm512_maskz_mov_epi32(active, left);
  }
  _mm512_store_si512(slowest_ns.lane, slowest);
  return stuck;
}

/// All lanes go through the experts together. `registers` hold the thresholds of a position, one per expert
/// left to draw.
template <std::uint32_t registers>
SPACEMOE_AVX512 void conditional_poisson(LayerDraw const& at, LaneNumbers& slowest_ns) {
  RoutingView const& routing = at.routing;
  std::size_t const first = static_cast<std::size_t>(at.layer) * routing.experts;
  Nanoseconds const* const expert_ns = at.cost.expert_ns.data() + first;
  __m512i const one = _mm512_set1_epi32(1);
  __m512i left = _mm512_set1_epi32(static_cast<int>(routing.top_k));
  __m512i slowest = _mm512_setzero_si512();
  __mmask16 active = 0xffff;
  LaneStartAvx512 const start = start_lanes_avx512(at.seed, Purpose::token_routing, at.token);
  LaneWordsAvx512 words;
  for (std::uint32_t position = 0; active != 0; ++position) {
    if (position % 4 == 0)
      words = finish_lanes_avx512(at.seed, start, at.slot, at.layer | position / 4 << 16);
    Table<registers> const inclusion(routing.inclusion.data() + (first + position) * routing.top_k,
                                     routing.top_k);
    __m512i const threshold = inclusion.at(_mm512_sub_epi32(left, one));
    __mmask16 const joins = _mm512_mask_cmple_epu32_mask(active, words.word[position % 4], threshold);
    auto const latency = static_cast<int>(expert_ns[routing.order[first + position]]);
    slowest = _mm512_mask_max_epu32(slowest, joins, slowest, _mm512_set1_epi32(latency));
    left = _mm512_mask_sub_epi32(left, joins, left, one);
    active = _mm512_test_epi32_mask(left, left);
  }
  _mm512_store_si512(slowest_ns.lane, slowest);
}

}  // namespace

std::uint32_t slowest_picks_avx512(LayerDraw const& at, LaneNumbers& slowest_ns) {
  if (at.routing.law == RoutingLaw::conditional_poisson) {
    if (at.routing.top_k <= 16) {
      conditional_poisson<1>(at, slowest_ns);
    } else {
      conditional_poisson<2>(at, slowest_ns);  // max_top_k is 32
    }
    return 0;
  }
  if (at.routing.column_bits <= 4) return plackett_luce<1>(at, slowest_ns);
  if (at.routing.column_bits == 5) return plackett_luce<2>(at, slowest_ns);
  return plackett_luce<0>(at, slowest_ns);
}

}  // namespace spacemoe

#endif
