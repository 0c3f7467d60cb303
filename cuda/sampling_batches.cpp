#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "cuda/check.hpp"
#include "cuda/device_buffer.hpp"
#include "cuda/device_tables.hpp"
#include "cuda/sampling.hpp"
#include "cuda/sampling_kernels.hpp"

// Cells go to the device in batches, each with its tables in one block of memory.

namespace spacemoe {
namespace {

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

/// Latencies that a launch has found, when it has come so far.
class FoundTokens {
 public:
  FoundTokens() = default;
  /// Room for that many.
  FoundTokens(std::size_t most, DeviceStream const& stream) : stream_(stream), on_device_(most + 1, stream) {
    on_device_.clear();
  }

  FoundView view(Span<std::uint32_t const> bins) const {
    if (on_device_.size() == 0) return {};
    return {bins, on_device_.data(), on_device_.data() + 1};
  }
  /// Appends them.
  void add_to(std::vector<std::uint64_t>& found_ns) const {
    if (on_device_.size() == 0) return;
    std::uint64_t count = 0;
    on_device_.copy_to({&count, 1});
    stream_->synchronize();
    std::size_t const before = found_ns.size();
    found_ns.resize(before + count);
    on_device_.copy_to(std::span(found_ns).subspan(before), 1);
    stream_->synchronize();
  }

 private:
  std::optional<DeviceStream> stream_;
  DeviceBuffer<std::uint64_t> on_device_;  ///< how many, then their latencies
};

/// Tasks of cells, a launch each, whose results are not here yet.
struct SampledBatch {
  std::size_t first_cell;
  std::vector<Task> tasks;
  Moments const* moments;  ///< [task], in pinned memory
  FoundTokens found;
};

/// Integers to which all launches of a channel add.
class Counts {
 public:
  void prepare(std::size_t layers, DeviceStream const& stream) {
    if (on_device_.size() > 0) return;
    on_device_ = DeviceBuffer<std::uint64_t>(bin_count + layers, stream);
    on_device_.clear();
  }
  std::uint64_t* histogram() const { return on_device_.data(); }
  std::uint64_t* layer_sum_ns() const { return on_device_.data() + bin_count; }
  /// Adds them to a tally, when the channel has nothing to do.
  void add_to(LatencyTally& tally, DeviceStream const& stream) const {
    if (on_device_.size() == 0) return;
    LatencyTally part = empty_tally(0, tally.layer_sum_ns.size());
    on_device_.copy_to(part.histogram);
    on_device_.copy_to(part.layer_sum_ns, bin_count);
    stream.synchronize();
    add_counts(tally, part);
  }

 private:
  DeviceBuffer<std::uint64_t> on_device_;  ///< [bin], then [layer]
};

/// Draws cells in batches, and tallies them or finds those in some bins.
template <class Cell>
class Sampling {
 public:
  /// launch(batch, tally, stream) starts the kernel, whose tasks have at most `task_tokens` tokens.
  using Launch = std::function<void(TaskBatch<Cell> const&, TallyView const&, cudaStream_t)>;

  Sampling(std::span<Cell const> cells, std::size_t layers, std::uint32_t task_tokens, Launch launch,
           Channels& channels)
      : cells_(cells),
        task_tokens_(task_tokens),
        launch_(std::move(launch)),
        channels_(channels),
        tally_(empty_tally(cells.size(), layers)) {}

  LatencyTally tally() {
    run();
    for (std::size_t turn = 0; turn < channels_.size(); ++turn) {
      counts_[turn].add_to(tally_, channels_[turn].stream);
    }
    return std::move(tally_);
  }

  std::vector<std::uint64_t> find(std::span<std::uint32_t const> bins) {
    bins_ = bins;
    if (!bins.empty()) run();
    return std::move(found_ns_);
  }

 private:
  void run() {
    InFlight<SampledBatch> in_flight(channels_, [&](SampledBatch&& batch) { add(batch); });
    std::size_t const budget = batch_bytes(all_bytes());
    run_in_batches(
        cells_.size(), in_flight,
        [&](std::size_t first, std::size_t most) { return batch_size(first, most, budget); },
        [&](std::size_t first, std::size_t count, std::size_t turn) { return begin(first, count, turn); });
  }

  bool finds() const { return !bins_.empty(); }

  /// Bytes that a cell takes in a batch, at most.
  std::size_t cell_bytes(Cell const& cell) const {
    std::size_t const tasks = cell.count / task_tokens_ + 2;
    std::size_t const found = finds() ? cell.count * sizeof(std::uint64_t) : 0;
    return table_bytes(cell) + sizeof(Cell) + tasks * (sizeof(Task) + sizeof(Moments)) + found;
  }

  std::size_t all_bytes() const {
    return std::transform_reduce(cells_.begin(), cells_.end(), std::size_t{0}, std::plus<>(),
                                 [&](Cell const& cell) { return cell_bytes(cell); });
  }

  /// Cells of the next batch, of at most so many: at least one.
  std::size_t batch_size(std::size_t first, std::size_t most, std::size_t budget) const {
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < most) {
      bytes += cell_bytes(cells_[first + count]);
      if (count > 0 && bytes > budget) break;
      ++count;
    }
    return count;
  }

