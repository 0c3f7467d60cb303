#pragma once

#include <cstddef>
#include <memory>

#include <cuda_runtime_api.h>

namespace spacemoe {

/// Device memory of one backend: what is given back is kept for later requests until the device runs short.
class DevicePool {
 public:
  /// Throws BackendError where the device cannot pool memory.
  explicit DevicePool(int device);
  DevicePool(DevicePool const&) = delete;
  DevicePool& operator=(DevicePool const&) = delete;
  ~DevicePool();

  int device() const { return device_; }
  /// Memory for work that comes after in the stream. Throws DeviceOutOfMemory only after all that is kept has
  /// been given back to the device, which must be the current one.
  void* allocate(std::size_t bytes, cudaStream_t stream) const;
  /// Bytes that are free on the device or kept here; the device must be the current one.
  std::size_t free_bytes() const;

 private:
  int device_;
  cudaMemPool_t pool_ = nullptr;
};

/// Work that a device does in order, with the memory that it uses. Copies are the same stream, which lives as
/// long as the last of them.
class DeviceStream {
 public:
  /// On the pool's device, which must be the current one.
  explicit DeviceStream(std::shared_ptr<DevicePool const> memory);

  /// For launches.
  operator cudaStream_t() const { return owner_->stream; }
  DevicePool const& memory() const { return *owner_->memory; }
  /// Waits until all work is done. Throws BackendError when some of it failed.
  void synchronize() const;

 private:
  struct Owner {
    explicit Owner(std::shared_ptr<DevicePool const> memory_of_stream);
    Owner(Owner const&) = delete;
    Owner& operator=(Owner const&) = delete;
    ~Owner();

    std::shared_ptr<DevicePool const> memory;
    cudaStream_t stream = nullptr;
  };

  std::shared_ptr<Owner const> owner_;
};

}  // namespace spacemoe
