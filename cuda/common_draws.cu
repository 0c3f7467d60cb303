#include <algorithm>

#include "cuda/check.hpp"
#include "cuda/common_draws.hpp"
#include "cuda/device_buffer.hpp"
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

/// The steps of some draws, side by side.
struct AllSteps {
  std::vector<std::uint32_t> up_to;
  std::vector<Nanoseconds> latency_ns;
};

AllSteps joined(std::span<CommonDraws const> draws) {
  AllSteps all;
  for (CommonDraws const& d : draws) {
    all.up_to.insert(all.up_to.end(), d.steps.up_to.begin(), d.steps.up_to.end());
    all.latency_ns.insert(all.latency_ns.end(), d.steps.latency_ns.begin(), d.steps.latency_ns.end());
  }
  return all;
}

void draw_some(Seed seed, std::span<CommonDraws const> draws, DeviceStream const& stream,
               std::vector<Nanoseconds>& latency_ns) {
  AllSteps const steps = joined(draws);
  DeviceBuffer<std::uint32_t> const up_to(steps.up_to, stream);
  DeviceBuffer<Nanoseconds> const step_ns(steps.latency_ns, stream);
  std::vector<CommonDraws> on_device(draws.begin(), draws.end());
  std::vector<std::uint64_t> first;
  std::uint64_t tokens = 0;
  std::uint32_t most_tokens = 0;
  std::size_t step = 0;
  for (CommonDraws& d : on_device) {
    std::size_t const count = d.steps.up_to.size();
    d.steps = {{up_to.data() + step, count}, {step_ns.data() + step, count}};
    step += count;
    first.push_back(tokens);
    tokens += d.count;
    most_tokens = std::max(most_tokens, d.count);
  }
  if (tokens == 0) return;
  DeviceBuffer<CommonDraws> const device_draws(on_device, stream);
  DeviceBuffer<std::uint64_t> const device_first(first, stream);
  DeviceBuffer<Nanoseconds> found(tokens, stream);
  dim3 const grid((most_tokens + block_tokens - 1) / block_tokens, static_cast<unsigned>(draws.size()));
  LaunchTimer const timer("draw_common", stream, found.bytes());
  draw_common<<<grid, threads, 0, stream>>>(seed, {device_draws.data(), device_first.data(), found.data()});
  check_launch();
  std::size_t const before = latency_ns.size();
  latency_ns.resize(before + tokens);
  found.copy_to(std::span(latency_ns).subspan(before));
  stream.synchronize();
}

}  // namespace

std::vector<Nanoseconds> cuda_draw_common(Seed seed, std::span<CommonDraws const> draws,
                                          DeviceStream const& stream) {
  std::vector<Nanoseconds> latency_ns;
  for (std::size_t first = 0; first < draws.size(); first += most_draws) {
    draw_some(seed, draws.subspan(first, std::min(most_draws, draws.size() - first)), stream, latency_ns);
  }
  return latency_ns;
}

}  // namespace spacemoe
