#pragma once

#include <cassert>
#include <cstddef>
#include <limits>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include <cuda_runtime_api.h>

#include "cuda/check.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

/// Owns an array in the memory of the device that was current when it was made; its elements are not
/// initialised.
template <class T>
class DeviceBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  DeviceBuffer() = default;
  /// Throws DeviceOutOfMemory when there is no room.
  explicit DeviceBuffer(std::size_t size) : size_(size) {
    if (size > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    void* memory = nullptr;
    if (size > 0) check(cudaMalloc(&memory, size * sizeof(T)));
    data_ = static_cast<T*>(memory);
  }
  /// A copy of host memory; the host may reuse it once the stream has come so far.
  DeviceBuffer(std::span<T const> source, cudaStream_t stream) : DeviceBuffer(source.size()) {
    copy_from(source, stream);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~DeviceBuffer() {
    // A failure here was reported by an earlier call, or leaves nothing that could be done.
    if (data_ != nullptr) static_cast<void>(cudaFree(data_));
  }

  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  /// For kernels.
  Span<T> span() const { return {data_, size_}; }

  /// Copies into the first elements, in the order of the stream.
  void copy_from(std::span<T const> source, cudaStream_t stream) {
    assert(source.size() <= size_);
    if (source.empty()) return;
    check(cudaMemcpyAsync(data_, source.data(), source.size_bytes(), cudaMemcpyHostToDevice, stream));
  }
  /// Copies elements [first, first + target.size()), in the order of the stream.
  void copy_to(std::span<T> target, cudaStream_t stream, std::size_t first = 0) const {
    assert(first + target.size() <= size_);
    if (target.empty()) return;
    check(cudaMemcpyAsync(target.data(), data_ + first, target.size_bytes(), cudaMemcpyDeviceToHost, stream));
  }
  /// Sets every byte to zero, in the order of the stream.
  void clear(cudaStream_t stream) {
    if (size_ > 0) check(cudaMemsetAsync(data_, 0, bytes(), stream));
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace spacemoe
