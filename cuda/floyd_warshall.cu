#include "cuda/check.hpp"
#include "cuda/kernel_times.hpp"
#include "cuda/path_methods.hpp"
#include "cuda/warp.cuh"
#include "kernels/latency.hpp"

// Blocked Floyd-Warshall: rows are cut into tiles, and stage k lets all paths lead through the nodes of tile
// k. First those within the tile on the diagonal, then the tiles in its row and column, then all others.

namespace spacemoe {
namespace {

constexpr std::uint32_t tile_size = lanes;
constexpr std::uint32_t warps_per_block = 8;
constexpr std::uint32_t rows_per_thread = tile_size / warps_per_block;

/// Latencies in shared memory: [node][source].
using Tile = Nanoseconds[tile_size][tile_size];

std::uint32_t tiles(std::uint32_t nodes) {
  return (nodes + tile_size - 1) / tile_size;
}

/// Where a thread finds its part of a tile: one source, and nodes warps_per_block apart.
class TileOfRows {
 public:
  __device__ TileOfRows(PathBatch const& batch, std::uint32_t node_tile, std::uint32_t source_tile)
      : batch_(batch),
        node_(node_tile * tile_size + threadIdx.y),
        row_(batch.row(blockIdx.z, source_tile * tile_size + threadIdx.x)) {}

  __device__ Nanoseconds load(std::uint32_t i) const { return is_node(i) ? at(i) : unreachable; }
  __device__ void store(std::uint32_t i, Nanoseconds latency) const {
    if (is_node(i)) at(i) = latency;
  }
  __device__ void load(Tile& tile) const {
#pragma unroll
    for (std::uint32_t i = 0; i < rows_per_thread; ++i) {
      tile[threadIdx.y + i * warps_per_block][threadIdx.x] = load(i);
    }
  }

 private:
  __device__ bool is_node(std::uint32_t i) const {
    return node_ + i * warps_per_block < batch_.nodes;
  }
  __device__ Nanoseconds& at(std::uint32_t i) const {
    return row_[(node_ + i * warps_per_block) * batch_.source.size()];
  }

