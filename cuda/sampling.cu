#include <algorithm>
#include <cstdint>

#include <cub/block/block_reduce.cuh>
#include <cub/warp/warp_reduce.cuh>

#include "cuda/check.hpp"
#include "cuda/kernel_times.hpp"
#include "cuda/sampling_kernels.hpp"
#include "kernels/bins.hpp"
#include "kernels/order_statistic.hpp"
#include "kernels/token.hpp"

namespace spacemoe {
namespace {

constexpr unsigned block_threads = 128;

/// Returns the sum before.
__device__ std::uint64_t atomic_add(std::uint64_t& sum, std::uint64_t value) {
  static_assert(sizeof(unsigned long long) == sizeof(std::uint64_t));
  return atomicAdd(reinterpret_cast<unsigned long long*>(&sum), static_cast<unsigned long long>(value));
}

/// Adds up a value below 2^54 over the lanes of a warp, and the sum to `total`, or takes it away. All lanes
/// take part. In two halves, as 32 bits are added up by one instruction.
__device__ void add_over_warp(std::uint64_t value, bool take_away, std::uint64_t& total) {
  using Reduce = cub::WarpReduce<std::uint32_t>;
  constexpr unsigned low_bits = 27;
  typename Reduce::TempStorage unused;  // whole warps shuffle
  auto const low = static_cast<std::uint32_t>(value) & ((1u << low_bits) - 1);
  auto const high = static_cast<std::uint32_t>(value >> low_bits);
  std::uint64_t sum = Reduce(unused).Sum(low);
  sum += std::uint64_t{Reduce(unused).Sum(high)} << low_bits;
  if (threadIdx.x % 32 == 0 && sum != 0) atomic_add(total, take_away ? -sum : sum);
}

// A token adds up its layers in one number: nanoseconds below, unreachable layers above. There are fewer than
// 2^16 layers, as draws count them in 16 bits, so neither part overflows.
constexpr std::uint64_t lost_layer = std::uint64_t{1} << 48;

__device__ std::uint64_t with_layer(std::uint64_t total, Nanoseconds layer_ns) {
  return total + layer_ns + (layer_ns == unreachable ? lost_layer : 0);
}

__device__ bool is_lost(std::uint64_t total) {
  return total >= lost_layer;
}

/// 128 bits as two numbers, which stay in registers where unsigned __int128 passes through memory.
struct Wide {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  __device__ Wide& operator+=(Wide const& other) {
    low += other.low;
    high += other.high + (low < other.low ? 1 : 0);
    return *this;
  }
  __device__ static Wide square(std::uint64_t number) {
    return {number * number, __umul64hi(number, number)};
  }
  __device__ Uint128 value() const { return Uint128{high} << 64 | low; }
};

/// Moments of some of a block's tokens.
struct PartialMoments {
  std::uint64_t tokens = 0;
  std::uint64_t delivered = 0;
  Wide sum_ns;
  Wide sum_squares_ns2;

  __device__ void add(std::uint64_t latency_ns) {
    ++delivered;
    sum_ns += {latency_ns, 0};
    sum_squares_ns2 += Wide::square(latency_ns);
  }
  __device__ Moments value() const { return {tokens, delivered, sum_ns.value(), sum_squares_ns2.value()}; }
};

struct AddMoments {
  __device__ PartialMoments operator()(PartialMoments a, PartialMoments const& b) const {
    a.tokens += b.tokens;
    a.delivered += b.delivered;
    a.sum_ns += b.sum_ns;
    a.sum_squares_ns2 += b.sum_squares_ns2;
    return a;
  }
};

/// The histogram of a block's tokens: those within a window of bins are counted in shared memory first.
class BlockHistogram {
 public:
  static constexpr std::uint32_t window = 1024;

  struct Storage {
    std::uint32_t first_bin;
    std::uint32_t count[window];
  };

  __device__ explicit BlockHistogram(Storage& storage) : storage_(storage) {
    if (threadIdx.x == 0) storage_.first_bin = bin_count;
    for (unsigned i = threadIdx.x; i < window; i += block_threads) storage_.count[i] = 0;
    __syncthreads();
  }

  /// Moves the window to the least bin of the block. All threads take part.
  __device__ void place(std::uint32_t least_bin) {
    atomicMin(&storage_.first_bin, least_bin);
    __syncthreads();
  }

