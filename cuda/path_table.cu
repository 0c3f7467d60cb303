#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "cuda/kernel_times.hpp"
#include "cuda/path_batch.hpp"
#include "cuda/path_table.hpp"

namespace spacemoe {
namespace {

constexpr unsigned threads = 256;
constexpr std::uint32_t no_source = 0xffffffff;

/// found [snapshot][query] = row_ns [snapshot][place of the query].
__global__ void __launch_bounds__(threads)
    gather_places(Nanoseconds const* row_ns, std::size_t row_size, Span<std::uint64_t const> place,
                  Span<Nanoseconds> found) {
  std::size_t const i = std::size_t{blockIdx.x} * threads + threadIdx.x;
  if (i >= found.size()) return;
  found[i] = row_ns[i / place.size() * row_size + place[i % place.size()]];
}

__global__ void __launch_bounds__(threads)
    gather_row(Nanoseconds const* first_ns, std::size_t stride, Span<Nanoseconds> found) {
  std::size_t const node = std::size_t{blockIdx.x} * threads + threadIdx.x;
  if (node < found.size()) found[node] = first_ns[node * stride];
}

constexpr unsigned tile = 32;
constexpr unsigned tile_rows = 8;
constexpr unsigned nodes_per_thread = 64;
constexpr std::size_t columns_at_once = 256;  // whose sums are on the device

/// Turns [snapshot][node][column] into [source][node][slot], a tile of snapshots and columns of a node per
/// block; source [column] is `no_source` where a column only fills a warp.
__global__ void __launch_bounds__(tile* tile_rows)
    turn_rows(Nanoseconds const* row_ns, std::uint32_t snapshots, std::uint32_t nodes,
              Span<std::uint32_t const> source, std::uint32_t slot_stride, Nanoseconds* by_slot) {
  __shared__ Nanoseconds staged[tile][tile + 1];
  std::size_t const columns = source.size();
  std::uint32_t const node = blockIdx.x;
  std::uint32_t const first_column = blockIdx.y * tile;
  std::uint32_t const first_snapshot = blockIdx.z * tile;
  for (unsigned i = threadIdx.y; i < tile; i += tile_rows) {
    if (first_snapshot + i < snapshots) {
      std::size_t const row = std::size_t{first_snapshot + i} * nodes + node;
      staged[i][threadIdx.x] = row_ns[row * columns + first_column + threadIdx.x];
    }
  }
  __syncthreads();
  for (unsigned i = threadIdx.y; i < tile; i += tile_rows) {
    std::uint32_t const to = source[first_column + i];
    if (to == no_source || first_snapshot + threadIdx.x >= snapshots) continue;
    by_slot[(std::size_t{to} * nodes + node) * slot_stride + first_snapshot + threadIdx.x] =
        staged[threadIdx.x][i];
  }
}

/// greatest [snapshot][column], at first 0, of the finite latencies of row_ns [snapshot][node][column].
__global__ void __launch_bounds__(tile* tile_rows)
    note_greatest_of_columns(Nanoseconds const* row_ns, std::uint32_t nodes, std::size_t columns,
                             Nanoseconds* greatest) {
  std::size_t const column = blockIdx.y * tile + threadIdx.x;
  std::uint32_t const first = (blockIdx.z * tile_rows + threadIdx.y) * nodes_per_thread;
  Nanoseconds found = 0;
  for (std::uint32_t node = first; node < min(first + nodes_per_thread, nodes); ++node) {
    found = greater_finite(found, row_ns[(std::size_t{blockIdx.x} * nodes + node) * columns + column]);
  }
  if (found > 0) atomicMax(&greatest[blockIdx.x * columns + column], found);
}

/// Adds row_ns [snapshot][node][of `columns`] over all snapshots to sum_ns [column][node], a tile of nodes
/// and columns per block; greatest is [snapshot][of `columns`].
__global__ void __launch_bounds__(tile* tile_rows)
    add_snapshots(Nanoseconds const* row_ns, std::uint32_t snapshots, std::uint32_t nodes,
                  std::size_t columns, Nanoseconds const* greatest, LostPath lost, std::uint64_t* sum_ns) {
  __shared__ std::uint64_t staged[tile][tile + 1];
  std::size_t const column = blockIdx.y * tile + threadIdx.x;
  std::uint32_t const first_node = blockIdx.x * tile;
  for (unsigned i = threadIdx.y; i < tile && first_node + i < nodes; i += tile_rows) {
    std::uint64_t sum = 0;
    for (std::size_t snapshot = 0; snapshot < snapshots; ++snapshot) {
      Nanoseconds const latency = row_ns[(snapshot * nodes + first_node + i) * columns + column];
      sum = add_path(sum, latency, lost.ns(greatest[snapshot * columns + column]));
    }
    staged[i][threadIdx.x] = sum;
  }
  __syncthreads();
  std::uint32_t const node = first_node + threadIdx.x;
  if (node >= nodes) return;
  for (unsigned i = threadIdx.y; i < tile; i += tile_rows) {
    std::uint64_t& sum = sum_ns[std::size_t{blockIdx.y * tile + i} * nodes + node];
    sum = add_sums(sum, staged[threadIdx.x][i]);
  }
}

unsigned blocks(std::size_t count) {
  return static_cast<unsigned>((count + threads - 1) / threads);
}

}  // namespace

SortedSources::SortedSources(std::span<SatelliteId const> sources) : column(sources.size()) {
  std::vector<std::uint32_t> order(sources.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t source) { return sources[source]; });
  for (std::uint32_t const source : order) {
    column[source] = static_cast<std::uint32_t>(node.size());
    node.push_back(static_cast<std::uint32_t>(sources[source]));
  }
  while (node.size() % lanes != 0) node.push_back(node.back());
}

