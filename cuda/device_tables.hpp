#pragma once

#include <cstddef>
#include <cstring>

#include "cuda/channel.hpp"
#include "cuda/device_buffer.hpp"
#include "kernels/span.hpp"

namespace spacemoe {

inline constexpr std::size_t table_alignment = 16;  // of all that kernels read

/// Bytes of arrays, each padded.
template <class... T>
std::size_t padded_bytes(Span<T const> const&... arrays) {
  return (((arrays.size() * sizeof(T) + table_alignment - 1) / table_alignment * table_alignment) + ... + 0);
}

/// Arrays in one block of device memory, put together in pinned memory.
class DeviceTables {
 public:
  /// Room for so many padded bytes.
  DeviceTables(std::size_t bytes, Channel& channel)
      : host_(channel.pinned.room(bytes)), device_(bytes, channel.stream) {}

  /// Returns where the array will be after upload().
  template <class T>
  Span<T const> add(Span<T const> array) {
    if (array.size() == 0) return {};
    std::memcpy(host_ + used_, array.data(), array.size() * sizeof(T));
    auto const* const place = reinterpret_cast<T const*>(device_.data() + used_);
    used_ += padded_bytes(array);
    return {place, array.size()};
  }
  void upload() { device_.copy_from({host_, used_}); }

 private:
  std::byte* host_;
  DeviceBuffer<std::byte> device_;
  std::size_t used_ = 0;
};

}  // namespace spacemoe
