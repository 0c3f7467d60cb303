#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <cuda_runtime_api.h>

#include "cuda/check.hpp"
#include "cuda/device_stream.hpp"

namespace spacemoe {

/// Host memory that the device copies to and from while the host goes on. It grows to what it has been asked
/// for and is kept, since pinning pages takes long.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  PinnedMemory(PinnedMemory const&) = delete;
  PinnedMemory& operator=(PinnedMemory const&) = delete;
  ~PinnedMemory();

  /// So many bytes, aligned for any type, in place of those before, which no copy may use any more. Throws
  /// DeviceOutOfMemory when the host cannot pin them.
  std::byte* room(std::size_t bytes);

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A stream, and the pinned memory of its copies.
struct Channel {
  explicit Channel(std::shared_ptr<DevicePool const> const& memory) : stream(memory) {}

  DeviceStream stream;
  PinnedMemory pinned;
};

/// Two, which take turns.
using Channels = std::array<Channel, 2>;

/// Bytes of input of one batch, of all there are: several batches, so that the copies of one overlap with the
/// kernels of another, but none so small that starting it takes as long.
std::size_t batch_bytes(std::size_t all_bytes);

/// Batches in flight, one per channel at most, which are finished in the order in which they began. While the
/// device works on one, the host prepares the next.
template <class Batch>
class InFlight {
 public:
  /// `finish` gets each batch when the device is done with it. It must not throw DeviceOutOfMemory: to
  /// callers of add() that says that the new batch did not begin.
  InFlight(Channels& channels, std::function<void(Batch&&)> finish)
      : channels_(channels), finish_(std::move(finish)) {}
  InFlight(InFlight const&) = delete;
  InFlight& operator=(InFlight const&) = delete;
  /// What a failure has left in flight may still use memory of the caller.
  ~InFlight() {
    for (Channel& channel : channels_) static_cast<void>(cudaStreamSynchronize(channel.stream));
  }

  /// begin(turn) puts a batch into the stream of channel number `turn`, which has nothing else to do, and
  /// returns it. Throws what it throws; the batch is not in flight then.
  template <class Begin>
  void add(Begin const& begin) {
    finish(turn_);
    channels_[turn_].stream.synchronize();  // a batch may have failed to begin
    batch_[turn_].emplace(begin(turn_));
    turn_ = other();
  }

  /// Finishes all; returns whether there were any.
  bool finish_all() {
    bool const first = finish(turn_);
    bool const second = finish(other());
    return first || second;
  }

 private:
  std::size_t other() const { return 1 - turn_; }

  bool finish(std::size_t turn) {
    if (!batch_[turn]) return false;
    Batch batch = std::move(*batch_[turn]);
    batch_[turn].reset();
    channels_[turn].stream.synchronize();
    finish_(std::move(batch));
    return true;
  }

  Channels& channels_;
  std::function<void(Batch&&)> finish_;
  std::size_t turn_ = 0;  ///< the channel whose turn it is, and whose batch is the older one
  std::array<std::optional<Batch>, std::tuple_size_v<Channels>> batch_;
};

/// Puts items [0, all) in flight in batches, and finishes them: size(first, most) of at most `most` items
/// make the batch that begins at `first`, and begin(first, count, turn) is as for InFlight::add. Where a
/// batch finds no room, those before it are finished, and after that it is halved. Throws DeviceOutOfMemory
/// when a single item does not fit.
template <class Batch, class Size, class Begin>
void run_in_batches(std::size_t all, InFlight<Batch>& in_flight, Size const& size, Begin const& begin) {
  std::size_t most = all;
  for (std::size_t first = 0; first < all;) {
    std::size_t const count = size(first, std::min(most, all - first));
    try {
      in_flight.add([&](std::size_t turn) { return begin(first, count, turn); });
      first += count;
    } catch (DeviceOutOfMemory const&) {
      if (in_flight.finish_all()) continue;
      if (count == 1) throw;
      most = count / 2;
    }
  }
  in_flight.finish_all();
}

}  // namespace spacemoe