  PathBatch const& batch_;
  std::uint32_t node_;
  Nanoseconds* row_;
};

/// Latencies of direct links. A thread for every source and node.
__global__ void __launch_bounds__(tile_size* warps_per_block) direct_links(PathBatch batch) {
  std::uint32_t const node = blockIdx.y * warps_per_block + threadIdx.y;
  if (node >= batch.nodes) return;
  std::uint32_t const number = blockIdx.x * lanes + threadIdx.x;
  std::size_t const ports = std::size_t{node} * batch.degree;
  auto const neighbors = batch.neighbors(blockIdx.z);
  auto const links = batch.links(blockIdx.z);
  Nanoseconds best = node == batch.source[number] ? 0 : unreachable;
  for (std::size_t port = ports; port < ports + batch.degree; ++port) {
    if (neighbors[port] == batch.source[number]) best = min(best, links[port]);
  }
  batch.row(blockIdx.z, number)[node * batch.source.size()] = best;
}

/// Lets the paths within tile `stage` of the diagonal lead through its nodes.
__global__ void __launch_bounds__(tile_size* warps_per_block)
    close_diagonal(PathBatch batch, std::uint32_t stage) {
  __shared__ Tile tile;
  TileOfRows const rows(batch, stage, stage);
  rows.load(tile);
  for (std::uint32_t via = 0; via < tile_size; ++via) {
    __syncthreads();
    // A path to or from `via` gains nothing by `via`, so what is read here does not change meanwhile.
    Nanoseconds const to_via = tile[via][threadIdx.x];
#pragma unroll
    for (std::uint32_t i = 0; i < rows_per_thread; ++i) {
      std::uint32_t const node = threadIdx.y + i * warps_per_block;
      Nanoseconds const better = relax(tile[node][threadIdx.x], to_via, tile[node][via]);
      if (node != via && threadIdx.x != via) tile[node][threadIdx.x] = better;
    }
  }
#pragma unroll
  for (std::uint32_t i = 0; i < rows_per_thread; ++i) {
    rows.store(i, tile[threadIdx.y + i * warps_per_block][threadIdx.x]);
  }
}

/// Takes the best of `best` and the ways from the sources of `to_via` by the nodes it shares with `from_via`.
__device__ void relax_tile(Nanoseconds (&best)[rows_per_thread], Tile const& to_via, Tile const& from_via) {
#pragma unroll 8
  for (std::uint32_t via = 0; via < tile_size; ++via) {
    Nanoseconds const first = to_via[via][threadIdx.x];
#pragma unroll
    for (std::uint32_t i = 0; i < rows_per_thread; ++i) {
      best[i] = relax(best[i], first, from_via[threadIdx.y + i * warps_per_block][via]);
    }
  }
}

/// The tiles in the row and in the column of tile `stage` of the diagonal: block.y tells which.
__global__ void __launch_bounds__(tile_size* warps_per_block)
    close_cross(PathBatch batch, std::uint32_t stage) {
  __shared__ Tile diagonal;
  __shared__ Tile own;
  if (blockIdx.x == stage) return;
  bool const in_row = blockIdx.y == 0;  // the nodes of the stage, from other sources
  TileOfRows(batch, stage, stage).load(diagonal);
  TileOfRows const rows =
      in_row ? TileOfRows(batch, stage, blockIdx.x) : TileOfRows(batch, blockIdx.x, stage);
  rows.load(own);
  __syncthreads();
  Nanoseconds best[rows_per_thread];
#pragma unroll
  for (std::uint32_t i = 0; i < rows_per_thread; ++i) best[i] = rows.load(i);
  // The diagonal is closed, so one step through it is all it takes.
  if (in_row) {
    relax_tile(best, own, diagonal);
  } else {
    relax_tile(best, diagonal, own);
  }
#pragma unroll
  for (std::uint32_t i = 0; i < rows_per_thread; ++i) rows.store(i, best[i]);
}

/// All other tiles.
__global__ void __launch_bounds__(tile_size* warps_per_block)
    close_rest(PathBatch batch, std::uint32_t stage) {
  __shared__ Tile to_via;
  __shared__ Tile from_via;
  if (blockIdx.x == stage || blockIdx.y == stage) return;
  TileOfRows(batch, stage, blockIdx.x).load(to_via);
  TileOfRows(batch, blockIdx.y, stage).load(from_via);
  TileOfRows const rows(batch, blockIdx.y, blockIdx.x);
  Nanoseconds best[rows_per_thread];
#pragma unroll
  for (std::uint32_t i = 0; i < rows_per_thread; ++i) best[i] = rows.load(i);
  __syncthreads();
  relax_tile(best, to_via, from_via);
#pragma unroll
  for (std::uint32_t i = 0; i < rows_per_thread; ++i) rows.store(i, best[i]);
}

__global__ void __launch_bounds__(tile_size* warps_per_block)
    note_greatest_row(PathBatch batch, Greatest* greatest) {
  TileOfRows const rows(batch, blockIdx.y, blockIdx.x);
  Nanoseconds latency = 0;
#pragma unroll
  for (std::uint32_t i = 0; i < rows_per_thread; ++i) {
    Nanoseconds const here = rows.load(i);
    if (here != unreachable) latency = max(latency, here);
  }
  note_greatest(&greatest->row_ns, latency);
}

void launch_stage(PathBatch const& batch, std::uint32_t stage, cudaStream_t stream) {
  std::uint32_t const stages = tiles(batch.nodes);
  dim3 const block(tile_size, warps_per_block);
  std::uint64_t const tile_bytes = sizeof(Tile) * batch.snapshots;
  std::uint64_t const others = stages - 1;
  {
    LaunchTimer const timer("close_diagonal", stream, 2 * tile_bytes);
    close_diagonal<<<dim3(1, 1, batch.snapshots), block, 0, stream>>>(batch, stage);
    check_launch();
  }
  {
    LaunchTimer const timer("close_cross", stream, (1 + 4 * others) * tile_bytes);
    close_cross<<<dim3(stages, 2, batch.snapshots), block, 0, stream>>>(batch, stage);
    check_launch();
  }
  LaunchTimer const timer("close_rest", stream, (2 + 2 * others) * others * tile_bytes);
  close_rest<<<dim3(stages, stages, batch.snapshots), block, 0, stream>>>(batch, stage);
  check_launch();
}

}  // namespace

void launch_floyd_warshall(PathBatch const& batch, Greatest* greatest, cudaStream_t stream) {
  std::uint32_t const stages = tiles(batch.nodes);
  dim3 const block(tile_size, warps_per_block);
  std::uint64_t const table_bytes = batch.row_ns.size() * sizeof(Nanoseconds);
  {
    LaunchTimer const timer("direct_links", stream, table_bytes + batch.graph_bytes());
    direct_links<<<dim3(stages, stages * rows_per_thread, batch.snapshots), block, 0, stream>>>(batch);
    check_launch();
  }
  for (std::uint32_t stage = 0; stage < stages; ++stage) launch_stage(batch, stage, stream);
  LaunchTimer const timer("note_greatest_row", stream, table_bytes);
  note_greatest_row<<<dim3(stages, stages, batch.snapshots), block, 0, stream>>>(batch, greatest);
  check_launch();
}

}  // namespace spacemoe
