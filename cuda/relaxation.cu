#include "cuda/check.hpp"
#include "cuda/path_methods.hpp"
#include "cuda/warp.cuh"
#include "kernels/relaxation.hpp"

namespace spacemoe {
namespace {

constexpr std::uint32_t warps_per_block = 8;
constexpr std::uint32_t nodes_per_warp = 4;  // at once: their loads overlap
constexpr std::uint32_t nodes_at_once = warps_per_block * nodes_per_warp;

/// The rows of a block of sources in a snapshot, of which each thread knows one source.
class BlockOfRows {
 public:
  __device__ BlockOfRows(PathBatch const& batch, std::uint32_t snapshot, std::uint32_t source)
      : batch_(batch),
        source_(batch.source[source]),
        links_(batch.links(snapshot)),
        row_(batch.row(snapshot, source)),
        stride_(batch.source.size()) {}

  __device__ void start() {
    for (std::uint32_t node = threadIdx.y; node < batch_.nodes; node += warps_per_block) {
      row_[node * stride_] = node == source_ ? 0 : unreachable;
    }
  }

  /// Relaxes the nodes of chunk after chunk, upwards or downwards; returns whether this thread gained.
  __device__ bool sweep(bool upwards) {
    bool gained = false;
    std::uint32_t const chunks = (batch_.nodes + nodes_at_once - 1) / nodes_at_once;
    for (std::uint32_t i = 0; i < chunks; ++i) {
      gained |= relax_chunk((upwards ? i : chunks - 1 - i) * nodes_at_once);
    }
    return gained;
  }

  /// The greatest latency this thread has written.
  __device__ Nanoseconds greatest() const { return greatest_; }

 private:
  /// Relaxes nodes [first, first + nodes_at_once): all threads read before any writes.
  __device__ bool relax_chunk(std::uint32_t first) {
    Nanoseconds before[nodes_per_warp]{};
    Nanoseconds after[nodes_per_warp]{};
#pragma unroll
    for (std::uint32_t i = 0; i < nodes_per_warp; ++i) {
      std::uint32_t const node = first + threadIdx.y + i * warps_per_block;
      if (node >= batch_.nodes) continue;
      before[i] = row_[node * stride_];
      after[i] = relaxed(node, before[i]);
    }
    __syncthreads();
    bool gained = false;
#pragma unroll
    for (std::uint32_t i = 0; i < nodes_per_warp; ++i) {
      if (after[i] == before[i]) continue;
      row_[(first + threadIdx.y + i * warps_per_block) * stride_] = after[i];
      greatest_ = max(greatest_, after[i]);
      gained = true;
    }
    __syncthreads();
    return gained;
  }

  __device__ Nanoseconds relaxed(std::uint32_t node, Nanoseconds best) const {
    std::size_t const ports = std::size_t{node} * batch_.degree;
    return relax_node(best, batch_.neighbor.subspan(ports, batch_.degree),
                      links_.subspan(ports, batch_.degree), row_, stride_);
  }

  PathBatch const& batch_;
  std::uint32_t source_;
  Span<Nanoseconds const> links_;
  Nanoseconds* row_;
  std::size_t stride_;
  Nanoseconds greatest_ = 0;
};

/// One block per block of sources and snapshot: sweeps to and fro until no thread gains.
__global__ void __launch_bounds__(lanes* warps_per_block) relaxation(PathBatch batch, Greatest* greatest) {
  std::uint32_t const snapshot = blockIdx.x / batch.source_blocks();
  std::uint32_t const source = blockIdx.x % batch.source_blocks() * lanes + threadIdx.x;
  BlockOfRows rows(batch, snapshot, source);
  rows.start();
  __syncthreads();
  for (bool upwards = true; __syncthreads_or(rows.sweep(upwards)); upwards = !upwards) {
  }
  note_greatest(&greatest->row_ns, rows.greatest());
}

}  // namespace

void launch_relaxation(PathBatch const& batch, Greatest* greatest, cudaStream_t stream) {
  relaxation<<<batch.tasks(), dim3(lanes, warps_per_block), 0, stream>>>(batch, greatest);
  check_launch();
}

}  // namespace spacemoe
