#include <string>

#include "cuda/check.hpp"
#include "cuda/device_buffer.hpp"
#include "cuda/kernel_times.hpp"
#include "cuda/move_scoring.hpp"

namespace spacemoe {
namespace {

constexpr unsigned threads = 128;

/// Lanes that work on one layer of many experts in one slot: a block of quadrature nodes.
constexpr unsigned team_lanes = race_lanes;
constexpr std::size_t shared_bytes_everywhere = 48 << 10;

__device__ std::uint32_t node_of(SatelliteId id) {
  return static_cast<std::uint32_t>(id);
}

__device__ std::uint64_t key_of(ScoringBatch const& batch, LayerChange const& change, std::uint32_t expert,
                                std::uint32_t position, std::uint32_t slot) {
  ScoringView const& view = batch.view;
  std::uint32_t const node = node_of(batch.host[change.first_host + expert]);
  std::uint64_t const compute_ns =
      view.expert_ns[std::size_t{change.layer} * view.experts + expert] + view.satellite_ns[node];
  return score_key<std::uint64_t>(view.path(change.gateway, node)[slot],
                                  view.path(change.aggregation, node)[slot], compute_ns, position);
}

__device__ void keep(ScoreOutput const& output, LayerChange const& change, std::size_t change_number,
                     std::uint32_t slot, LayerScore score) {
  ScoringBatch const& batch = output.batch;
  Nanoseconds const forward = batch.view.path(change.aggregation, change.forward)[slot];
  add_gateway<OneSlot>(forward, change.gateway_ns, score);
  std::size_t const at = change_number * batch.view.slots + slot;
  output.mean_ns[at] = score.mean_ns;
  output.variance_ns2[at] = score.variance_ns2;
  output.delivered[at] = score.delivered;
}

template <std::uint32_t count>
__device__ LayerScore score_set_of(ScoringBatch const& batch, LayerChange const& change,
                                   LayerLawView const& law, std::uint32_t slot) {
  auto const experts = static_cast<std::uint32_t>(law.expert.size());
  std::uint64_t key[count];
#pragma unroll
  for (std::uint32_t i = 0; i < count; ++i) {
    key[i] = i < experts ? key_of(batch, change, law.expert[i], i, slot) : ~std::uint64_t{0};
  }
  return subset_score<OneSlot, count>(key, experts, law.within.data());
}

/// One thread per change and slot, slots side by side. Layers of at most `count` experts and of more than
/// half as many, or of any smaller number where count is 8.
template <std::uint32_t count>
__global__ void __launch_bounds__(threads) score_by_sets(ScoreOutput output) {
  ScoringBatch const& batch = output.batch;
  std::uint32_t const slot = blockIdx.x * threads + threadIdx.x;
  LayerChange const change = batch.change[blockIdx.y];
  LayerLawView const& law = batch.law[change.layer];
  if (slot >= batch.view.slots || law.within.empty()) return;
  if ((law.expert.size() > 8) != (count > 8)) return;
  keep(output, change, blockIdx.y, slot, score_set_of<count>(batch, change, law, slot));
}

/// Shared memory of a team.
struct TeamRoom {
  std::uint64_t* key;
  double* step;
  double* step_squares;
  double* ahead;
  double* counts;  ///< [count][lane]
  std::uint16_t* position;
};

/// What a team's shared memory has room for.
struct TeamSize {
  std::uint32_t experts;
  std::uint32_t counts;  ///< per lane, of arrivals; none where registers hold them

  __host__ __device__ constexpr std::uint32_t keys() const {
    std::uint32_t count = 1;
    while (count < experts) count *= 2;
    return count;
  }
  __host__ __device__ constexpr std::uint32_t strides() const { return whole_strides(experts) / race_stride; }
  __host__ __device__ constexpr std::size_t bytes() const {
    std::size_t const numbers =
        keys() + 2 * std::size_t{whole_strides(experts)} + strides() + 1 + std::size_t{counts} * team_lanes;
    return (numbers * sizeof(double) + experts * sizeof(std::uint16_t) + 7) / 8 * 8;
  }
};

__device__ TeamRoom team_room(std::byte* shared, std::uint32_t team, TeamSize const& size) {
  auto* const key = reinterpret_cast<std::uint64_t*>(shared + team * size.bytes());
  auto* const step = reinterpret_cast<double*>(key + size.keys());
  double* const ahead = step + 2 * whole_strides(size.experts);
  double* const counts = ahead + size.strides() + 1;
  return {key,   step,   step + whole_strides(size.experts),
          ahead, counts, reinterpret_cast<std::uint16_t*>(counts + size.counts * team_lanes)};
}

struct Team {
  std::uint32_t lane;
  unsigned mask;  ///< of its lanes in the warp