  __device__ void add(std::uint32_t bin, std::uint64_t* histogram) {
    std::uint32_t const at = bin - storage_.first_bin;
    if (at < window) {
      atomicAdd(&storage_.count[at], 1u);
    } else {
      atomic_add(histogram[bin], 1);
    }
  }

  /// All threads take part.
  __device__ void flush(std::uint64_t* histogram) {
    __syncthreads();
    for (unsigned i = threadIdx.x; i < window; i += block_threads) {
      if (storage_.count[i] > 0) atomic_add(histogram[storage_.first_bin + i], storage_.count[i]);
    }
  }

 private:
  Storage& storage_;
};

/// Tallies a block's tokens: latency_ns [token of this thread], `undeliverable` where lost; bit t of
/// `counted` is set when token t belongs to the task. All threads take part.
template <unsigned tokens>
__device__ void tally_block(std::uint64_t const (&latency_ns)[tokens], std::uint32_t counted,
                            TallyView const& tally) {
  using Reduce = cub::BlockReduce<PartialMoments, block_threads>;
  __shared__ typename Reduce::TempStorage reduce_storage;
  __shared__ BlockHistogram::Storage histogram_storage;
  BlockHistogram histogram(histogram_storage);

  PartialMoments moments;
  std::uint64_t least_ns = undeliverable;
#pragma unroll
  for (unsigned t = 0; t < tokens; ++t) {
    if ((counted >> t & 1) == 0) continue;
    ++moments.tokens;
    if (latency_ns[t] == undeliverable) continue;
    moments.add(latency_ns[t]);
    least_ns = latency_ns[t] < least_ns ? latency_ns[t] : least_ns;
  }

  histogram.place(bin_of(least_ns));
#pragma unroll
  for (unsigned t = 0; t < tokens; ++t) {
    if ((counted >> t & 1) != 0 && latency_ns[t] != undeliverable) {
      histogram.add(bin_of(latency_ns[t]), tally.histogram);
    }
  }
  histogram.flush(tally.histogram);

  PartialMoments const sum = Reduce(reduce_storage).Reduce(moments, AddMoments());
  if (threadIdx.x == 0) tally.moments[blockIdx.x] = sum.value();
}

/// Latencies of tokens from their added layers; returns those that are lost, as bits.
template <unsigned tokens>
__device__ std::uint32_t finish(std::uint64_t const (&total)[tokens], std::uint64_t fixed_ns,
                                std::uint64_t (&latency_ns)[tokens]) {
  std::uint32_t lost = 0;
#pragma unroll
  for (unsigned t = 0; t < tokens; ++t) {
    bool const is_token_lost = is_lost(total[t]);
    latency_ns[t] = is_token_lost ? undeliverable : fixed_ns + total[t];
    lost |= static_cast<std::uint32_t>(is_token_lost) << t;
  }
  return lost;
}

/// Leaves those of a thread's tokens that are looked for; arguments as for tally_block.
template <unsigned tokens>
__device__ void find_tokens(std::uint64_t const (&latency_ns)[tokens], std::uint32_t counted,
                            FoundView const& found) {
#pragma unroll
  for (unsigned t = 0; t < tokens; ++t) {
    if ((counted >> t & 1) == 0 || latency_ns[t] == undeliverable) continue;
    std::uint32_t const bin = bin_of(latency_ns[t]);
    bool wanted = false;
    for (std::size_t b = 0; b < found.bins.size(); ++b) wanted |= found.bins[b] == bin;
    if (wanted) found.latency_ns[atomic_add(*found.count, 1)] = latency_ns[t];
  }
}

// Layers are summed over delivered tokens only, but whether a token is delivered shows at its last layer. So
// kernels sum over all tokens, then draw the lost ones again and take them away; most blocks have none.

// Order-statistic sampling: a thread draws groups of four tokens, whose words share their Philox blocks.
//
// Two of a word's four bytes decide nearly every draw. What they leave undecided counts as nothing at first,
// goes into a queue of the block, and is settled when all layers are drawn: few threads have any in a layer,
// and their whole warp would wait for them.

constexpr unsigned groups = 4;
constexpr unsigned layer_tokens = 4 * groups;  // per thread
static_assert(layer_task_tokens == block_threads * layer_tokens);

/// How a block reads the tables of layers.
enum class Tables {
  narrow,  ///< in shared memory; the first two byte planes decide nearly always
  wide,    ///< in shared memory; columns reach into the third plane
  direct,  ///< where they are; too wide for shared memory
};

constexpr std::uint32_t narrow_column_bits = 8;

/// Tables of four layers as a block reads them: [layer][column] and [layer][atom], and after these, in narrow
/// tables, a latency of nothing. Absent layers draw nothing, too.
struct FourLayers {
  std::uint32_t const* alias;
  Nanoseconds const* latency_ns;
  std::uint32_t columns;
  std::uint32_t present;
};

constexpr std::uint32_t queue_size = 1024;

/// What a block leaves for later.
struct Unsettled {
  std::uint64_t total[layer_task_tokens];  ///< to be added to those of the tokens
  std::uint32_t draw[queue_size];          ///< layer << 11 | token of the task
  std::uint32_t draws;                     ///< more than `queue_size` when some did not find room
};
static_assert(layer_task_tokens == 1u << 11);

struct LayerSampling {
  LayerTablesView tables;
  Seed seed;
  std::uint32_t slot;
  std::uint32_t first_group;  ///< of this thread; the others follow at distances of a block
  Unsettled* unsettled;       ///< of narrow tables

