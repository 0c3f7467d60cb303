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

__device__ void atomic_add(std::uint64_t& sum, std::uint64_t value) {
  static_assert(sizeof(unsigned long long) == sizeof(std::uint64_t));
  atomicAdd(reinterpret_cast<unsigned long long*>(&sum), static_cast<unsigned long long>(value));
}

/// Adds up a value over the lanes of a warp, and the sum to `total`. All lanes take part.
__device__ void add_over_warp(std::uint64_t value, std::uint64_t& total) {
  using Reduce = cub::WarpReduce<std::uint64_t>;
  typename Reduce::TempStorage unused;  // whole warps shuffle
  std::uint64_t const sum = Reduce(unused).Sum(value);
  if (threadIdx.x % 32 == 0 && sum != 0) atomic_add(total, sum);
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

// Layers are summed over delivered tokens only, but whether a token is delivered shows at its last layer. So
// kernels sum over all tokens, then draw the lost ones again and take them away; most blocks have none.

// Order-statistic sampling: a thread draws groups of four tokens, whose words share their Philox blocks.

constexpr unsigned groups = 4;
constexpr unsigned layer_tokens = 4 * groups;  // per thread
static_assert(layer_task_tokens == block_threads * layer_tokens);

/// Tables of four layers in shared memory: alias entries, then latencies.
__device__ void stage_layers(LayerTablesView const& tables, std::uint32_t layer, std::uint32_t* shared) {
  std::uint32_t const columns = 1u << tables.column_bits;
  std::uint32_t const layers = tables.layers - layer < 4 ? tables.layers - layer : 4;
  std::size_t const first = static_cast<std::size_t>(layer) << tables.column_bits;
  for (unsigned i = threadIdx.x; i < layers * columns; i += block_threads) {
    shared[i] = tables.alias[first + i];
    shared[4 * columns + i] = tables.latency_ns[first + i];
  }
}

struct LayerSampling {
  LayerTablesView tables;
  Seed seed;
  std::uint32_t slot;
  std::uint32_t first_group;  ///< of this thread; the others follow at distances of a block
};

/// Draws four layers of the counted tokens (bits), adds them to the tokens' totals and their sums to
/// layer_sum [4].
__device__ void draw_four_layers(LayerSampling const& at, std::uint32_t layer, LayerTablesView const& staged,
                                 std::uint32_t counted, std::uint64_t (&total)[layer_tokens],
                                 std::uint64_t (&layer_sum)[4]) {
#pragma unroll
  for (unsigned g = 0; g < groups; ++g) {
    if ((counted >> (4 * g) & 0xf) == 0) continue;
    std::uint32_t const token = (at.first_group + g * block_threads) * 4;
    Words4 plane[4];
#pragma unroll
    for (std::uint32_t p = 0; p < 4; ++p) plane[p] = layer_byte_plane(at.seed, at.slot, token, layer, p);
#pragma unroll
    for (std::uint32_t l = 0; l < 4; ++l) {
      if (layer + l >= at.tables.layers) break;
#pragma unroll
      for (unsigned t = 0; t < 4; ++t) {
        if ((counted >> (4 * g + t) & 1) == 0) continue;
        std::uint32_t const word =
            word_of_planes(plane[0].word[l] >> (8 * t) & 0xff, plane[1].word[l] >> (8 * t) & 0xff,
                           plane[2].word[l] >> (8 * t) & 0xff, plane[3].word[l] >> (8 * t) & 0xff);
        Nanoseconds const latency = drawn_layer_latency(staged, l, word);
        total[4 * g + t] = with_layer(total[4 * g + t], latency);
        layer_sum[l] += latency;
      }
    }
  }
}

/// Draws all layers of the counted tokens. Layer sums are added, or taken away where `take_away` is set. All
/// threads take part.
template <bool shared_tables>
__device__ void draw_layers(LayerSampling const& at, std::uint32_t counted, bool take_away,
                            std::uint64_t (&total)[layer_tokens], std::uint64_t* layer_sum_ns) {
  extern __shared__ std::uint32_t shared[];
  std::uint32_t const columns = 1u << at.tables.column_bits;
  for (std::uint32_t layer = 0; layer < at.tables.layers; layer += 4) {
    LayerTablesView staged = at.tables;
    if constexpr (shared_tables) {
      __syncthreads();  // the tables before are done with
      stage_layers(at.tables, layer, shared);
      __syncthreads();
      staged.alias = {shared, 4 * columns};
      staged.latency_ns = {shared + 4 * columns, 4 * columns};
    } else {
      std::size_t const first = static_cast<std::size_t>(layer) << at.tables.column_bits;
      staged.alias = {at.tables.alias.data() + first, at.tables.alias.size() - first};
      staged.latency_ns = {at.tables.latency_ns.data() + first, at.tables.latency_ns.size() - first};
    }
    std::uint64_t layer_sum[4]{};
    draw_four_layers(at, layer, staged, counted, total, layer_sum);
#pragma unroll
    for (std::uint32_t l = 0; l < 4; ++l) {
      if (layer + l < at.tables.layers) {
        add_over_warp(take_away ? -layer_sum[l] : layer_sum[l], layer_sum_ns[layer + l]);
      }
    }
  }
}

/// One block per task. Left to itself, the compiler spills rather than take the registers that two blocks
/// leave.
template <bool shared_tables>
__global__ void __launch_bounds__(block_threads, 2)
    sample_layers(LayerCell const* cells, Task const* tasks, Seed seed, TallyView tally) {
  Task const task = tasks[blockIdx.x];
  LayerCell const cell = cells[task.cell];
  LayerSampling const at{cell.tables, seed, cell.slot, task.first / 4 + threadIdx.x};
  std::uint32_t counted = 0;
#pragma unroll
  for (unsigned t = 0; t < layer_tokens; ++t) {
    std::uint32_t const token = (at.first_group + t / 4 * block_threads) * 4 + t % 4;
    counted |= static_cast<std::uint32_t>(token - task.first < task.count) << t;
  }

  std::uint64_t total[layer_tokens]{};
  draw_layers<shared_tables>(at, counted, false, total, tally.layer_sum_ns);
  std::uint64_t latency_ns[layer_tokens];
  std::uint32_t const lost = finish(total, cell.tables.fixed_ns, latency_ns);
  if (__syncthreads_or(static_cast<int>(lost)) != 0) {
    draw_layers<shared_tables>(at, lost, true, total, tally.layer_sum_ns);
  }
  tally_block(latency_ns, counted, tally);
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
    add_over_warp(take_away ? -layer_sum : layer_sum, layer_sum_ns[layer]);
  }
}

