#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "cuda/kernel_times.hpp"
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

/// neighbor [snapshot][node][port] = what all snapshots share [node][port], but at the last port crossing
/// [snapshot][node].
__global__ void __launch_bounds__(threads)
    join_crossing(std::uint32_t nodes, std::uint32_t degree, Span<std::uint32_t const> shared,
                  Span<std::uint32_t const> crossing, Span<std::uint32_t> neighbor) {
  std::size_t const i = std::size_t{blockIdx.x} * threads + threadIdx.x;
  if (i >= neighbor.size()) return;
  std::size_t const ports = std::size_t{nodes} * degree;
  neighbor[i] = i % degree + 1 == degree ? crossing[i / degree] : shared[i % ports];
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
  if (row[batch.neighbors(snapshot)[port] * batch.source.size()] == unreachable) return;
  atomicMin(entry, port % batch.degree * batch.nodes + node);
}

bool has_every_node(SortedSources const& sources, std::uint32_t nodes) {
  if (sources.column.size() != nodes) return false;
  for (std::uint32_t node = 0; node < nodes; ++node) {
    if (sources.node[node] != node) return false;
  }
  return true;
}

/// Snapshots [first, first + count) of a batch whose rows are not here yet.
struct PathsInFlight {
  PathBatch batch;
  DeviceBuffer<Nanoseconds> row_ns;
  DeviceBuffer<Nanoseconds> link_ns;
  DeviceBuffer<std::uint32_t> neighbor;        ///< with links between shells
  DeviceBuffer<unsigned long long> saturated;  ///< room for the entry that find_saturated notes down
  Greatest const* greatest;                    ///< in pinned memory
  DeviceStream stream;
};

/// What all snapshots of a network have in common, on the device.
class PathFinder {
 public:
  PathFinder(Wiring const& wiring, SortedSources const& sources, Channels& channels)
      : wiring_(wiring),
        channels_(channels),
        neighbor_(by_node(wiring), channels[0].stream),
        source_(sources.node, channels[0].stream),
        is_dense_(has_every_node(sources, wiring.nodes) && wiring.degree >= wiring.nodes / dense_share) {
    if (!wiring.has_crossing_port && std::ranges::all_of(wiring.grids, RingSweep::fits)) {
      for (RingGrid const& grid : wiring.grids) {
        ring_sweeps_.emplace_back(grid, sources.node, channels[0].stream);
      }
    }
    channels[0].stream.synchronize();  // both channels read these
  }

