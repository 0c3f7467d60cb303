#include "host/cpu/order_statistic.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "host/cpu/order_statistic_bytes.hpp"
#include "host/simd.hpp"

namespace spacemoe {
namespace {

/// Random bytes of a group's tokens in four layers, by plane; the last two only once they are needed.
struct GroupBytes {
  LaneWords plane[4];
  bool complete = false;
};

template <DrawLanes draw>
SPACEMOE_BODY void draw_plane(LayerBlock const& block, std::uint32_t group, std::uint32_t layer,
                              std::uint32_t plane, GroupBytes& bytes) {
  draw(block.seed, Purpose::token_layers, block.first_token / 4 + group * philox_lanes, block.slot,
       layer / 4 | plane << 16, bytes.plane[plane]);
}

using GroupWords = std::array<std::uint32_t, group_tokens>;

/// The tokens' words in a layer, as far as their bytes are drawn.
SPACEMOE_BODY void layer_words(GroupBytes const& bytes, std::uint32_t layer, GroupWords& words) {
  std::uint8_t byte[4][group_tokens];
  for (std::uint32_t p = 0; p < 4; ++p) std::memcpy(byte[p], bytes.plane[p].word[layer % 4], group_tokens);
  if (bytes.complete) {
    for (std::uint32_t t = 0; t < group_tokens; ++t) {
      words[t] = byte[0][t] | std::uint32_t{byte[1][t]} << 24 | std::uint32_t{byte[2][t]} << 16 |
                 std::uint32_t{byte[3][t]} << 8;
    }
  } else {
    for (std::uint32_t t = 0; t < group_tokens; ++t) words[t] = byte[0][t] | std::uint32_t{byte[1][t]} << 24;
  }
}

/// Latencies that the words draw; false where the words' middle bytes matter, too.
SPACEMOE_BODY bool look_up(LayerTablesView const& tables, std::uint32_t layer, GroupWords const& words,
                           GroupWords& latency_ns) {
  std::size_t const first = static_cast<std::size_t>(layer) << tables.column_bits;
  std::uint32_t const* const alias = tables.alias.data() + first;
  Nanoseconds const* const atom_ns = tables.latency_ns.data() + first;
  std::uint32_t const mask = (1u << tables.column_bits) - 1;
  std::uint32_t undecided = 0;
  for (std::uint32_t t = 0; t < group_tokens; ++t) {
    std::uint32_t const column = words[t] & mask;
    std::uint32_t const entry = alias[static_cast<std::int32_t>(column)];
    std::uint32_t const threshold = entry & ~mask;
    undecided |= (words[t] ^ threshold) >> 24 == 0 && (threshold & 0xffffff) != 0;
    latency_ns[t] = atom_ns[static_cast<std::int32_t>(words[t] < threshold ? column : entry & mask)];
  }
  return undecided == 0;
}

template <DrawLanes draw>
SPACEMOE_BODY void draw_layer(LayerTablesView const& tables, LayerBlock const& block, std::uint32_t group,
                              std::uint32_t layer, GroupBytes& bytes, GroupWords& latency_ns) {
  GroupWords words;
  layer_words(bytes, layer, words);
  if (look_up(tables, layer, words, latency_ns) || bytes.complete) return;
  draw_plane<draw>(block, group, layer, 2, bytes);
  draw_plane<draw>(block, group, layer, 3, bytes);
  bytes.complete = true;
  layer_words(bytes, layer, words);
  look_up(tables, layer, words, latency_ns);
}

template <DrawLanes draw>
SPACEMOE_BODY void begin_group(LayerTablesView const& tables, LayerBlock const& block, std::uint32_t group,
                               std::uint32_t layer, GroupBytes& bytes) {
  draw_plane<draw>(block, group, layer, 0, bytes);
  draw_plane<draw>(block, group, layer, 1, bytes);
  bytes.complete = tables.column_bits > 8;  // the column reaches into plane 3
  if (!bytes.complete) return;
  draw_plane<draw>(block, group, layer, 2, bytes);
  draw_plane<draw>(block, group, layer, 3, bytes);
}

SPACEMOE_BODY void add_group(GroupWords const& latency_ns, std::uint64_t valid, std::uint32_t* partial_ns,
                             std::uint64_t& layer_sum_ns) {
  std::uint64_t sum = 0;
  for (std::uint32_t t = 0; t < group_tokens; ++t) {
    std::uint32_t const latency = latency_ns[t] & -static_cast<std::uint32_t>(valid >> t & 1);
    partial_ns[t] += latency;
    sum += latency;
  }
  layer_sum_ns += sum;
}

template <DrawLanes draw>
SPACEMOE_BODY void add_layers_body(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                                   std::uint64_t* layer_sum_ns) {
  GroupBytes bytes;
  GroupWords latency_ns;
  for (std::uint32_t group = 0; group < block.groups; ++group) {
    begin_group<draw>(tables, block, group, pass.first, bytes);
    for (std::uint32_t layer = pass.first; layer < pass.first + pass.count; ++layer) {
      draw_layer<draw>(tables, block, group, layer, bytes, latency_ns);
      add_group(latency_ns, block.valid[group], &block.partial_ns[group * group_tokens], layer_sum_ns[layer]);
    }
  }
}

void add_layers(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                std::uint64_t* layer_sum_ns) {
  add_layers_body<draw_lanes>(tables, pass, block, layer_sum_ns);
}

#if defined(SPACEMOE_SIMD_X86)
SPACEMOE_AVX2 void add_layers_avx2(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                                   std::uint64_t* layer_sum_ns) {
  add_layers_body<draw_lanes_avx2>(tables, pass, block, layer_sum_ns);
}

SPACEMOE_AVX512 void add_layers_avx512(LayerTablesView const& tables, LayerPass pass, LayerBlock& block,
                                       std::uint64_t* layer_sum_ns) {
  add_layers_body<draw_lanes_avx512>(tables, pass, block, layer_sum_ns);
}
#endif

AddLayers add_layers_for([[maybe_unused]] std::uint32_t column_bits) {
#if defined(SPACEMOE_SIMD_X86)
  bool const fits_bytes = column_bits >= 6 && column_bits <= 8;
  if (instruction_set() == InstructionSet::avx512) {
    return fits_bytes ? add_layers_by_bytes_avx512 : add_layers_avx512;
  }
  if (instruction_set() == InstructionSet::avx2) {
    return fits_bytes ? add_layers_by_bytes_avx2 : add_layers_avx2;
  }
#endif
  return add_layers;
}

/// What a pass over some layers of one group of four needs to know of their latencies.
struct PlannedPass {
  LayerPass layers;
  bool flush;     ///< else the partial sums could overflow
  bool may_lose;  ///< some latency is `unreachable`
};

struct LayerRange {
  Nanoseconds largest_ns = 0;  ///< but for `unreachable`
  bool may_lose = false;
};

LayerRange layer_range(LayerTablesView const& tables, std::uint32_t layer) {
  LayerRange range;
  std::size_t const columns = std::size_t{1} << tables.column_bits;
  std::int32_t largest = 0;  // signed numbers compare in vectors on every machine
  std::int32_t lost = 0;
  for (Nanoseconds const latency : tables.latency_ns.subspan(layer * columns, columns)) {
    lost |= latency == unreachable ? 1 : 0;
    largest = std::max(largest, latency == unreachable ? 0 : static_cast<std::int32_t>(latency));
  }
  range.largest_ns = static_cast<Nanoseconds>(largest);
  range.may_lose = lost != 0;
  return range;
}

std::vector<PlannedPass> plan_passes(LayerTablesView const& tables) {
  constexpr std::uint64_t limit = 0xffffffff;
  std::vector<PlannedPass> passes;
  std::uint64_t partial_ns = 0;  // at most, by the end of the last pass
  std::uint64_t pass_ns = 0;
  for (std::uint32_t layer = 0; layer < tables.layers; ++layer) {
    LayerRange const range = layer_range(tables, layer);
    if (layer % 4 == 0 || pass_ns + range.largest_ns > limit) {
      passes.push_back({{layer, 0}, false, false});
      pass_ns = 0;
    }
    PlannedPass& pass = passes.back();
    ++pass.layers.count;
    pass.may_lose |= range.may_lose;
    pass_ns += range.largest_ns;
    partial_ns += range.largest_ns;
    if (partial_ns > limit) {
      pass.flush = true;
      partial_ns = pass_ns;
    }
  }
  return passes;
}

/// Takes tokens that meet an unreachable layer out of the valid ones.
void drop_lost(LayerTablesView const& tables, LayerPass pass, LayerBlock& block) {
  GroupBytes bytes;
  GroupWords latency_ns;
  for (std::uint32_t group = 0; group < block.groups; ++group) {
    begin_group<draw_lanes>(tables, block, group, pass.first, bytes);
    for (std::uint32_t layer = pass.first; layer < pass.first + pass.count; ++layer) {
      draw_layer<draw_lanes>(tables, block, group, layer, bytes, latency_ns);
      for (std::uint32_t t = 0; t < group_tokens; ++t) {
        if (latency_ns[t] == unreachable) block.valid[group] &= ~(std::uint64_t{1} << t);
      }
    }
  }
}

/// Tokens [begin, end) counted from the block's first.
void mark_valid(LayerBlock& block, std::uint32_t begin, std::uint32_t end) {
  block.groups = (end + group_tokens - 1) / group_tokens;
  for (std::uint32_t group = 0; group < block.groups; ++group) {
    std::uint32_t const first = group * group_tokens;
    std::uint64_t valid = ~std::uint64_t{0};
    if (begin > first) valid <<= begin - first;
    if (end < first + group_tokens) valid &= (std::uint64_t{1} << (end - first)) - 1;
    block.valid[group] = valid;
  }
}

using BlockTotals = std::array<std::uint64_t, block_tokens>;

void flush(LayerBlock& block, BlockTotals& total_ns) {
  for (std::uint32_t t = 0; t < block.groups * group_tokens; ++t) {
    total_ns[t] += block.partial_ns[t];
    block.partial_ns[t] = 0;
  }
}

void draw_block(LayerTablesView const& tables, std::vector<PlannedPass> const& passes, LayerBlock& block,
                BlockTotals& total_ns, std::uint64_t* layer_sum_ns) {
  for (auto const& pass : passes) {
    if (pass.may_lose) drop_lost(tables, pass.layers, block);
  }
  AddLayers const add = add_layers_for(tables.column_bits);
  total_ns.fill(tables.fixed_ns);
  block.partial_ns.fill(0);
  for (auto const& pass : passes) {
    if (pass.flush) flush(block, total_ns);
    add(tables, pass.layers, block, layer_sum_ns);
  }
  flush(block, total_ns);
  for (std::uint32_t group = 0; group < block.groups; ++group) {
    for (std::uint64_t lost = ~block.valid[group]; lost != 0; lost &= lost - 1) {
      total_ns[group * group_tokens + static_cast<std::uint32_t>(std::countr_zero(lost))] = undeliverable;
    }
  }
}

}  // namespace

std::uint64_t kept_in_tie(LayerTablesView const& tables, LayerBlock const& block, std::uint32_t token,
                          std::uint32_t layer, std::uint8_t const* low_byte, std::uint64_t undecided) {
  std::uint32_t const column_mask = (1u << tables.column_bits) - 1;
  std::uint32_t const* const alias =
      tables.alias.data() + (static_cast<std::size_t>(layer) << tables.column_bits);
  std::uint64_t kept = 0;
  for (; undecided != 0; undecided &= undecided - 1) {
    auto const i = static_cast<std::uint32_t>(std::countr_zero(undecided));
    std::uint32_t const threshold = alias[low_byte[i] & column_mask] & ~column_mask;
    std::uint32_t const second = layer_byte(block.seed, block.slot, token + i, layer, 2);
    bool const keep = second != (threshold >> 16 & 0xff)
                          ? second < (threshold >> 16 & 0xff)
                          : layer_word(block.seed, block.slot, token + i, layer) < threshold;
    kept |= std::uint64_t{keep} << i;
  }
  return kept;
}

void sample_layer_range(Seed seed, LayerCell const& cell, std::uint32_t first, std::uint32_t count,
                        std::span<std::uint64_t> layer_sum_ns, TokenSink const& tokens_drawn) {
  auto const passes = plan_passes(cell.tables);
  LayerBlock block;
  BlockTotals total_ns;
  block.seed = seed;
  block.slot = cell.slot;
  std::uint32_t const skipped = first % 4;  // tokens of the first Philox block that belong to others
  std::uint64_t const end = std::uint64_t{first} + count;
  for (std::uint64_t token = first - skipped; token < end; token += block_tokens) {
    std::uint32_t const from = token < first ? skipped : 0;
    auto const to = static_cast<std::uint32_t>(std::min<std::uint64_t>(block_tokens, end - token));
    block.first_token = static_cast<std::uint32_t>(token);
    mark_valid(block, from, to);
    draw_block(cell.tables, passes, block, total_ns, layer_sum_ns.data());
    tokens_drawn(std::span(total_ns).subspan(from, to - from));
  }
}

}  // namespace spacemoe