  /// Everything is allocated before anything is drawn, so a batch that does not fit leaves nothing behind.
  SampledBatch begin(std::size_t first, std::size_t count, std::size_t turn) {
    Channel& channel = channels_[turn];
    SampledBatch batch{first, {}, nullptr, {}};
    std::size_t bytes = 0;
    std::size_t tokens = 0;
    for (std::size_t c = 0; c < count; ++c) {
      bytes += table_bytes(cells_[first + c]);
      tokens += cells_[first + c].count;
      append_tasks(cells_[first + c], static_cast<std::uint32_t>(c), task_tokens_, batch.tasks);
    }
    if (batch.tasks.empty()) return batch;
    std::vector<Cell> cells(count);  // with tables on the device
    bytes += padded_bytes(Span<Cell const>(cells), Span<Task const>(batch.tasks),
                          Span<std::uint32_t const>(bins_));
    counts_[turn].prepare(tally_.layer_sum_ns.size(), channel.stream);
    DeviceBuffer<Moments> const moments(batch.tasks.size(), channel.stream);
    if (finds()) batch.found = FoundTokens(tokens, channel.stream);
    std::byte* const pinned = channel.pinned.room(bytes + moments.bytes());
    DeviceTables tables(bytes, channel);
    std::ranges::transform(cells_.subspan(first, count), cells.begin(),
                           [&](Cell const& cell) { return on_device(cell, tables); });
    Cell const* const device_cells = tables.add(Span<Cell const>(cells)).data();
    Task const* const device_tasks = tables.add(Span<Task const>(batch.tasks)).data();
    Span<std::uint32_t const> const device_bins = tables.add(Span<std::uint32_t const>(bins_));
    tables.upload();

    launch_({cells_.subspan(first, count), device_cells, device_tasks,
             static_cast<std::uint32_t>(batch.tasks.size())},
            {moments.data(), counts_[turn].histogram(), counts_[turn].layer_sum_ns(),
             batch.found.view(device_bins)},
            channel.stream);
    if (finds()) return batch;
    std::span const found(reinterpret_cast<Moments*>(pinned + bytes), moments.size());
    moments.copy_to(found);
    batch.moments = found.data();
    return batch;
  }

  void add(SampledBatch const& batch) {
    if (finds()) {
      batch.found.add_to(found_ns_);
      return;
    }
    for (std::size_t t = 0; t < batch.tasks.size(); ++t) {
      tally_.cell[batch.first_cell + batch.tasks[t].cell] += batch.moments[t];
    }
  }

  std::span<Cell const> cells_;
  std::uint32_t task_tokens_;
  Launch launch_;
  Channels& channels_;
  std::span<std::uint32_t const> bins_;  ///< none: tokens are tallied
  LatencyTally tally_;
  std::vector<std::uint64_t> found_ns_;
  std::array<Counts, std::tuple_size_v<Channels>> counts_;
};

Sampling<TokenCell> token_sampling(RoutingView const& device_routing, Seed seed,
                                   std::span<TokenCell const> cells, Channels& channels) {
  auto const launch = [device_routing, seed](TaskBatch<TokenCell> const& batch, TallyView const& tally,
                                             cudaStream_t stream) {
    launch_sample_tokens(device_routing, seed, batch, tally, stream);
  };
  return {cells, device_routing.layers, routed_task_tokens, launch, channels};
}

Sampling<LayerCell> layer_sampling(Seed seed, std::span<LayerCell const> cells, Channels& channels) {
  std::size_t const layers = cells.empty() ? 0 : cells.front().tables.layers;
  auto const launch = [seed](TaskBatch<LayerCell> const& batch, TallyView const& tally, cudaStream_t stream) {
    launch_sample_layers(seed, batch, tally, stream);
  };
  return {cells, layers, layer_task_tokens, launch, channels};
}

/// A routing law with its tables on the device, where both channels may read them.
class DeviceRouting {
 public:
  DeviceRouting(RoutingView const& routing, Channels& channels)
      : tables_(table_bytes(routing), channels[0]), view_(on_device(routing, tables_)) {
    tables_.upload();
    channels[0].stream.synchronize();
  }
  RoutingView const& view() const { return view_; }

 private:
  DeviceTables tables_;
  RoutingView view_;
};

}  // namespace

LatencyTally cuda_sample_tokens(RoutingView const& routing, Seed seed, std::span<TokenCell const> cells,
                                Channels& channels) {
  DeviceRouting const device_routing(routing, channels);
  return token_sampling(device_routing.view(), seed, cells, channels).tally();
}

LatencyTally cuda_sample_layers(Seed seed, std::span<LayerCell const> cells, Channels& channels) {
  return layer_sampling(seed, cells, channels).tally();
}

std::vector<std::uint64_t> cuda_find_tokens(RoutingView const& routing, Seed seed,
                                            std::span<TokenCell const> cells,
                                            std::span<std::uint32_t const> bins, Channels& channels) {
  DeviceRouting const device_routing(routing, channels);
  return token_sampling(device_routing.view(), seed, cells, channels).find(bins);
}

std::vector<std::uint64_t> cuda_find_layers(Seed seed, std::span<LayerCell const> cells,
                                            std::span<std::uint32_t const> bins, Channels& channels) {
  return layer_sampling(seed, cells, channels).find(bins);
}

}  // namespace spacemoe
