#include <algorithm>
#include <cstdint>
#include <vector>

#include "cuda/check.hpp"
#include "cuda/device_buffer.hpp"
#include "cuda/sampling.hpp"
#include "cuda/sampling_kernels.hpp"

// Cells go to the device in batches, each with its tables in one block of memory.

namespace spacemoe {
namespace {

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

  /// launch(batch, tally) starts the kernel on a batch.
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

    launch(TaskBatch<Cell>{cells, device_cells.data(), device_tasks.data(),
                           static_cast<std::uint32_t>(tasks.size())},
           TallyView{device_moments.data(), histogram_.data(), layer_sum_ns_.data()});
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

}  // namespace

LatencyTally cuda_sample_tokens(RoutingView const& routing, Seed seed, std::span<TokenCell const> cells) {
  cudaStream_t const stream = nullptr;
  Sampling sampling(routing.layers, cells.size(), stream);
  DeviceTables tables(table_bytes(routing));
  RoutingView const device_routing = on_device(routing, tables);
  tables.upload(stream);
  sampling.run(cells, routed_task_tokens, [&](TaskBatch<TokenCell> const& batch, TallyView const& tally) {
    launch_sample_tokens(device_routing, seed, batch, tally, stream);
  });
  return sampling.finish();
}

LatencyTally cuda_sample_layers(Seed seed, std::span<LayerCell const> cells) {
  cudaStream_t const stream = nullptr;
  Sampling sampling(cells.empty() ? 0 : cells.front().tables.layers, cells.size(), stream);
  sampling.run(cells, layer_task_tokens, [&](TaskBatch<LayerCell> const& batch, TallyView const& tally) {
    launch_sample_layers(seed, batch, tally, stream);
  });
  return sampling.finish();
}

}  // namespace spacemoe
