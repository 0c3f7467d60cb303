#include <algorithm>

#include "cuda/check.hpp"
#include "cuda/common_draws.hpp"
#include "cuda/device_buffer.hpp"
#include "cuda/device_tables.hpp"
#include "cuda/kernel_times.hpp"

namespace spacemoe {
namespace {

constexpr unsigned threads = 128;
/// Tokens of a block, four to a thread.
constexpr std::uint32_t block_tokens = 4 * threads;
/// Draws of a launch: what a grid may have in its second dimension.
constexpr std::size_t most_draws = 65535;

/// Draws and where their latencies go.
struct DrawsView {
  CommonDraws const* draws;
  std::uint64_t const* first;  ///< [draw]: its first token among those of all
  Nanoseconds* latency_ns;
};

/// A row of blocks per draw.
__global__ void __launch_bounds__(threads) draw_common(Seed seed, DrawsView view) {
  CommonDraws const draws = view.draws[blockIdx.y];
  Nanoseconds* const latency_ns = view.latency_ns + view.first[blockIdx.y];
  std::uint32_t const stride = gridDim.x * threads;
  for (std::uint32_t t = blockIdx.x * threads + threadIdx.x; t < draws.count; t += stride) {
    latency_ns[t] = latency_at(draws.steps, common_word(seed, draws.slot, draws.first + t, draws.layer));
  }
}

/// Draws whose latencies are not here yet.
struct DrawnBatch {
  std::span<Nanoseconds const> latency_ns;  ///< in pinned memory
};

/// Bytes that some draws take besides their latencies.
std::size_t table_bytes(std::span<CommonDraws const> draws) {
  std::size_t bytes = padded_bytes(Span<CommonDraws const>(draws)) +
                      padded_bytes(Span<std::uint64_t const>(nullptr, draws.size()));
  for (CommonDraws const& d : draws) bytes += padded_bytes(d.steps.up_to, d.steps.latency_ns);
  return bytes;
}

std::uint64_t tokens(std::span<CommonDraws const> draws) {
  std::uint64_t sum = 0;
  for (CommonDraws const& d : draws) sum += d.count;
  return sum;
}

std::size_t all_bytes(std::span<CommonDraws const> draws) {
  return table_bytes(draws) + tokens(draws) * sizeof(Nanoseconds);
}

/// Everything is allocated before anything is drawn.
DrawnBatch begin(Seed seed, std::span<CommonDraws const> draws, Channel& channel) {
  if (tokens(draws) == 0) return {};
  DeviceBuffer<Nanoseconds> const found(tokens(draws), channel.stream);
  std::size_t const bytes = table_bytes(draws);
  std::byte* const pinned = channel.pinned.room(bytes + found.bytes());
  DeviceTables tables(bytes, channel);
  std::vector<CommonDraws> on_device(draws.begin(), draws.end());
  std::vector<std::uint64_t> first;
  std::uint64_t next = 0;
  std::uint32_t most_tokens = 0;
  for (CommonDraws& d : on_device) {
    d.steps = {tables.add(d.steps.up_to), tables.add(d.steps.latency_ns)};
    first.push_back(next);
    next += d.count;
    most_tokens = std::max(most_tokens, d.count);
  }
  DrawsView const view{tables.add(Span<CommonDraws const>(on_device)).data(),
                       tables.add(Span<std::uint64_t const>(first)).data(), found.data()};
  tables.upload();
  dim3 const grid((most_tokens + block_tokens - 1) / block_tokens, static_cast<unsigned>(draws.size()));
  {
    LaunchTimer const timer("draw_common", channel.stream, found.bytes());
    draw_common<<<grid, threads, 0, channel.stream>>>(seed, view);
    check_launch();
  }
  std::span const latency_ns(reinterpret_cast<Nanoseconds*>(pinned + bytes), found.size());
  found.copy_to(latency_ns);
  return {latency_ns};
}

}  // namespace

std::vector<Nanoseconds> cuda_draw_common(Seed seed, std::span<CommonDraws const> draws, Channels& channels) {
  std::vector<Nanoseconds> latency_ns;
  latency_ns.reserve(tokens(draws));
  InFlight<DrawnBatch> in_flight(channels, [&](DrawnBatch&& batch) {
    latency_ns.insert(latency_ns.end(), batch.latency_ns.begin(), batch.latency_ns.end());
  });
  std::size_t const budget = batch_bytes(all_bytes(draws));
  auto const size = [&](std::size_t first, std::size_t most) {
    std::size_t count = 1;
    std::size_t bytes = all_bytes(draws.subspan(first, 1));
    while (count < std::min(most, most_draws) &&
           (bytes += all_bytes(draws.subspan(first + count, 1))) <= budget) {
      ++count;
    }
    return count;
  };
  run_in_batches(draws.size(), in_flight, size, [&](std::size_t first, std::size_t count, std::size_t turn) {
    return begin(seed, draws.subspan(first, count), channels[turn]);
  });
  return latency_ns;
}

}  // namespace spacemoe