/// One block per task.
__global__ void __launch_bounds__(block_threads)
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
  if (__syncthreads_or(static_cast<int>(lost)) != 0) {
    draw_routed(at, lost, true, totals, tally.layer_sum_ns);
  }
  tally_block(latency_ns, counted, tally);
}

/// Dynamic shared memory that every device lends to a block without being asked, less what kernels declare.
constexpr std::size_t most_shared_bytes = 40 << 10;

/// Shared memory [bytes] for the tables of four layers.
std::size_t staged_bytes(std::span<LayerCell const> cells) {
  std::uint32_t bits = 0;
  for (LayerCell const& cell : cells) bits = std::max(bits, cell.tables.column_bits);
  return (std::size_t{4} << bits) * (sizeof(std::uint32_t) + sizeof(Nanoseconds));
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
  std::size_t const bytes = staged_bytes(batch.cells);
  LaunchTimer const timer("sample_layers", stream);
  if (bytes <= most_shared_bytes) {
    sample_layers<true>
        <<<batch.tasks, block_threads, bytes, stream>>>(batch.device_cells, batch.device_tasks, seed, tally);
  } else {
    sample_layers<false>
        <<<batch.tasks, block_threads, 0, stream>>>(batch.device_cells, batch.device_tasks, seed, tally);
  }
  check_launch();
}

}  // namespace spacemoe
