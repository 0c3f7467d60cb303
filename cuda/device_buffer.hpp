#pragma once

#include <cassert>
#include <cstddef>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <cuda_runtime_api.h>

#include "cuda/check.hpp"
#include "cuda/device_stream.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

/// Owns an array of device memory that belongs to a stream: it is there for work that comes after in the
/// stream, and goes when all work before its end is done. Work in other streams must be waited for. Elements
/// are not initialised.
template <class T>
class DeviceBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  DeviceBuffer() = default;
  /// Throws DeviceOutOfMemory when there is no room.
  DeviceBuffer(std::size_t size, DeviceStream const& stream) : size_(size) {
    if (size > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    if (size == 0) return;
    data_ = static_cast<T*>(stream.memory().allocate(size * sizeof(T), stream));
    stream_ = stream;
  }
  /// A copy of host memory; as copy_from.
  DeviceBuffer(std::span<T const> source, DeviceStream const& stream) : DeviceBuffer(source.size(), stream) {
    copy_from(source);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    DeviceBuffer(std::move(other)).swap(*this);
    return *this;
  }
  ~DeviceBuffer() {
    // A failure here was reported by an earlier call, or leaves nothing that could be done.
    if (data_ != nullptr) static_cast<void>(cudaFreeAsync(data_, *stream_));
  }

  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  /// For kernels.
  Span<T> span() const { return {data_, size_}; }

  /// Copies into the first elements, in the order of the stream; the host may reuse pinned memory once the
  /// stream has come so far, other memory at once.
  void copy_from(std::span<T const> source) {
    assert(source.size() <= size_);
    if (source.empty()) return;
    check(cudaMemcpyAsync(data_, source.data(), source.size_bytes(), cudaMemcpyHostToDevice, *stream_));
  }
  /// Copies elements [first, first + target.size()), in the order of the stream.
  void copy_to(std::span<T> target, std::size_t first = 0) const {
    assert(first + target.size() <= size_);
    if (target.empty()) return;
    check(
        cudaMemcpyAsync(target.data(), data_ + first, target.size_bytes(), cudaMemcpyDeviceToHost, *stream_));
  }
  /// Sets every byte to zero, in the order of the stream.
  void clear() {
    if (size_ > 0) check(cudaMemsetAsync(data_, 0, bytes(), *stream_));
  }

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(stream_, other.stream_);
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::optional<DeviceStream> stream_;
};

}  // namespace spacemoe
