#include "host/evaluation/cuda_backend.hpp"

#include <memory>
#include <mutex>
#include <string>

#include <cuda_runtime_api.h>

#include "cuda/channel.hpp"
#include "cuda/check.hpp"
#include "cuda/common_draws.hpp"
#include "cuda/move_scorer.hpp"
#include "cuda/path_latencies.hpp"
#include "cuda/sampling.hpp"

namespace spacemoe {
namespace {

class CudaBackend final : public Backend {
 public:
  /// On the current device.
  explicit CudaBackend(int device) : CudaBackend(std::make_shared<DevicePool const>(device)) {}

  std::string_view name() const override { return "cuda"; }

  std::unique_ptr<PathTable> path_latencies(SnapshotBatch const& batch,
                                            std::span<SatelliteId const> sources) override {
    std::lock_guard const lock(mutex_);
    use_device();
    return cuda_path_latencies(batch, sources, channels_);
  }

  LatencyTally sample_tokens(RoutingView const& routing, Seed seed,
                             std::span<TokenCell const> cells) override {
    std::lock_guard const lock(mutex_);
    use_device();
    return cuda_sample_tokens(routing, seed, cells, channels_);
  }

  LatencyTally sample_layers(Seed seed, std::span<LayerCell const> cells) override {
    std::lock_guard const lock(mutex_);
    use_device();
    return cuda_sample_layers(seed, cells, channels_);
  }

  std::vector<std::uint64_t> find_tokens(RoutingView const& routing, Seed seed,
                                         std::span<TokenCell const> cells,
                                         std::span<std::uint32_t const> bins) override {
    std::lock_guard const lock(mutex_);
    use_device();
    return cuda_find_tokens(routing, seed, cells, bins, channels_);
  }

  std::vector<std::uint64_t> find_layers(Seed seed, std::span<LayerCell const> cells,
                                         std::span<std::uint32_t const> bins) override {
    std::lock_guard const lock(mutex_);
    use_device();
    return cuda_find_layers(seed, cells, bins, channels_);
  }

  std::vector<Nanoseconds> draw_common(Seed seed, std::span<CommonDraws const> draws) override {
    std::lock_guard const lock(mutex_);
    use_device();
    return cuda_draw_common(seed, draws, channels_);
  }

  std::unique_ptr<MoveScorer> move_scorer(SnapshotBatch const& batch, std::span<SatelliteId const> sources,
                                          ScoringTables const& tables) override {
    std::lock_guard const lock(mutex_);
    use_device();
    return make_cuda_move_scorer(batch, sources, tables, memory_, channels_);
  }

 private:
  explicit CudaBackend(std::shared_ptr<DevicePool const> const& memory)
      : memory_(memory), channels_{{Channel(memory), Channel(memory)}} {}

  /// The current device belongs to the thread, and calls may come from any.
  void use_device() const { check(cudaSetDevice(memory_->device())); }

  std::shared_ptr<DevicePool const> memory_;
  std::mutex mutex_;  ///< one operation at a time has the channels
  Channels channels_;
};

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(int device) {
  CudaStatus const status = cuda_status();
  if (status.devices.empty()) throw BackendError("cuda is absent: " + status.absent_because);
  auto const count = static_cast<int>(status.devices.size());
  if (device < 0 || device >= count) {
    throw BackendError("cuda: there is no device " + std::to_string(device) + "; devices are 0 to " +
                       std::to_string(count - 1));
  }
  if (std::string const refusal = cuda_device_refusal(device); !refusal.empty()) {
    CudaDevice const& found = status.devices[static_cast<std::size_t>(device)];
    throw BackendError("cuda: device " + std::to_string(device) + " (" + found.name +
                       ", compute capability " + std::to_string(found.compute_major) + "." +
                       std::to_string(found.compute_minor) + ") cannot be used: " + refusal +
                       "; or choose another --device, or --backend cpu");
  }
  return std::make_unique<CudaBackend>(device);
}

}  // namespace spacemoe