CudaPathTable::CudaPathTable(DeviceStream stream, std::uint32_t nodes, SortedSources sources)
    : stream_(std::move(stream)), nodes_(nodes), sources_(std::move(sources)) {}

/// The current device belongs to the thread, and any may look up.
void CudaPathTable::use_device() const {
  check(cudaSetDevice(stream_.memory().device()));
}

void CudaPathTable::add(DeviceBuffer<Nanoseconds> row_ns) {
  auto const snapshots = static_cast<std::uint32_t>(row_ns.size() / row_size());
  parts_.push_back({snapshots_, snapshots, std::move(row_ns), {}});
  snapshots_ += snapshots;
}

bool CudaPathTable::move_to_host() {
  bool any = false;
  for (Part& part : parts_) {
    if (part.on_device.size() == 0) continue;
    part.on_host.resize(part.on_device.size());
    part.on_device.copy_to(part.on_host);  // not pinned: waits
    part.on_device = {};
    any = true;
  }
  return any;
}

CudaPathTable::Part const& CudaPathTable::part_of(std::uint32_t snapshot) const {
  return *std::prev(std::ranges::upper_bound(parts_, snapshot, {}, &Part::first));
}

void CudaPathTable::copy_by_slot(std::uint32_t first_slot, std::uint32_t slot_stride,
                                 DeviceBuffer<Nanoseconds> const& by_slot) const {
  std::vector<std::uint32_t> source(sources_.node.size(), no_source);
  for (std::uint32_t s = 0; s < sources_.column.size(); ++s) source[sources_.column[s]] = s;
  std::lock_guard const lock(mutex_);
  use_device();
  DeviceBuffer<std::uint32_t> const device_source(source, stream_);
  for (Part const& part : parts_) {
    DeviceBuffer<Nanoseconds> const brought_back(part.on_host, stream_);
    auto const& rows = part.on_device.size() > 0 ? part.on_device : brought_back;
    dim3 const grid(nodes_, static_cast<unsigned>(source.size() / tile), (part.snapshots + tile - 1) / tile);
    LaunchTimer const timer("turn_rows", stream_, 2 * rows.bytes());
    turn_rows<<<grid, dim3(tile, tile_rows), 0, stream_>>>(rows.data(), part.snapshots, nodes_,
                                                           device_source.span(), slot_stride,
                                                           by_slot.data() + first_slot + part.first);
    check_launch();
  }
  stream_.synchronize();
}

std::vector<Nanoseconds> CudaPathTable::gather(std::span<PathQuery const> queries) const {
  std::vector<std::uint64_t> place(queries.size());
  std::ranges::transform(queries, place.begin(), [&](PathQuery const& query) {
    return index(query.satellite) * sources_.node.size() + sources_.column[query.source];
  });
  std::vector<Nanoseconds> found(snapshots_ * queries.size());
  if (found.empty()) return found;
  std::lock_guard const lock(mutex_);
  use_device();
  DeviceBuffer<std::uint64_t> const device_place(place, stream_);
  DeviceBuffer<Nanoseconds> device_found(found.size(), stream_);
  bool const all_on_device =
      std::ranges::all_of(parts_, [](Part const& part) { return part.on_device.size() > 0; });
  if (!all_on_device) device_found.clear();  // what the host adds below is copied back, too
  for (Part const& part : parts_) {
    if (part.on_device.size() == 0) continue;
    auto const of_part =
        device_found.span().subspan(part.first * place.size(), part.snapshots * place.size());
    LaunchTimer const timer("gather_places", stream_,
                            device_place.bytes() + 2 * of_part.size() * sizeof(Nanoseconds));
    gather_places<<<blocks(of_part.size()), threads, 0, stream_>>>(part.on_device.data(), row_size(),
                                                                   device_place.span(), of_part);
    check_launch();
  }
  device_found.copy_to(found);
  stream_.synchronize();
  for (Part const& part : parts_) {
    for (std::size_t row = 0; row < part.on_host.size(); row += row_size()) {
      auto const to =
          found.begin() + static_cast<std::ptrdiff_t>((part.first + row / row_size()) * place.size());
      std::ranges::transform(place, to, [&](std::uint64_t at) { return part.on_host[row + at]; });
    }
  }
  return found;
}

