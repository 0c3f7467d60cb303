#include <algorithm>
#include <cstdint>
#include <vector>

#include <cub/block/block_reduce.cuh>
#include <cub/warp/warp_reduce.cuh>

#include "cuda/check.hpp"
#include "cuda/device_buffer.hpp"
#include "cuda/sampling.hpp"
#include "kernels/bins.hpp"
#include "kernels/order_statistic.hpp"
#include "kernels/token.hpp"

namespace spacemoe {
namespace {

constexpr unsigned block_threads = 128;

/// Tokens of a cell that one block draws.
struct Task {
  std::uint32_t cell;
  std::uint32_t first;
  std::uint32_t count;
};

/// Where a launch leaves its integers, in device memory.
struct TallyView {
  Moments* moments;             ///< [task]
  std::uint64_t* histogram;     ///< [bin]
  std::uint64_t* layer_sum_ns;  ///< [layer]
};

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

// The host's side: cells go to the device in batches, each with its tables in one block of memory.

constexpr std::size_t most_batch_bytes = std::size_t{256} << 20;

/// Device memory that a batch may take.
std::size_t batch_budget() {
  std::size_t free = 0;
  std::size_t all = 0;
  check(cudaMemGetInfo(&free, &all));
  return std::min(free / 2, most_batch_bytes);
}

/// Bytes of arrays, each padded.
template <class... T>
std::size_t padded_bytes(Span<T const> const&... arrays) {
  constexpr std::size_t alignment = 16;
  return (((arrays.size() * sizeof(T) + alignment - 1) / alignment * alignment) + ... + 0);
}

/// Arrays in one block of device memory.
class DeviceTables {
 public:
  /// Room for so many padded bytes.
  explicit DeviceTables(std::size_t bytes) : device_(bytes) { host_.reserve(bytes); }

  /// Returns where the array will be after upload().
  template <class T>
  Span<T const> add(Span<T const> array) {
    auto const* const place = reinterpret_cast<T const*>(device_.data() + host_.size());
    auto const bytes = std::as_bytes(std::span(array.data(), array.size()));
    host_.insert(host_.end(), bytes.begin(), bytes.end());
    host_.resize(host_.size() + padded_bytes(array) - bytes.size());
    return {place, array.size()};
  }
  void upload(cudaStream_t stream) { device_.copy_from(host_, stream); }

 private:
  std::vector<std::byte> host_;
  DeviceBuffer<std::byte> device_;
};

std::size_t table_bytes(RoutingView const& routing) {
  return padded_bytes(routing.alias, routing.weight, routing.inclusion, routing.order);
}
std::size_t table_bytes(TokenCell const& cell) {
  CostView const& cost = cell.cost;
  return padded_bytes(cost.layer_ns, cost.expert_ns, cost.queue_ns, cost.host, cost.shares_hosts);
}
std::size_t table_bytes(LayerCell const& cell) {
  return padded_bytes(cell.tables.alias, cell.tables.latency_ns);
}

RoutingView on_device(RoutingView routing, DeviceTables& tables) {
  routing.alias = tables.add(routing.alias);
  routing.weight = tables.add(routing.weight);
  routing.inclusion = tables.add(routing.inclusion);
  routing.order = tables.add(routing.order);
  return routing;
}
TokenCell on_device(TokenCell cell, DeviceTables& tables) {
  CostView& cost = cell.cost;
  cost.layer_ns = tables.add(cost.layer_ns);
  cost.expert_ns = tables.add(cost.expert_ns);
  cost.queue_ns = tables.add(cost.queue_ns);
  cost.host = tables.add(cost.host);
  cost.shares_hosts = tables.add(cost.shares_hosts);
  return cell;
}
LayerCell on_device(LayerCell cell, DeviceTables& tables) {
  cell.tables.alias = tables.add(cell.tables.alias);
  cell.tables.latency_ns = tables.add(cell.tables.latency_ns);
  return cell;
}

/// Splits a cell into tasks that begin, but for the first, at multiples of `task_tokens`, and so in whole
/// Philox blocks.
template <class Cell>
void append_tasks(Cell const& cell, std::uint32_t number, std::uint32_t task_tokens,
                  std::vector<Task>& tasks) {
  for (std::uint32_t first = cell.first, left = cell.count; left > 0;) {
    std::uint32_t const count = std::min(left, task_tokens - first % task_tokens);
    tasks.push_back({number, first, count});
    first += count;
    left -= count;
  }
}

/// Draws cells in batches that fit into the device's memory.
class Sampling {
 public:
  Sampling(std::uint32_t layers, std::size_t cells, cudaStream_t stream)
      : stream_(stream), histogram_(bin_count), layer_sum_ns_(layers) {
    tally_.cell.resize(cells);
    histogram_.clear(stream);
    layer_sum_ns_.clear(stream);
  }

  /// launch(tasks, cells, device tasks, device cells, tally) starts the kernel on a batch.
  template <class Cell, class Launch>
  void run(std::span<Cell const> cells, std::uint32_t task_tokens, Launch launch) {
    std::size_t most = cells.size();
    for (std::size_t first = 0; first < cells.size();) {
      std::size_t const count = batch_size(cells.subspan(first), task_tokens, most);
      try {
        run_batch(cells.subspan(first, count), first, task_tokens, launch);
        first += count;
      } catch (DeviceOutOfMemory const&) {
        if (count == 1) throw;
        most = count / 2;
      }
    }
  }