  __device__ std::uint32_t token(std::uint32_t group) const {
    return (first_group + group * block_threads) * 4;
  }
};

extern __shared__ std::uint32_t layer_shared[];

/// Puts tables of four layers into shared memory. All threads take part.
__device__ FourLayers stage_layers(LayerTablesView const& tables, std::uint32_t layer) {
  std::uint32_t const columns = 1u << tables.column_bits;
  std::uint32_t const present = tables.layers - layer < 4 ? tables.layers - layer : 4;
  std::size_t const first = static_cast<std::size_t>(layer) << tables.column_bits;
  __syncthreads();  // the tables before are done with
  for (unsigned i = threadIdx.x; i < 4 * columns; i += block_threads) {
    bool const is_present = i < present * columns;
    layer_shared[i] = is_present ? tables.alias[first + i] : 0;
    layer_shared[4 * columns + i] = is_present ? tables.latency_ns[first + i] : 0;
  }
  if (threadIdx.x == 0) layer_shared[8 * columns] = 0;
  __syncthreads();
  return {layer_shared, layer_shared + 4 * columns, columns, 4};
}

template <Tables kind>
__device__ FourLayers four_layers(LayerTablesView const& tables, std::uint32_t layer) {
  if constexpr (kind != Tables::direct) return stage_layers(tables, layer);
  std::size_t const first = static_cast<std::size_t>(layer) << tables.column_bits;
  return {tables.alias.data() + first, tables.latency_ns.data() + first, 1u << tables.column_bits,
          tables.layers - layer < 4 ? tables.layers - layer : 4};
}

/// Latencies that a group of tokens draws in four layers: [layer][token].
struct GroupLatencies {
  Nanoseconds layer_ns[4][4];
};

/// Draws from narrow tables with the first two planes; returns the undecided draws as bits 4 layer + token.
///
/// With the highest byte of a word, b, in place, it may be anything from b to b + 2^24 - 1. Against
/// b + columns, an entry (threshold and alias) is greater or equal where the word is below the threshold,
/// but for those less than 2^24 - columns above it: these thresholds have b's highest byte and more.
__device__ std::uint32_t draw_narrow(FourLayers const& tables, Words4 const& lowest, Words4 const& highest,
                                     GroupLatencies& drawn) {
  std::uint32_t const mask = tables.columns - 1;
  std::uint32_t const nearest_decided = (1u << 24) - tables.columns;
  std::uint32_t undecided = 0;
#pragma unroll
  for (unsigned l = 0; l < 4; ++l) {
    std::uint32_t const* const alias = tables.alias + l * tables.columns;
    Nanoseconds const* const latency_ns = tables.latency_ns + l * tables.columns;
    std::uint32_t const four_columns = lowest.word[l] & mask * 0x01010101u;
    std::uint32_t above[4];
    std::uint32_t atom[4];
    std::uint32_t nearest = ~0u;
#pragma unroll
    for (unsigned t = 0; t < 4; ++t) {
      std::uint32_t const column = __byte_perm(four_columns, 0, 0x4440 + t);
      std::uint32_t const entry = alias[column];
      std::uint32_t const bound = __byte_perm(highest.word[l], tables.columns, 0x0654 + (t << 12));
      above[t] = entry - bound;
      nearest = min(nearest, above[t]);
      atom[t] = entry >= bound ? column : entry & mask;
    }
    if (nearest < nearest_decided) {
#pragma unroll
      for (unsigned t = 0; t < 4; ++t) {
        if (above[t] >= nearest_decided) continue;
        undecided |= 1u << (4 * l + t);
        atom[t] = (4 - l) * tables.columns;
      }
    }
#pragma unroll
    for (unsigned t = 0; t < 4; ++t) drawn.layer_ns[l][t] = latency_ns[atom[t]];
  }
  return undecided;
}

/// Draws with all four planes.
__device__ void draw_wide(FourLayers const& tables, std::uint32_t column_bits, Words4 const (&plane)[4],
                          GroupLatencies& drawn) {
#pragma unroll
  for (unsigned l = 0; l < 4; ++l) {
    std::uint32_t const* const alias = tables.alias + l * tables.columns;
#pragma unroll
    for (unsigned t = 0; t < 4; ++t) {
      std::uint32_t const word =
          word_of_planes(plane[0].word[l] >> (8 * t) & 0xff, plane[1].word[l] >> (8 * t) & 0xff,
                         plane[2].word[l] >> (8 * t) & 0xff, plane[3].word[l] >> (8 * t) & 0xff);
      drawn.layer_ns[l][t] = 0;
      if (l < tables.present) {
        drawn.layer_ns[l][t] =
            tables.latency_ns[l * tables.columns + draw_by_alias(alias, column_bits, word)];
      }
    }
  }
}

/// Draws a group of tokens in four layers; returns the undecided draws as bits 4 layer + token.
template <Tables kind>
__device__ std::uint32_t draw_group(LayerSampling const& at, FourLayers const& tables, std::uint32_t layer,
                                    std::uint32_t token, GroupLatencies& drawn) {
  constexpr std::uint32_t planes = kind == Tables::narrow ? 2 : 4;
  Words4 plane[4];
#pragma unroll
  for (std::uint32_t p = 0; p < planes; ++p) {
    plane[p] = layer_byte_plane(at.seed, at.slot, token, layer, p);
  }
  if constexpr (kind == Tables::narrow) return draw_narrow(tables, plane[0], plane[1], drawn);
  draw_wide(tables, at.tables.column_bits, plane, drawn);
  return 0;
}

/// Sums over the layers of tokens. Two latencies fit 32 bits.
struct TokenSums {
  std::uint64_t total_ns[layer_tokens]{};
  Nanoseconds slowest_ns[layer_tokens]{};  ///< layer; `unreachable` is the greatest