std::vector<Nanoseconds> CudaPathTable::host_row(Part const& part, std::uint32_t snapshot,
                                                 std::uint32_t source) const {
  std::vector<Nanoseconds> found(nodes_);
  std::size_t at = (snapshot - part.first) * row_size() + sources_.column[source];
  for (Nanoseconds& latency : found) {
    latency = part.on_host[at];
    at += sources_.node.size();
  }
  return found;
}

std::vector<Nanoseconds> CudaPathTable::row(std::uint32_t snapshot, std::uint32_t source) const {
  Part const& part = part_of(snapshot);
  if (part.on_device.size() == 0) return host_row(part, snapshot, source);
  std::vector<Nanoseconds> found(nodes_);
  std::lock_guard const lock(mutex_);
  use_device();
  DeviceBuffer<Nanoseconds> const device_found(found.size(), stream_);
  Nanoseconds const* const first =
      part.on_device.data() + (snapshot - part.first) * row_size() + sources_.column[source];
  LaunchTimer const timer("gather_row", stream_, found.size() * 2 * sizeof(Nanoseconds));
  gather_row<<<blocks(nodes_), threads, 0, stream_>>>(first, sources_.node.size(), device_found.span());
  check_launch();
  device_found.copy_to(found);
  stream_.synchronize();
  return found;
}

std::vector<std::uint64_t> CudaPathTable::sums(LostPath lost) const {
  std::vector<std::uint64_t> sums(sources_.column.size() * nodes_);
  add_device_sums(lost, sums);
  for (Part const& part : parts_) {
    if (part.on_host.empty()) continue;
    for (std::uint32_t source = 0; source < sources_.column.size(); ++source) {
      for (std::uint32_t i = 0; i < part.snapshots; ++i) {
        add_row(host_row(part, part.first + i, source), lost, {sums.data() + source * nodes_, nodes_});
      }
    }
  }
  return sums;
}

/// Some columns at a time, as little may be free on the device.
void CudaPathTable::add_device_sums(LostPath lost, std::span<std::uint64_t> sums) const {
  std::lock_guard const lock(mutex_);
  use_device();
  std::size_t const columns = sources_.node.size();
  DeviceBuffer<Nanoseconds> const greatest = greatest_of_columns();
  for (std::size_t first = 0; first < columns; first += columns_at_once) {
    std::size_t const count = std::min(columns_at_once, columns - first);
    DeviceBuffer<std::uint64_t> sum_ns(count * nodes_, stream_);
    sum_ns.clear();
    for (Part const& part : parts_) {
      if (part.on_device.size() == 0) continue;
      dim3 const grid((nodes_ + tile - 1) / tile, static_cast<unsigned>(count / tile));
      LaunchTimer const timer("add_snapshots", stream_,
                              part.snapshots * count * nodes_ * sizeof(Nanoseconds) + 2 * sum_ns.bytes());
      add_snapshots<<<grid, dim3(tile, tile_rows), 0, stream_>>>(
          part.on_device.data() + first, part.snapshots, nodes_, columns,
          greatest.data() + part.first * columns + first, lost, sum_ns.data());
      check_launch();
    }
    std::vector<std::uint64_t> found(sum_ns.size());  // [column - first][node]
    sum_ns.copy_to(found);
    stream_.synchronize();
    for (std::size_t source = 0; source < sources_.column.size(); ++source) {
      std::size_t const column = sources_.column[source] - first;
      if (column < count) {
        std::ranges::copy(std::span(found).subspan(column * nodes_, nodes_),
                          sums.subspan(source * nodes_).begin());
      }
    }
  }
}

DeviceBuffer<Nanoseconds> CudaPathTable::greatest_of_columns() const {
  std::size_t const columns = sources_.node.size();
  DeviceBuffer<Nanoseconds> greatest(snapshots_ * columns, stream_);
  greatest.clear();
  for (Part const& part : parts_) {
    if (part.on_device.size() == 0) continue;
    dim3 const grid(part.snapshots, static_cast<unsigned>(columns / tile),
                    (nodes_ + tile_rows * nodes_per_thread - 1) / (tile_rows * nodes_per_thread));
    LaunchTimer const timer("note_greatest_of_columns", stream_, part.on_device.bytes());
    note_greatest_of_columns<<<grid, dim3(tile, tile_rows), 0, stream_>>>(
        part.on_device.data(), nodes_, columns, greatest.data() + part.first * columns);
    check_launch();
  }
  return greatest;
}

}  // namespace spacemoe