  LatencyTally finish() {
    tally_.histogram.resize(histogram_.size());
    tally_.layer_sum_ns.resize(layer_sum_ns_.size());
    histogram_.copy_to(tally_.histogram, stream_);
    layer_sum_ns_.copy_to(tally_.layer_sum_ns, stream_);
    check(cudaStreamSynchronize(stream_));
    return std::move(tally_);
  }

 private:
  /// Cells of the next batch: at least one.
  template <class Cell>
  static std::size_t batch_size(std::span<Cell const> cells, std::uint32_t task_tokens, std::size_t most) {
    std::size_t const budget = batch_budget();
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < std::min(most, cells.size())) {
      std::size_t const tasks = cells[count].count / task_tokens + 2;
      bytes += table_bytes(cells[count]) + sizeof(Cell) + tasks * (sizeof(Task) + sizeof(Moments));
      if (count > 0 && bytes > budget) break;
      ++count;
    }
    return count;
  }

  /// Everything is allocated before anything is drawn, so a batch that does not fit leaves nothing behind.
  template <class Cell, class Launch>
  void run_batch(std::span<Cell const> cells, std::size_t first_cell, std::uint32_t task_tokens,
                 Launch launch) {
    std::size_t bytes = 0;
    std::vector<Task> tasks;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      bytes += table_bytes(cells[c]);
      append_tasks(cells[c], static_cast<std::uint32_t>(c), task_tokens, tasks);
    }
    if (tasks.empty()) return;
    DeviceTables tables(bytes);
    std::vector<Cell> cells_on_device;
    for (Cell const& cell : cells) cells_on_device.push_back(on_device(cell, tables));
    DeviceBuffer<Cell> const device_cells(cells_on_device, stream_);
    DeviceBuffer<Task> const device_tasks(tasks, stream_);
    DeviceBuffer<Moments> const device_moments(tasks.size());
    tables.upload(stream_);

    launch(cells, static_cast<unsigned>(tasks.size()), device_cells.data(), device_tasks.data(),
           TallyView{device_moments.data(), histogram_.data(), layer_sum_ns_.data()});
    check_launch();
    std::vector<Moments> moments(tasks.size());
    device_moments.copy_to(moments, stream_);
    check(cudaStreamSynchronize(stream_));
    for (std::size_t t = 0; t < tasks.size(); ++t) tally_.cell[first_cell + tasks[t].cell] += moments[t];
  }

  cudaStream_t stream_;
  LatencyTally tally_;
  DeviceBuffer<std::uint64_t> histogram_;
  DeviceBuffer<std::uint64_t> layer_sum_ns_;
};

/// Dynamic shared memory that every device lends to a block without being asked, less what kernels declare.
constexpr std::size_t most_shared_bytes = 40 << 10;

/// Shared memory [bytes] for the tables of four layers.
std::size_t staged_bytes(std::span<LayerCell const> cells) {
  std::uint32_t bits = 0;
  for (LayerCell const& cell : cells) bits = std::max(bits, cell.tables.column_bits);
  return (std::size_t{4} << bits) * (sizeof(std::uint32_t) + sizeof(Nanoseconds));
}

}  // namespace

LatencyTally cuda_sample_tokens(RoutingView const& routing, Seed seed, std::span<TokenCell const> cells) {
  cudaStream_t const stream = nullptr;
  Sampling sampling(routing.layers, cells.size(), stream);
  DeviceTables tables(table_bytes(routing));
  RoutingView const device_routing = on_device(routing, tables);
  tables.upload(stream);
  std::size_t const picks_bytes = block_threads * picks_stride(routing.top_k) * sizeof(ExpertIndex);
  sampling.run(cells, block_threads * routed_tokens,
               [&](std::span<TokenCell const>, unsigned tasks, TokenCell const* device_cells,
                   Task const* device_tasks, TallyView const& tally) {
                 sample_tokens<<<tasks, block_threads, picks_bytes, stream>>>(device_routing, device_cells,
                                                                              device_tasks, seed, tally);
               });
  return sampling.finish();
}

LatencyTally cuda_sample_layers(Seed seed, std::span<LayerCell const> cells) {
  cudaStream_t const stream = nullptr;
  Sampling sampling(cells.empty() ? 0 : cells.front().tables.layers, cells.size(), stream);
  sampling.run(cells, block_threads * layer_tokens,
               [&](std::span<LayerCell const> batch, unsigned tasks, LayerCell const* device_cells,
                   Task const* device_tasks, TallyView const& tally) {
                 std::size_t const bytes = staged_bytes(batch);
                 if (bytes <= most_shared_bytes) {
                   sample_layers<true>
                       <<<tasks, block_threads, bytes, stream>>>(device_cells, device_tasks, seed, tally);
                 } else {
                   sample_layers<false>
                       <<<tasks, block_threads, 0, stream>>>(device_cells, device_tasks, seed, tally);
                 }
               });
  return sampling.finish();
}

}  // namespace spacemoe
