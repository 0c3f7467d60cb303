#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "cuda/path_latencies.hpp"
#include "cuda/path_methods.hpp"
#include "cuda/path_table.hpp"
#include "cuda/ring_sweep.hpp"
#include "cuda/warp.cuh"
#include "host/errors.hpp"

namespace spacemoe {
namespace {

constexpr unsigned threads = 256;
/// Nodes linked to more than one in so many: Floyd-Warshall then takes less than relaxing every link a few
/// times.
constexpr std::uint32_t dense_share = 8;
constexpr std::size_t most_snapshots = 65535;  // at once: the third dimension of a grid
constexpr unsigned long long nowhere = std::numeric_limits<unsigned long long>::max();

unsigned blocks(std::size_t count) {
  return static_cast<unsigned>((count + threads - 1) / threads);
}

/// Turns [snapshot][port][node] into [snapshot][node][port]: kernels read the ports of a node together.
__global__ void __launch_bounds__(threads)
    interleave_ports(std::uint32_t nodes, std::uint32_t degree, Span<Nanoseconds const> by_port,
                     Span<Nanoseconds> by_node, Greatest* greatest) {
  std::size_t const ports = std::size_t{nodes} * degree;
  std::size_t const i = std::size_t{blockIdx.x} * threads + threadIdx.x;
  Nanoseconds finite = 0;
  if (i < by_node.size()) {
    std::size_t const snapshot = i / ports;
    std::size_t const node = i % ports / degree;
    Nanoseconds const latency = by_port[snapshot * ports + i % degree * nodes + node];
    by_node[i] = latency;
    finite = latency == unreachable ? 0 : latency;
  }
  note_greatest(&greatest->link_ns, finite);
}

/// After the fixpoint an unreachable node with a finite live neighbour is one whose latency does not fit:
/// notes down the least such entry (port * nodes + node).
__global__ void __launch_bounds__(threads) find_saturated(PathBatch batch, unsigned long long* entry) {
  std::size_t const ports = std::size_t{batch.nodes} * batch.degree;
  std::size_t const i = std::size_t{blockIdx.x} * threads + threadIdx.x;
  if (i >= ports * lanes * batch.tasks()) return;
  auto const source = static_cast<std::uint32_t>(i % batch.source.size());
  auto const snapshot = static_cast<std::uint32_t>(i / batch.source.size() / ports);
  std::size_t const port = i / batch.source.size() % ports;
  Nanoseconds const* const row = batch.row(snapshot, source);
  std::size_t const node = port / batch.degree;
  if (batch.links(snapshot)[port] == unreachable || row[node * batch.source.size()] != unreachable) return;
  if (row[batch.neighbor[port] * batch.source.size()] == unreachable) return;
  atomicMin(entry, port % batch.degree * batch.nodes + node);
}

bool has_every_node(SortedSources const& sources, std::uint32_t nodes) {
  if (sources.column.size() != nodes) return false;
  for (std::uint32_t node = 0; node < nodes; ++node) {
    if (sources.node[node] != node) return false;
  }
  return true;
}

/// What all snapshots of a network have in common, on the device.
class PathFinder {
 public:
  PathFinder(Wiring const& wiring, SortedSources const& sources, cudaStream_t stream)
      : wiring_(wiring),
        neighbor_(by_node(wiring), stream),
        source_(sources.node, stream),
        greatest_(1),
        is_dense_(has_every_node(sources, wiring.nodes) && wiring.degree >= wiring.nodes / dense_share),
        stream_(stream) {
    if (!std::ranges::all_of(wiring.grids, RingSweep::fits)) return;
    for (RingGrid const& grid : wiring.grids) ring_sweeps_.emplace_back(grid, sources.node, stream);
  }

  /// Bytes of device memory for one snapshot.
  std::size_t snapshot_bytes() const {
    std::size_t bytes = (std::size_t{wiring_.nodes} * source_.size() + 2 * ports()) * sizeof(Nanoseconds);
    for (RingSweep const& sweep : ring_sweeps_) bytes += sweep.snapshot_bytes();
    return bytes;
  }

