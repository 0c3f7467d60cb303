#include "cuda/channel.hpp"

#include <algorithm>

namespace spacemoe {
namespace {

constexpr std::size_t least_batch_bytes = std::size_t{1} << 20;
constexpr std::size_t most_batch_bytes = std::size_t{16} << 20;
constexpr std::size_t batches = 4;

}  // namespace

PinnedMemory::~PinnedMemory() {
  if (data_ != nullptr) static_cast<void>(cudaFreeHost(data_));
}

std::byte* PinnedMemory::room(std::size_t bytes) {
  if (bytes <= size_) return data_;
  if (data_ != nullptr) check(cudaFreeHost(std::exchange(data_, nullptr)));
  size_ = 0;
  void* memory = nullptr;
  check_room(cudaHostAlloc(&memory, bytes, cudaHostAllocDefault));
  data_ = static_cast<std::byte*>(memory);
  size_ = bytes;
  return data_;
}

std::size_t batch_bytes(std::size_t all_bytes) {
  return std::clamp(all_bytes / batches, least_batch_bytes, most_batch_bytes);
}

}  // namespace spacemoe
