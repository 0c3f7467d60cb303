#include "cuda/kernel_times.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "cuda/check.hpp"

namespace spacemoe {
namespace {

constexpr double seconds_per_ms = 1e-3;

cudaEvent_t new_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreate(&event));
  return event;
}

}  // namespace

KernelTimes::KernelTimes() {
  assert(listener_ == nullptr);
  listener_ = this;
}

KernelTimes::~KernelTimes() {
  listener_ = nullptr;
  for (Launch const& launch : launches_) {
    static_cast<void>(cudaEventDestroy(launch.begin));
    static_cast<void>(cudaEventDestroy(launch.end));
  }
}

KernelTimes::Launch KernelTimes::begin(char const* kernel, std::uint64_t least_bytes, cudaStream_t stream) {
  Launch const launch{kernel, least_bytes, new_event(), new_event()};
  std::lock_guard const lock(mutex_);
  if (!launches_.empty()) check(cudaStreamWaitEvent(stream, launches_.back().end));
  check(cudaEventRecord(launch.begin, stream));
  return launch;
}

void KernelTimes::end(Launch const& launch, cudaStream_t stream) noexcept {
  static_cast<void>(cudaEventRecord(launch.end, stream));  // a failure shows when its time is asked for
  std::lock_guard const lock(mutex_);
  launches_.push_back(launch);
}

std::vector<KernelTime> KernelTimes::take() {
  std::lock_guard const lock(mutex_);
  std::vector<KernelTime> times;
  for (Launch const& launch : launches_) {
    float ms = 0;
    check(cudaEventSynchronize(launch.end));
    check(cudaEventElapsedTime(&ms, launch.begin, launch.end));
    auto time = std::ranges::find(times, launch.kernel, &KernelTime::kernel);
    if (time == times.end()) time = times.insert(time, {.kernel = launch.kernel});
    time->launches += 1;
    time->seconds += ms * seconds_per_ms;
    time->least_bytes += launch.least_bytes;
  }
  for (Launch const& launch : std::exchange(launches_, {})) {
    check(cudaEventDestroy(launch.begin));
    check(cudaEventDestroy(launch.end));
  }
  return times;
}

}  // namespace spacemoe