  __device__ void sync() const { __syncwarp(mask); }
};

/// Bitonic; `count` is a power of two.
__device__ void sort_keys(std::uint64_t* key, std::uint32_t count, Team const& team) {
  for (std::uint32_t size = 2; size <= count; size *= 2) {
    for (std::uint32_t distance = size / 2; distance > 0; distance /= 2) {
      team.sync();
      for (std::uint32_t i = team.lane; i < count / 2; i += team_lanes) {
        std::uint32_t const low = i / distance * 2 * distance + i % distance;
        std::uint32_t const high = low + distance;
        std::uint64_t const a = key[low];
        std::uint64_t const b = key[high];
        if ((a > b) == ((low & size) == 0)) {
          key[low] = b;
          key[high] = a;
        }
      }
    }
  }
  team.sync();
}

/// A lane's counts, which lanes have side by side.
struct LaneCounts {
  double* first;
  std::uint32_t count;
  __device__ double& operator[](std::uint32_t k) const { return first[k * team_lanes]; }
  __device__ std::uint32_t size() const { return count; }
};

__device__ double team_sum(double value, Team const& team) {
  for (int distance = 1; distance < static_cast<int>(team_lanes); distance *= 2) {
    value = value + __shfl_xor_sync(team.mask, value, distance);
  }
  return value;
}

template <class Counts>
__device__ RaceSums<double> race_sums(LayerLawView const& law, OrderedLayer const& layer,
                                      Counts const& counts, Team const& team) {
  RaceSums<double> sums;
  for (std::size_t node = team.lane; node < law.node_weight.size(); node += race_lanes) {
    double const* const block = law.odds.data() + (node - team.lane) * layer.experts + team.lane;
    auto const odds = [&](std::uint16_t position) { return block[std::size_t{position} * race_lanes]; };
    double const time = law.node_time[node];
    add_race_block<OneNode>(layer, RaceNodes<double>{law.node_weight[node], time, time, time}, counts, odds,
                            sums);
  }
  return {team_sum(sums.sum, team), team_sum(sums.sum_squares, team), team_sum(sums.reachable, team)};
}

/// One team per change and slot: teams of a block have slots side by side. `size` is enough for every layer.
/// All are races where `known_top_k` is not 0. Others have nothing to share among a team and are left to one
/// lane.
template <std::uint32_t known_top_k>
__global__ void score_in_order(ScoreOutput output, TeamSize size) {
  ScoringBatch const& batch = output.batch;
  extern __shared__ std::uint64_t shared[];
  std::uint32_t const number = threadIdx.x / team_lanes;
  std::uint32_t const slot = blockIdx.x * (blockDim.x / team_lanes) + number;
  LayerChange const change = batch.change[blockIdx.y];
  LayerLawView const& law = batch.law[change.layer];
  if (slot >= batch.view.slots || !law.within.empty()) return;
  Team const team{threadIdx.x % team_lanes, 0xffu << (number * team_lanes % 32)};
  TeamRoom const room = team_room(reinterpret_cast<std::byte*>(shared), number, size);
  auto const here = static_cast<std::uint32_t>(law.expert.size());
  std::uint32_t const count = TeamSize{here, 0}.keys();
  for (std::uint32_t i = team.lane; i < count; i += team_lanes) {
    room.key[i] = i < here ? key_of(batch, change, law.expert[i], i, slot) : ~std::uint64_t{0};
  }
  sort_keys(room.key, count, team);
  OrderedLayer layer{room.position, room.step, room.step_squares, room.ahead, here, 0};
  if (team.lane == 0) {
    layer = order_layer(law, room.key, here, room.position, room.step, room.step_squares, room.ahead);
  }
  layer.reachable = __shfl_sync(team.mask, layer.reachable, 0, team_lanes);
  team.sync();
  LaneCounts const counts{room.counts + team.lane, law.top_k};
  RaceSums<double> sums;
  if constexpr (known_top_k > 0) {
    sums = race_sums(law, layer, KnownCounts<double, known_top_k>{}, team);
  } else if (!law.node_weight.empty()) {
    sums = race_sums(law, layer, counts, team);
  } else if (team.lane == 0) {
    sums = symmetric_sums(layer, law.top_k, law.weight.data(), counts);
  }
  if (team.lane == 0) keep(output, change, blockIdx.y, slot, ordered_score(law, layer, room.key, sums));
}

/// One thread per change, path row and slot.
__global__ void __launch_bounds__(threads) gather_changes(ScoringBatch batch, Nanoseconds* found) {
  std::uint32_t const slot = blockIdx.x * threads + threadIdx.x;
  if (slot >= batch.view.slots) return;
  LayerChange const change = batch.change[blockIdx.z];
  std::uint32_t const experts = batch.view.experts;
  std::uint32_t const row = blockIdx.y;
  std::uint32_t const source = row < experts ? change.gateway : change.aggregation;
  std::uint32_t const node =
      row < 2 * experts ? node_of(batch.host[change.first_host + row % experts]) : change.forward;
  std::size_t const to = (std::size_t{blockIdx.z} * gridDim.y + row) * batch.view.slots + slot;
  found[to] = batch.view.path(source, node)[slot];
}

unsigned blocks(std::uint32_t count, std::uint32_t per_block) {
  return (count + per_block - 1) / per_block;
}

template <std::uint32_t most_experts>
void launch_sets(ScoreOutput const& output, dim3 grid, cudaStream_t stream) {
  LaunchTimer const timer("score_by_sets", stream);
  score_by_sets<most_experts><<<grid, threads, 0, stream>>>(output);
  check_launch();
}

void require_shared_memory(std::uint32_t experts, std::size_t bytes) {
  int device = 0;
  int most = 0;
  check(cudaGetDevice(&device));
  check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  if (bytes <= static_cast<std::size_t>(most)) return;
  throw BackendError("cuda: scoring layers of " + std::to_string(experts) + " experts takes " +
                     std::to_string(bytes) + " bytes of shared memory per block, and device " +
                     std::to_string(device) + " has " + std::to_string(most) + "; use --backend cpu");
}

template <std::uint32_t known_top_k>
void launch_race(ScoreOutput const& output, std::uint32_t changes, TeamSize const& size,
                 cudaStream_t stream) {
  std::uint32_t teams = 4;
  while (teams > 1 && teams * size.bytes() > shared_bytes_everywhere) teams /= 2;
  std::size_t const bytes = teams * size.bytes();
  if (bytes > shared_bytes_everywhere) {
    require_shared_memory(size.experts, bytes);
    check(cudaFuncSetAttribute(score_in_order<known_top_k>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(bytes)));
  }
  dim3 const grid(blocks(output.batch.view.slots, teams), changes);
  LaunchTimer const timer("score_in_order", stream);
  score_in_order<known_top_k><<<grid, teams * team_lanes, bytes, stream>>>(output, size);
  check_launch();
}

}  // namespace

void launch_score_by_sets(ScoreOutput const& output, std::uint32_t changes, cudaStream_t stream) {
  dim3 const grid(blocks(output.batch.view.slots, threads), changes);
  launch_sets<8>(output, grid, stream);
  launch_sets<16>(output, grid, stream);
}

void launch_score_in_order(ScoreOutput const& output, std::uint32_t changes, std::uint32_t experts,
                           std::uint32_t top_k, bool race, cudaStream_t stream) {
  switch (race ? top_k : 0) {
    case 2:
      return launch_race<2>(output, changes, {experts, 0}, stream);
    case 4:
      return launch_race<4>(output, changes, {experts, 0}, stream);
    case 6:
      return launch_race<6>(output, changes, {experts, 0}, stream);
    case 8:
      return launch_race<8>(output, changes, {experts, 0}, stream);
    default:
      return launch_race<0>(output, changes, {experts, top_k + 1}, stream);
  }
}

void launch_gather_changes(ScoringBatch const& batch, std::uint32_t changes, Nanoseconds* found,
                           cudaStream_t stream) {
  dim3 const grid(blocks(batch.view.slots, threads), 2 * batch.view.experts + 1, changes);
  LaunchTimer const timer("gather_changes", stream,
                          std::uint64_t{changes} * grid.y * batch.view.slots * 2 * sizeof(Nanoseconds));
  gather_changes<<<grid, threads, 0, stream>>>(batch, found);
  check_launch();
}

}  // namespace spacemoe
