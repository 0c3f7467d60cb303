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

__global__ void __launch_bounds__(threads)
    gather_places(Nanoseconds const* row_ns, Span<std::uint64_t const> place, Nanoseconds* found) {
  std::size_t const i = std::size_t{blockIdx.x} * threads + threadIdx.x;
  if (i < place.size()) found[i] = row_ns[place[i]];
}

__global__ void __launch_bounds__(threads)
    gather_row(Nanoseconds const* first_ns, std::size_t stride, Span<Nanoseconds> found) {
  std::size_t const node = std::size_t{blockIdx.x} * threads + threadIdx.x;
  if (node < found.size()) found[node] = first_ns[node * stride];
}

constexpr unsigned tile = 32;
constexpr unsigned tile_rows = 8;

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

unsigned blocks(std::size_t count) {
  return static_cast<unsigned>((count + threads - 1) / threads);
}

template <class T>
void reserve(DeviceBuffer<T>& buffer, std::size_t size, DeviceStream const& stream) {
  if (buffer.size() >= size) return;
  buffer = {};  // give back before asking for more
  buffer = DeviceBuffer<T>(size, stream);
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

/// [node][column], on the device unless it is null there.
struct CudaPathTable::Rows {
  Nanoseconds const* on_device;
  Nanoseconds const* on_host;
};

CudaPathTable::CudaPathTable(DeviceStream stream, std::uint32_t nodes, SortedSources sources)
    : stream_(std::move(stream)), nodes_(nodes), sources_(std::move(sources)) {}

/// The current device belongs to the thread, and any may look up.
void CudaPathTable::use_device() const {
  check(cudaSetDevice(stream_.memory().device()));
}

void CudaPathTable::add(DeviceBuffer<Nanoseconds> row_ns) {
  std::uint32_t const first = snapshots_;
  snapshots_ += static_cast<std::uint32_t>(row_ns.size() / row_size());
  parts_.push_back({first, std::move(row_ns), {}});
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

CudaPathTable::Rows CudaPathTable::rows(std::uint32_t snapshot) const {
  auto const after =
      std::ranges::upper_bound(parts_, snapshot, {}, [](Part const& part) { return part.first; });
  Part const& part = *std::prev(after);
  std::size_t const offset = (snapshot - part.first) * row_size();
  if (part.on_device.size() > 0) return {part.on_device.data() + offset, nullptr};
  return {nullptr, part.on_host.data() + offset};
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
    auto const snapshots = static_cast<std::uint32_t>(rows.size() / row_size());
    if (snapshots == 0) continue;
    dim3 const grid(nodes_, static_cast<unsigned>(source.size() / tile), (snapshots + tile - 1) / tile);
    LaunchTimer const timer("turn_rows", stream_, 2 * rows.bytes());
    turn_rows<<<grid, dim3(tile, tile_rows), 0, stream_>>>(rows.data(), snapshots, nodes_,
                                                           device_source.span(), slot_stride,
                                                           by_slot.data() + first_slot + part.first);
    check_launch();
  }
  stream_.synchronize();
}

std::vector<Nanoseconds> CudaPathTable::gather(std::uint32_t snapshot,
                                               std::span<PathQuery const> queries) const {
  std::vector<std::uint64_t> place(queries.size());
  std::ranges::transform(queries, place.begin(), [&](PathQuery const& query) {
    return index(query.satellite) * sources_.node.size() + sources_.column[query.source];
  });
  std::vector<Nanoseconds> found(queries.size());
  if (found.empty()) return found;
  Rows const all = rows(snapshot);
  if (all.on_device == nullptr) {
    std::ranges::transform(place, found.begin(), [&](std::uint64_t at) { return all.on_host[at]; });
    return found;
  }
  std::lock_guard const lock(mutex_);
  use_device();
  reserve(place_, place.size(), stream_);
  reserve(found_, found.size(), stream_);
  place_.copy_from(place);
  LaunchTimer const timer("gather_places", stream_, found.size() * (8 + 2 * sizeof(Nanoseconds)));
  gather_places<<<blocks(found.size()), threads, 0, stream_>>>(all.on_device, {place_.data(), place.size()},
                                                               found_.data());
  check_launch();
  found_.copy_to(found);
  stream_.synchronize();
  return found;
}

std::vector<Nanoseconds> CudaPathTable::row(std::uint32_t snapshot, std::uint32_t source) const {
  Rows const all = rows(snapshot);
  std::size_t const columns = sources_.node.size();
  std::size_t const column = sources_.column[source];
  std::vector<Nanoseconds> found(nodes_);
  if (all.on_device == nullptr) {
    for (std::size_t node = 0; node < nodes_; ++node) found[node] = all.on_host[node * columns + column];
    return found;
  }
  std::lock_guard const lock(mutex_);
  use_device();
  reserve(found_, nodes_, stream_);
  LaunchTimer const timer("gather_row", stream_, found.size() * 2 * sizeof(Nanoseconds));
  gather_row<<<blocks(nodes_), threads, 0, stream_>>>(all.on_device + column, columns,
                                                      {found_.data(), nodes_});
  check_launch();
  found_.copy_to(found);
  stream_.synchronize();
  return found;
}

}  // namespace spacemoe
