#pragma once

#include <cstdint>
#include <span>

#include <cuda_runtime_api.h>

#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Tokens of a cell that one block draws.
struct Task {
  std::uint32_t cell;  ///< of its batch
  std::uint32_t first;
  std::uint32_t count;
};

// The most tokens of a task: what a block of the kernel draws.
inline constexpr std::uint32_t layer_task_tokens = 2048;
inline constexpr std::uint32_t routed_task_tokens = 1024;

/// Cells that are drawn by one launch, one block per task.
template <class Cell>
struct TaskBatch {
  std::span<Cell const> cells;  ///< on the host
  Cell const* device_cells;     ///< the same, with tables in device memory
  Task const* device_tasks;
  std::uint32_t tasks;
};

/// Where a launch leaves the latencies of delivered tokens in some bins, in device memory, in any order.
struct FoundView {
  Span<std::uint32_t const> bins;
  std::uint64_t* count;       ///< added to; null when nothing is looked for
  std::uint64_t* latency_ns;  ///< room for all tokens of the launch
};

/// Where a launch leaves its integers, in device memory.
struct TallyView {
  Moments* moments;             ///< [task]
  std::uint64_t* histogram;     ///< [bin], added to
  std::uint64_t* layer_sum_ns;  ///< [layer], added to
  FoundView found;              ///< where something is looked for, the others mean nothing
};

/// Launches the drawing of experts; the tables of `routing` are in device memory.
void launch_sample_tokens(RoutingView const& routing, Seed seed, TaskBatch<TokenCell> const& batch,
                          TallyView const& tally, cudaStream_t stream);

/// Launches the drawing of layer latencies.
void launch_sample_layers(Seed seed, TaskBatch<LayerCell> const& batch, TallyView const& tally,
                          cudaStream_t stream);

}  // namespace spacemoe