  __device__ void add(GroupLatencies const& drawn, unsigned group) {
#pragma unroll
    for (unsigned t = 0; t < 4; ++t) {
      Nanoseconds const a = drawn.layer_ns[0][t], b = drawn.layer_ns[1][t];
      Nanoseconds const c = drawn.layer_ns[2][t], d = drawn.layer_ns[3][t];
      total_ns[4 * group + t] += a + b;
      total_ns[4 * group + t] += c + d;
      slowest_ns[4 * group + t] = max(max(max(a, b), max(c, d)), slowest_ns[4 * group + t]);
    }
  }
};

/// Adds up layers over the tokens of `chosen`, of bits 0 to 3.
__device__ void add_tokens(GroupLatencies const& drawn, std::uint32_t chosen, std::uint64_t (&layer_sum)[4]) {
#pragma unroll
  for (unsigned l = 0; l < 4; ++l) {
    layer_sum[l] += drawn.layer_ns[l][0] + drawn.layer_ns[l][1];
    layer_sum[l] += drawn.layer_ns[l][2] + drawn.layer_ns[l][3];
  }
  if (chosen == 0xf) return;  // the rule
#pragma unroll
  for (unsigned l = 0; l < 4; ++l) {
#pragma unroll
    for (unsigned t = 0; t < 4; ++t) layer_sum[l] -= (chosen >> t & 1) == 0 ? drawn.layer_ns[l][t] : 0;
  }
}

/// Draws a layer of a token with its whole word.
template <bool take_away>
__device__ void settle(LayerSampling const& at, std::uint32_t draw, std::uint64_t* layer_sum_ns) {
  std::uint32_t const number = draw % layer_task_tokens;
  std::uint32_t const layer = draw / layer_task_tokens;
  std::uint32_t const token = (at.first_group - threadIdx.x) * 4 + number;
  Nanoseconds const latency =
      drawn_layer_latency(at.tables, layer, layer_word(at.seed, at.slot, token, layer));
  atomic_add(layer_sum_ns[layer], take_away ? -std::uint64_t{latency} : latency);
  if constexpr (!take_away) atomic_add(at.unsettled->total[number], with_layer(0, latency));
}

/// Leaves the draws of a thread in four layers, bits 16 group + 4 layer + token, to be settled later; those
/// that find no room are settled at once.
template <bool take_away>
__device__ void leave(LayerSampling const& at, std::uint32_t layer, std::uint64_t undecided,
                      std::uint64_t* layer_sum_ns) {
#pragma unroll 1
  for (; undecided != 0; undecided &= undecided - 1) {
    auto const bit = static_cast<std::uint32_t>(__ffsll(static_cast<long long>(undecided))) - 1;
    std::uint32_t const number = (threadIdx.x + bit / 16 * block_threads) * 4 + bit % 4;
    std::uint32_t const draw = (layer + bit / 4 % 4) * layer_task_tokens + number;
    std::uint32_t const place = atomicAdd(&at.unsettled->draws, 1u);
    if (place < queue_size) {
      at.unsettled->draw[place] = draw;
    } else {
      settle<take_away>(at, draw, layer_sum_ns);
    }
  }
}

/// Settles what was left; all threads take part.
template <bool take_away>
__device__ void settle_all(LayerSampling const& at, std::uint64_t* layer_sum_ns) {
  __syncthreads();
  std::uint32_t const draws = min(at.unsettled->draws, queue_size);
  for (unsigned i = threadIdx.x; i < draws; i += block_threads) {
    settle<take_away>(at, at.unsettled->draw[i], layer_sum_ns);
  }
  __syncthreads();
  if (threadIdx.x == 0) at.unsettled->draws = 0;
}

/// Draws all layers of the chosen tokens (bits), and of the others in their groups, whose sums mean nothing.
/// Layers are summed over the chosen ones, or these are taken away. All threads take part.
template <Tables kind, bool take_away>
__device__ void draw_layers(LayerSampling const& at, std::uint32_t chosen, TokenSums& sums,
                            std::uint64_t* layer_sum_ns) {
  for (std::uint32_t layer = 0; layer < at.tables.layers; layer += 4) {
    FourLayers const tables = four_layers<kind>(at.tables, layer);
    std::uint64_t layer_sum[4]{};
    std::uint64_t undecided = 0;
#pragma unroll
    for (unsigned g = 0; g < groups; ++g) {
      std::uint32_t const chosen_here = chosen >> (4 * g) & 0xf;
      if (chosen_here == 0) continue;
      GroupLatencies drawn;
      std::uint64_t const left = draw_group<kind>(at, tables, layer, at.token(g), drawn);
      if constexpr (kind == Tables::narrow) undecided |= (left & chosen_here * 0x1111u) << (16 * g);
      if constexpr (!take_away) sums.add(drawn, g);
      add_tokens(drawn, chosen_here, layer_sum);
    }
    if constexpr (kind == Tables::narrow) leave<take_away>(at, layer, undecided, layer_sum_ns);
#pragma unroll
    for (std::uint32_t l = 0; l < 4; ++l) {
      if (layer + l < at.tables.layers) add_over_warp(layer_sum[l], take_away, layer_sum_ns[layer + l]);
    }
  }
  if constexpr (kind == Tables::narrow) settle_all<take_away>(at, layer_sum_ns);
}

/// Room for what a block leaves for later, behind its tables, with nothing in it. All threads take part.
__device__ Unsettled* nothing_unsettled(std::uint32_t columns) {
  auto* const unsettled = reinterpret_cast<Unsettled*>(layer_shared + 8 * columns + 2);
  for (unsigned t = threadIdx.x; t < layer_task_tokens; t += block_threads) unsettled->total[t] = 0;
  if (threadIdx.x == 0) unsettled->draws = 0;
  return unsettled;  // whoever reads it first waits for the first tables
}

/// Totals of this thread's tokens, as `with_layer` adds them up.
template <Tables kind>
__device__ void total_up(LayerSampling const& at, TokenSums const& sums,
                         std::uint64_t (&total)[layer_tokens]) {
#pragma unroll
  for (unsigned t = 0; t < layer_tokens; ++t) {
    total[t] = sums.total_ns[t] + (sums.slowest_ns[t] == unreachable ? lost_layer : 0);
    if constexpr (kind == Tables::narrow) {
      total[t] += at.unsettled->total[(threadIdx.x + t / 4 * block_threads) * 4 + t % 4];
    }
  }
}

/// One block per task. Left to itself, the compiler spills rather than take the registers that two blocks
/// leave.
template <Tables kind>
__global__ void __launch_bounds__(block_threads, 2)
    sample_layers(LayerCell const* cells, Task const* tasks, Seed seed, TallyView tally) {
  Task const task = tasks[blockIdx.x];
  LayerCell const cell = cells[task.cell];
  LayerSampling at{cell.tables, seed, cell.slot, task.first / 4 + threadIdx.x, nullptr};
  if constexpr (kind == Tables::narrow) at.unsettled = nothing_unsettled(1u << cell.tables.column_bits);
  std::uint32_t counted = 0;
#pragma unroll
  for (unsigned t = 0; t < layer_tokens; ++t) {
    std::uint32_t const token = at.token(t / 4) + t % 4;
    counted |= static_cast<std::uint32_t>(token - task.first < task.count) << t;
  }

  TokenSums sums;
  draw_layers<kind, false>(at, counted, sums, tally.layer_sum_ns);
  std::uint64_t total[layer_tokens];
  total_up<kind>(at, sums, total);
  std::uint64_t latency_ns[layer_tokens];
  std::uint32_t const lost = finish(total, cell.tables.fixed_ns, latency_ns) & counted;
  if (tally.found.count != nullptr) {
    find_tokens(latency_ns, counted, tally.found);
    return;
  }
  if (__syncthreads_or(static_cast<int>(lost)) != 0) {
    draw_layers<kind, true>(at, lost, sums, tally.layer_sum_ns);
  }
  tally_block(latency_ns, counted, tally);
}

/// Shared memory [bytes] of the kernel.
constexpr std::size_t layer_shared_bytes(Tables kind, std::uint32_t column_bits) {
  std::size_t const tables = (std::size_t{8} << column_bits) * sizeof(std::uint32_t);
  if (kind == Tables::direct) return 0;
  return tables + 2 * sizeof(std::uint32_t) + (kind == Tables::narrow ? sizeof(Unsettled) : 0);
}

// Routing: a thread draws the experts of tokens, and keeps both in shared memory, as registers have no index.

constexpr unsigned routed_tokens = 8;  // per thread
static_assert(routed_task_tokens == block_threads * routed_tokens);
using RoutedTotals = std::uint64_t[routed_tokens][block_threads];

/// Distance between the picks of two threads: an odd number of words, so that they are in different banks.
__host__ __device__ constexpr std::uint32_t picks_stride(std::uint32_t top_k) {
  return ((top_k + 1) / 2 | 1) * 2;
}

struct RoutedSampling {
  RoutingView const& routing;
  TokenCell const& cell;
  Seed seed;
  std::uint32_t first;      ///< token of this thread; the others follow at distances of a block
  Span<ExpertIndex> picks;  ///< room for the experts of one token and layer
};

/// Draws all layers of the tokens in `counted` (bits) and adds them to the tokens' totals. Layer sums are
/// added, or taken away where `take_away` is set. All threads take part.
__device__ void draw_routed(RoutedSampling const& at, std::uint32_t counted, bool take_away,
                            RoutedTotals& totals, std::uint64_t* layer_sum_ns) {
  for (std::uint32_t layer = 0; layer < at.cell.cost.layers; ++layer) {
    std::uint64_t layer_sum = 0;
#pragma unroll 1
    for (std::uint32_t left = counted; left != 0; left &= left - 1) {
      unsigned const t = static_cast<unsigned>(__ffs(static_cast<int>(left))) - 1;
      draw_experts(at.routing, at.seed, at.cell.slot, at.first + t * block_threads, layer, at.picks);
      Nanoseconds const latency = layer_latency(at.cell.cost, layer, {at.picks.data(), at.picks.size()});
      std::uint64_t& total = totals[t][threadIdx.x];
      total = with_layer(total, latency);
      layer_sum += latency;
    }
    add_over_warp(layer_sum, take_away, layer_sum_ns[layer]);
  }
}

/// One block per task.
__global__ void __launch_bounds__(block_threads, 4)
    sample_tokens(RoutingView routing, TokenCell const* cells, Task const* tasks, Seed seed,
                  TallyView tally) {
  extern __shared__ ExpertIndex all_picks[];
  __shared__ RoutedTotals totals;
  Task const task = tasks[blockIdx.x];
  TokenCell const cell = cells[task.cell];
  RoutedSampling const at{routing,
                          cell,
                          seed,
                          task.first + threadIdx.x,
                          {all_picks + threadIdx.x * picks_stride(routing.top_k), routing.top_k}};
  std::uint32_t counted = 0;
#pragma unroll
  for (unsigned t = 0; t < routed_tokens; ++t) {
    counted |= static_cast<std::uint32_t>(threadIdx.x + t * block_threads < task.count) << t;
    totals[t][threadIdx.x] = 0;
  }

  draw_routed(at, counted, false, totals, tally.layer_sum_ns);
  std::uint64_t total[routed_tokens];
#pragma unroll
  for (unsigned t = 0; t < routed_tokens; ++t) total[t] = totals[t][threadIdx.x];
  std::uint64_t latency_ns[routed_tokens];
  std::uint32_t const lost = finish(total, cell.cost.fixed_ns, latency_ns);
  if (tally.found.count != nullptr) {
    find_tokens(latency_ns, counted, tally.found);
    return;
  }
  if (__syncthreads_or(static_cast<int>(lost)) != 0) {
    draw_routed(at, lost, true, totals, tally.layer_sum_ns);
  }
  tally_block(latency_ns, counted, tally);
}

/// Dynamic shared memory that every device lends to a block without being asked, less what kernels declare.
constexpr std::size_t most_shared_bytes = 40 << 10;

/// Columns [bits] of the widest tables.
std::uint32_t most_column_bits(std::span<LayerCell const> cells) {
  std::uint32_t bits = 0;
  for (LayerCell const& cell : cells) bits = std::max(bits, cell.tables.column_bits);
  return bits;
}

Tables tables_kind(std::uint32_t column_bits) {
  if (column_bits <= narrow_column_bits) return Tables::narrow;
  return layer_shared_bytes(Tables::wide, column_bits) <= most_shared_bytes ? Tables::wide : Tables::direct;
}

auto* sample_layers_from(Tables kind) {
  if (kind == Tables::narrow) return sample_layers<Tables::narrow>;
  return kind == Tables::wide ? sample_layers<Tables::wide> : sample_layers<Tables::direct>;
}

}  // namespace

void launch_sample_tokens(RoutingView const& routing, Seed seed, TaskBatch<TokenCell> const& batch,
                          TallyView const& tally, cudaStream_t stream) {
  std::size_t const picks_bytes = block_threads * picks_stride(routing.top_k) * sizeof(ExpertIndex);
  LaunchTimer const timer("sample_tokens", stream);
  sample_tokens<<<batch.tasks, block_threads, picks_bytes, stream>>>(routing, batch.device_cells,
                                                                     batch.device_tasks, seed, tally);
  check_launch();
}

void launch_sample_layers(Seed seed, TaskBatch<LayerCell> const& batch, TallyView const& tally,
                          cudaStream_t stream) {
  std::uint32_t const bits = most_column_bits(batch.cells);
  Tables const kind = tables_kind(bits);
  LaunchTimer const timer("sample_layers", stream);
  sample_layers_from(kind)<<<batch.tasks, block_threads, layer_shared_bytes(kind, bits), stream>>>(
      batch.device_cells, batch.device_tasks, seed, tally);
  check_launch();
}

}  // namespace spacemoe
