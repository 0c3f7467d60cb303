#include "cuda/device_stream.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "cuda/check.hpp"

namespace spacemoe {
namespace {

std::uint64_t pool_bytes(cudaMemPool_t pool, cudaMemPoolAttr attribute) {
  std::uint64_t bytes = 0;
  check(cudaMemPoolGetAttribute(pool, attribute, &bytes));
  return bytes;
}

}  // namespace

DevicePool::DevicePool(int device) : device_(device) {
  int has_pools = 0;
  check(cudaDeviceGetAttribute(&has_pools, cudaDevAttrMemoryPoolsSupported, device));
  if (has_pools == 0) {
    throw BackendError("cuda: the driver has no memory pools for device " + std::to_string(device) +
                       "; virtual GPUs need unified memory turned on");
  }
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  check(cudaMemPoolCreate(&pool_, &properties));
  std::uint64_t keep_all = UINT64_MAX;
  check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep_all));
}

DevicePool::~DevicePool() {
  static_cast<void>(cudaMemPoolDestroy(pool_));  // after a failure there is nothing left to do
}

void* DevicePool::allocate(std::size_t bytes, cudaStream_t stream) const {
  void* memory = nullptr;
  cudaError_t status = cudaMallocFromPoolAsync(&memory, bytes, pool_, stream);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    check(cudaDeviceSynchronize());  // memory goes back only when the work that uses it is done
    check(cudaMemPoolTrimTo(pool_, 0));
    status = cudaMallocFromPoolAsync(&memory, bytes, pool_, stream);
  }
  check_room(status);
  return memory;
}

std::size_t DevicePool::free_bytes() const {
  std::size_t free = 0;
  std::size_t all = 0;
  check(cudaMemGetInfo(&free, &all));
  return free + pool_bytes(pool_, cudaMemPoolAttrReservedMemCurrent) -
         pool_bytes(pool_, cudaMemPoolAttrUsedMemCurrent);
}

DeviceStream::Owner::Owner(std::shared_ptr<DevicePool const> memory_of_stream)
    : memory(std::move(memory_of_stream)) {
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
}

DeviceStream::Owner::~Owner() {
  static_cast<void>(cudaStreamDestroy(stream));  // its work ends first; a failure leaves nothing to do
}

DeviceStream::DeviceStream(std::shared_ptr<DevicePool const> memory)
    : owner_(std::make_shared<Owner const>(std::move(memory))) {}

void DeviceStream::synchronize() const {
  check(cudaStreamSynchronize(*this));
}

}  // namespace spacemoe
