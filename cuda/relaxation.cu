#include <string>

#include "cuda/check.hpp"
#include "cuda/kernel_times.hpp"
#include "cuda/path_methods.hpp"
#include "cuda/warp.cuh"
#include "kernels/relaxation.hpp"

namespace spacemoe {
namespace {

constexpr std::uint32_t warps_per_block = 8;
constexpr std::uint32_t nodes_per_warp = 4;  // of a chunk
constexpr std::uint32_t chunk = warps_per_block * nodes_per_warp;
static_assert(chunk == 32, "the flags of a chunk are the bits of a word");
constexpr std::uint32_t shared_bytes = 48 << 10;  // what every device grants a block

__host__ __device__ constexpr std::uint32_t chunks(std::uint32_t nodes) {
  return (nodes + chunk - 1) / chunk;
}

/// The rows of a block of sources in a snapshot, of which each thread knows one source. A node is stale when
/// a neighbour has gained since it was last relaxed; all threads of a warp work on one node.
class BlockOfRows {
 public:
  /// `stale` has a bit for every node, in words of the block's shared memory.
  __device__ BlockOfRows(PathBatch const& batch, std::uint32_t snapshot, std::uint32_t source,
                         std::uint32_t* stale)
      : batch_(batch),
        source_(batch.source[source]),
        neighbors_(batch.neighbors(snapshot)),
        links_(batch.links(snapshot)),
        row_(batch.row(snapshot, source)),
        stride_(batch.source.size()),
        stale_(stale) {}

  __device__ void start() {
    for (std::uint32_t i = thread(); i < chunks(batch_.nodes); i += lanes * warps_per_block) stale_[i] = 0;
    for (std::uint32_t node = threadIdx.y; node < batch_.nodes; node += warps_per_block) {
      row_[node * stride_] = node == source_ ? 0 : unreachable;
    }
    __syncthreads();
    if (threadIdx.y == 0) mark_all_neighbors(source_);
    __syncthreads();
  }

  /// Relaxes the stale nodes chunk by chunk, upwards or downwards.
  __device__ void sweep(bool upwards) {
    std::uint32_t const count = chunks(batch_.nodes);
    for (std::uint32_t i = 0; i < count; ++i) relax_chunk(upwards ? i : count - 1 - i);
  }

  /// Whether any node is stale; all threads call together.
  __device__ bool is_stale() const {
    bool any = false;
    for (std::uint32_t i = thread(); i < chunks(batch_.nodes); i += lanes * warps_per_block) {
      any |= stale_[i] != 0;
    }
    return __syncthreads_or(any);
  }

  /// The greatest latency this thread has written.
  __device__ Nanoseconds greatest() const { return greatest_; }

 private:
  __device__ static std::uint32_t thread() { return threadIdx.y * lanes + threadIdx.x; }

  /// All threads read before any writes, so nothing depends on their order.
  __device__ void relax_chunk(std::uint32_t number) {
    std::uint32_t const stale = stale_[number];
    if (stale == 0) return;  // for all threads alike
    __syncthreads();
    if (thread() == 0) stale_[number] = 0;
    Nanoseconds before[nodes_per_warp]{};
    Nanoseconds after[nodes_per_warp]{};
#pragma unroll
    for (std::uint32_t i = 0; i < nodes_per_warp; ++i) {
      std::uint32_t const bit = threadIdx.y + i * warps_per_block;
      if ((stale >> bit & 1) == 0) continue;
      std::uint32_t const node = number * chunk + bit;
      before[i] = row_[node * stride_];
      after[i] = relaxed(node, before[i]);
    }
    __syncthreads();
#pragma unroll
    for (std::uint32_t i = 0; i < nodes_per_warp; ++i) {
      std::uint32_t const node = number * chunk + threadIdx.y + i * warps_per_block;
      if (after[i] != before[i]) {
        row_[node * stride_] = after[i];
        greatest_ = max(greatest_, after[i]);
      }
      if (__any_sync(whole_warp, after[i] != before[i])) mark_neighbors(node);
    }
    __syncthreads();
  }

  __device__ Nanoseconds relaxed(std::uint32_t node, Nanoseconds best) const {
    std::size_t const ports = std::size_t{node} * batch_.degree;
    return relax_node(best, neighbors_.subspan(ports, batch_.degree), links_.subspan(ports, batch_.degree),
                      row_, stride_);
  }

  __device__ void mark(std::uint32_t node) {
    atomicOr(&stale_[node / chunk], 1u << node % chunk);
  }

  /// Marks the neighbours of a node that a warp has in common, one lane for each.
  __device__ void mark_neighbors(std::uint32_t node) {
    std::size_t const first = std::size_t{node} * batch_.degree;
    for (std::uint32_t port = threadIdx.x; port < batch_.degree; port += lanes) {
      if (links_[first + port] != unreachable) mark(neighbors_[first + port]);
    }
  }

  /// Marks the neighbours of each lane's node.
  __device__ void mark_all_neighbors(std::uint32_t node) {
    std::size_t const first = std::size_t{node} * batch_.degree;
    for (std::uint32_t port = 0; port < batch_.degree; ++port) {
      if (links_[first + port] != unreachable) mark(neighbors_[first + port]);
    }
  }

  PathBatch const& batch_;
  std::uint32_t source_;
  Span<std::uint32_t const> neighbors_;
  Span<Nanoseconds const> links_;
  Nanoseconds* row_;
  std::size_t stride_;
  std::uint32_t* stale_;
  Nanoseconds greatest_ = 0;
};

/// One block per block of sources and snapshot: sweeps to and fro until no node is stale.
__global__ void __launch_bounds__(lanes* warps_per_block) relaxation(PathBatch batch, Greatest* greatest) {
  extern __shared__ std::uint32_t stale[];
  std::uint32_t const snapshot = blockIdx.x / batch.source_blocks();
  std::uint32_t const source = blockIdx.x % batch.source_blocks() * lanes + threadIdx.x;
  BlockOfRows rows(batch, snapshot, source, stale);
  rows.start();
  for (bool upwards = true; rows.is_stale(); upwards = !upwards) rows.sweep(upwards);
  note_greatest(&greatest->row_ns, rows.greatest());
}

}  // namespace

void launch_relaxation(PathBatch const& batch, Greatest* greatest, cudaStream_t stream) {
  std::uint32_t const flag_bytes = chunks(batch.nodes) * sizeof(std::uint32_t);
  if (flag_bytes > shared_bytes) {
    throw BackendError("cuda: the graph has " + std::to_string(batch.nodes) + " nodes, more than " +
                       std::to_string(shared_bytes * 8));
  }
  std::uint64_t const least_bytes = batch.row_ns.size() * sizeof(Nanoseconds) + batch.graph_bytes();
  LaunchTimer const timer("relaxation", stream, least_bytes);
  relaxation<<<batch.tasks(), dim3(lanes, warps_per_block), flag_bytes, stream>>>(batch, greatest);
  check_launch();
}

}  // namespace spacemoe