  /// Rows [snapshot][node][source] of snapshots [first, first + count). Throws DeviceOutOfMemory where they
  /// do not fit.
  DeviceBuffer<Nanoseconds> rows(SnapshotBatch const& snapshots, std::uint32_t first, std::uint32_t count) {
    auto const link_ns = std::span(snapshots.latency_ns).subspan(first * ports(), count * ports());
    greatest_.clear(stream_);
    DeviceBuffer<Nanoseconds> row_ns(std::size_t{count} * wiring_.nodes * source_.size());
    DeviceBuffer<Nanoseconds> const links = interleaved(link_ns);
    PathBatch const batch{wiring_.nodes,    wiring_.degree, count,        source_.span(),
                          neighbor_.span(), links.span(),   row_ns.span()};
    for (RingSweep& sweep : ring_sweeps_) sweep.launch(batch, greatest_.data(), stream_);
    if (ring_sweeps_.empty()) {
      auto* const launch = is_dense_ ? launch_floyd_warshall : launch_relaxation;
      launch(batch, greatest_.data(), stream_);
    }
    refuse_saturation(batch);
    return row_ns;
  }

 private:
  std::size_t ports() const { return std::size_t{wiring_.nodes} * wiring_.degree; }

  static std::vector<std::uint32_t> by_node(Wiring const& wiring) {
    std::vector<std::uint32_t> neighbor;
    neighbor.reserve(wiring.neighbor.size());
    for (std::size_t node = 0; node < wiring.nodes; ++node) {
      for (std::size_t port = 0; port < wiring.degree; ++port) {
        neighbor.push_back(wiring.neighbor[port * wiring.nodes + node]);
      }
    }
    return neighbor;
  }

  DeviceBuffer<Nanoseconds> interleaved(std::span<Nanoseconds const> link_ns) const {
    DeviceBuffer<Nanoseconds> const by_port(link_ns, stream_);
    DeviceBuffer<Nanoseconds> by_node(link_ns.size());
    if (link_ns.empty()) return by_node;
    interleave_ports<<<blocks(link_ns.size()), threads, 0, stream_>>>(
        wiring_.nodes, wiring_.degree, by_port.span(), by_node.span(), greatest_.data());
    check_launch();
    check(cudaStreamSynchronize(stream_));  // before by_port goes
    return by_node;
  }

  void refuse_saturation(PathBatch const& batch) const {
    Greatest greatest{};
    greatest_.copy_to({&greatest, 1}, stream_);
    check(cudaStreamSynchronize(stream_));
    if (greatest.row_ns + greatest.link_ns < unreachable) return;
    DeviceBuffer<unsigned long long> const found(std::span(&nowhere, 1), stream_);
    find_saturated<<<blocks(ports() * lanes * batch.tasks()), threads, 0, stream_>>>(batch, found.data());
    check_launch();
    unsigned long long entry = 0;
    found.copy_to({&entry, 1}, stream_);
    check(cudaStreamSynchronize(stream_));
    if (entry == nowhere) return;
    throw SaturationError("the path latency to satellite " + std::to_string(entry % wiring_.nodes) +
                          " reaches 2^31 ns (2.1 s), more than a path may take");
  }

  Wiring const& wiring_;
  DeviceBuffer<std::uint32_t> neighbor_;
  DeviceBuffer<std::uint32_t> source_;
  DeviceBuffer<Greatest> greatest_;
  bool is_dense_;                       ///< all pairs are asked for, in a graph of many links
  std::vector<RingSweep> ring_sweeps_;  ///< [shell]; empty for other graphs
  cudaStream_t stream_;
};

/// Snapshots that the device's free memory holds at once, at least 1.
std::uint32_t snapshots_that_fit(std::size_t snapshot_bytes, std::uint32_t most) {
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total));
  free -= free / 16;  // for look-ups, and for what the allocator rounds up
  std::size_t const fit = std::min(free / snapshot_bytes, most_snapshots);
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(fit, 1, std::max(most, 1u)));
}

}  // namespace

std::unique_ptr<PathTable> cuda_path_latencies(SnapshotBatch const& batch,
                                               std::span<SatelliteId const> sources) {
  int device = 0;
  check(cudaGetDevice(&device));
  SortedSources const sorted(sources);
  auto table = std::make_unique<CudaPathTable>(device, batch.wiring->nodes, sorted);
  if (sources.empty()) return table;
  PathFinder finder(*batch.wiring, sorted, cudaStreamPerThread);
  std::uint32_t step = snapshots_that_fit(finder.snapshot_bytes(), batch.snapshots);
  for (std::uint32_t first = 0; first < batch.snapshots;) {
    std::uint32_t const count = std::min(step, batch.snapshots - first);
    try {
      table->add(finder.rows(batch, first, count));
      first += count;
    } catch (DeviceOutOfMemory const&) {
      if (table->move_to_host()) continue;
      if (count == 1) throw;
      step = count / 2;
    }
  }
  return table;
}

}  // namespace spacemoe
