#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>

namespace spacemoe {

/// What all launches of a kernel took together.
struct KernelTime {
  std::string kernel;
  std::uint32_t launches = 0;
  double seconds = 0;             ///< on the device
  std::uint64_t least_bytes = 0;  ///< that they had to move: inputs once, outputs once; 0 where unknown
};

/// Listens to the launches of all kernels, from any thread, while it lives, which then run one after another,
/// whatever their streams. One listener at a time.
class KernelTimes {
 public:
  KernelTimes();
  KernelTimes(KernelTimes const&) = delete;
  KernelTimes& operator=(KernelTimes const&) = delete;
  ~KernelTimes();

  /// Waits for the launches since the last call and returns their times, in the order of first launches.
  std::vector<KernelTime> take();

 private:
  friend class LaunchTimer;

  struct Launch {
    char const* kernel;
    std::uint64_t least_bytes;
    cudaEvent_t begin;
    cudaEvent_t end;
  };

  /// Events are made anew for every launch: what that costs is not between them.
  Launch begin(char const* kernel, std::uint64_t least_bytes, cudaStream_t stream);
  void end(Launch const& launch, cudaStream_t stream) noexcept;

  static inline std::atomic<KernelTimes*> listener_ = nullptr;

  std::mutex mutex_;
  std::vector<Launch> launches_;
};

/// Times what its block puts into a stream, under the name of the one kernel launched there, if anybody
/// listens; else it only finds that nobody does. `least_bytes` as in KernelTime.
class LaunchTimer {
 public:
  LaunchTimer(char const* kernel, cudaStream_t stream, std::uint64_t least_bytes = 0)
      : listener_(KernelTimes::listener_.load(std::memory_order_relaxed)), stream_(stream) {
    if (listener_ != nullptr) launch_ = listener_->begin(kernel, least_bytes, stream);
  }
  LaunchTimer(LaunchTimer const&) = delete;
  LaunchTimer& operator=(LaunchTimer const&) = delete;
  ~LaunchTimer() {
    if (launch_) listener_->end(*launch_, stream_);
  }

 private:
  KernelTimes* listener_;
  cudaStream_t stream_;
  std::optional<KernelTimes::Launch> launch_;
};

}  // namespace spacemoe
