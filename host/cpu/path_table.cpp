#include "host/cpu/path_table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <tbb/parallel_for.h>

namespace spacemoe {

PathMemory::Buffer PathMemory::take(std::size_t lines) {
  std::lock_guard const lock(mutex_);
  if (kept_.size >= lines) return std::exchange(kept_, {});
  kept_ = {};
  return {std::make_unique_for_overwrite<CacheLine[]>(lines), lines};
}

void PathMemory::give_back(Buffer buffer) {
  std::lock_guard const lock(mutex_);
  if (buffer.size > kept_.size) kept_ = std::move(buffer);
}

CpuPathTable::CpuPathTable(std::shared_ptr<PathMemory> memory, std::uint32_t snapshots, std::uint32_t nodes,
                           std::uint32_t lanes, std::span<SatelliteId const> sources)
    : snapshots_(snapshots),
      nodes_(nodes),
      lanes_(lanes),
      column_(sources.size()),
      memory_(std::move(memory)) {
  std::vector<std::uint32_t> order(sources.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t source) { return sources[source]; });
  for (std::uint32_t const source : order) {
    std::size_t const block = sorted_.size() / lanes;
    column_[source] = block * nodes * lanes + sorted_.size() % lanes;
    sorted_.push_back(sources[source]);
  }
  while (sorted_.size() % lanes != 0) sorted_.push_back(sorted_.back());
  std::size_t const latencies = std::size_t{snapshots} * sorted_.size() * nodes;
  buffer_ = memory_->take(latencies / std::size(PathMemory::CacheLine{}.latency_ns));
  latency_ns_ = reinterpret_cast<Nanoseconds*>(buffer_.lines.get());
}

CpuPathTable::~CpuPathTable() {
  memory_->give_back(std::move(buffer_));
}

std::vector<Nanoseconds> CpuPathTable::gather(std::span<PathQuery const> queries) const {
  std::vector<Nanoseconds> found(snapshots_ * queries.size());
  tbb::parallel_for(std::uint32_t{0}, snapshots_, [&](std::uint32_t snapshot) {
    Nanoseconds const* const rows = snapshot_rows(snapshot);
    Nanoseconds* to = found.data() + snapshot * queries.size();
    for (PathQuery const& query : queries) {
      *to++ = rows[column_[query.source] + index(query.satellite) * lanes_];
    }
  });
  return found;
}

std::vector<Nanoseconds> CpuPathTable::row(std::uint32_t snapshot, std::uint32_t source) const {
  Nanoseconds const* const first = snapshot_rows(snapshot) + column_[source];
  std::vector<Nanoseconds> latency_ns(nodes_);
  for (std::size_t node = 0; node < nodes_; ++node) latency_ns[node] = first[node * lanes_];
  return latency_ns;
}

std::vector<std::uint64_t> CpuPathTable::sums(LostPath lost) const {
  std::vector<std::uint64_t> sums(column_.size() * nodes_);
  tbb::parallel_for(std::size_t{0}, column_.size(), [&](std::size_t source) {
    Span const sum(sums.data() + source * nodes_, nodes_);
    for (std::uint32_t snapshot = 0; snapshot < snapshots_; ++snapshot) {
      auto const latency_ns = row(snapshot, static_cast<std::uint32_t>(source));
      add_row({latency_ns.data(), latency_ns.size()}, lost, sum);
    }
  });
  return sums;
}

std::unique_ptr<PathTable> path_table(PathPlan const& plan, std::shared_ptr<PathMemory> memory,
                                      SnapshotBatch const& batch, std::span<SatelliteId const> sources) {
  Wiring const& wiring = *batch.wiring;
  auto table =
      std::make_unique<CpuPathTable>(std::move(memory), batch.snapshots, wiring.nodes, plan.lanes, sources);
  std::uint32_t const blocks = table->blocks();
  tbb::parallel_for(std::size_t{0}, std::size_t{batch.snapshots} * blocks, [&](std::size_t task) {
    auto const snapshot = static_cast<std::uint32_t>(task / blocks);
    auto const block = static_cast<std::uint32_t>(task % blocks);
    find_paths(plan, {batch.slot(snapshot), table->sources(block), table->rows(snapshot, block)});
  });
  return table;
}

}  // namespace spacemoe