  /// Snapshots of a batch, of so many: what is free on the device holds them.
  std::uint32_t batch_size(std::uint32_t snapshots) const {
    std::size_t free = channels_[0].stream.memory().free_bytes();
    free -= free / 16;  // for look-ups, and for what the pool rounds up
    std::size_t const link_bytes = std::max<std::size_t>(ports() * sizeof(Nanoseconds), 1);
    std::size_t const overlapping = batch_bytes(snapshots * link_bytes) / link_bytes;
    std::size_t const fit = std::min({free / snapshot_bytes(), overlapping, most_snapshots});
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(fit, 1, std::max(snapshots, 1u)));
  }

  /// Begins snapshots [first, first + count) on channel number `turn`. Throws DeviceOutOfMemory where they do
  /// not fit.
  PathsInFlight begin(SnapshotBatch const& snapshots, std::uint32_t first, std::uint32_t count,
                      std::size_t turn) {
    Channel& channel = channels_[turn];
    DeviceStream const& stream = channel.stream;
    DeviceBuffer<Nanoseconds> row_ns(std::size_t{count} * wiring_.nodes * source_.size(), stream);
    DeviceBuffer<Nanoseconds> link_ns(count * ports(), stream);
    DeviceBuffer<Nanoseconds> by_port(link_ns.size(), stream);
    DeviceBuffer<Greatest> greatest(1, stream);
    DeviceBuffer<unsigned long long> saturated(1, stream);
    greatest.clear();
    auto* const found = reinterpret_cast<Greatest*>(channel.pinned.room(sizeof(Greatest) + link_ns.bytes()));
    std::span const pinned(reinterpret_cast<Nanoseconds*>(found + 1), link_ns.size());
    std::ranges::copy(std::span(snapshots.latency_ns).subspan(first * ports(), link_ns.size()),
                      pinned.begin());
    by_port.copy_from(pinned);
    interleave(by_port, link_ns, greatest.data(), stream);
    DeviceBuffer<std::uint32_t> neighbor = neighbors_of(snapshots, first, count, stream);

    PathBatch const batch{wiring_.nodes,
                          wiring_.degree,
                          count,
                          source_.span(),
                          wiring_.has_crossing_port ? neighbor.span() : neighbor_.span(),
                          link_ns.span(),
                          row_ns.span()};
    for (RingSweep const& sweep : ring_sweeps_) sweep.launch(batch, greatest.data(), stream);
    if (ring_sweeps_.empty()) {
      auto* const launch = is_dense_ ? launch_floyd_warshall : launch_relaxation;
      launch(batch, greatest.data(), stream);
    }
    greatest.copy_to({found, 1});
    return {batch, std::move(row_ns), std::move(link_ns), std::move(neighbor), std::move(saturated), found,
            stream};
  }

  /// Throws SaturationError when a latency of a batch that is done has saturated.
  void refuse_saturation(PathsInFlight& paths) const {
    if (paths.greatest->row_ns + paths.greatest->link_ns < unreachable) return;
    paths.saturated.copy_from({&nowhere, 1});
    LaunchTimer const timer("find_saturated", paths.stream);
    find_saturated<<<blocks(ports() * lanes * paths.batch.tasks()), threads, 0, paths.stream>>>(
        paths.batch, paths.saturated.data());
    check(cudaGetLastError());
    unsigned long long entry = 0;
    paths.saturated.copy_to({&entry, 1});
    paths.stream.synchronize();
    if (entry == nowhere) return;
    throw SaturationError("the path latency to satellite " + std::to_string(entry % wiring_.nodes) +
                          " reaches 2^31 ns (2.1 s), more than a path may take");
  }

 private:
  std::size_t ports() const { return std::size_t{wiring_.nodes} * wiring_.degree; }

  /// Bytes of device memory for one snapshot.
  std::size_t snapshot_bytes() const {
    std::size_t bytes = (std::size_t{wiring_.nodes} * source_.size() + 2 * ports()) * sizeof(Nanoseconds);
    if (wiring_.has_crossing_port) bytes += (ports() + wiring_.nodes) * sizeof(std::uint32_t);
    for (RingSweep const& sweep : ring_sweeps_) bytes += sweep.snapshot_bytes();
    return bytes;
  }

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

  /// Neighbours of each snapshot; nothing where all share them.
  DeviceBuffer<std::uint32_t> neighbors_of(SnapshotBatch const& snapshots, std::uint32_t first,
                                           std::uint32_t count, DeviceStream const& stream) const {
    if (!wiring_.has_crossing_port) return {};
    std::size_t const nodes = wiring_.nodes;
    DeviceBuffer<std::uint32_t> const crossing(
        std::span(snapshots.crossing).subspan(first * nodes, count * nodes), stream);
    DeviceBuffer<std::uint32_t> neighbor(count * ports(), stream);
    LaunchTimer const timer("join_crossing", stream, neighbor.bytes() + crossing.bytes());
    join_crossing<<<blocks(neighbor.size()), threads, 0, stream>>>(
        wiring_.nodes, wiring_.degree, neighbor_.span(), crossing.span(), neighbor.span());
    check_launch();
    return neighbor;
  }

  void interleave(DeviceBuffer<Nanoseconds> const& by_port, DeviceBuffer<Nanoseconds> const& by_node,
                  Greatest* greatest, DeviceStream const& stream) const {
    if (by_node.size() == 0) return;
    LaunchTimer const timer("interleave_ports", stream, 2 * by_node.bytes());
    interleave_ports<<<blocks(by_node.size()), threads, 0, stream>>>(
        wiring_.nodes, wiring_.degree, by_port.span(), by_node.span(), greatest);
    check_launch();
  }

  Wiring const& wiring_;
  Channels& channels_;
  DeviceBuffer<std::uint32_t> neighbor_;
  DeviceBuffer<std::uint32_t> source_;
  bool is_dense_;
  std::vector<RingSweep> ring_sweeps_;  ///< one per shell, or none: other methods then find the rows
};

}  // namespace

std::unique_ptr<CudaPathTable> cuda_path_latencies(SnapshotBatch const& batch,
                                                   std::span<SatelliteId const> sources, Channels& channels) {
  SortedSources const sorted(sources);
  auto table = std::make_unique<CudaPathTable>(channels[0].stream, batch.wiring->nodes, sorted);
  if (sources.empty()) return table;
  PathFinder finder(*batch.wiring, sorted, channels);
  InFlight<PathsInFlight> in_flight(channels, [&](PathsInFlight&& paths) {
    finder.refuse_saturation(paths);
    table->add(std::move(paths.row_ns));
  });
  std::uint32_t step = finder.batch_size(batch.snapshots);
  for (std::uint32_t first = 0; first < batch.snapshots;) {
    std::uint32_t const count = std::min(step, batch.snapshots - first);
    try {
      in_flight.add([&](std::size_t turn) { return finder.begin(batch, first, count, turn); });
      first += count;
    } catch (DeviceOutOfMemory const&) {
      bool const gained = in_flight.finish_all();
      if (table->move_to_host() || gained) continue;
      if (count == 1) throw;
      step = count / 2;
    }
  }
  in_flight.finish_all();
  return table;
}

cudaError_t kernel_code_status() {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, interleave_ports);
}

}  // namespace spacemoe
