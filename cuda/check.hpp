#pragma once

#include <source_location>

#include <cuda_runtime_api.h>

#include "host/errors.hpp"

namespace spacemoe {

/// The device has no room for an allocation; smaller batches may still fit.
class DeviceOutOfMemory : public BackendError {
 public:
  using BackendError::BackendError;
};

/// Throws BackendError when a runtime call failed. The error does not linger for later calls, unless it broke
/// the device's context for good.
void check(cudaError_t status, std::source_location where = std::source_location::current());

/// As check, for calls that did nothing when they failed: throws DeviceOutOfMemory when for lack of memory.
void check_room(cudaError_t status, std::source_location where = std::source_location::current());

/// As check_room, for the launch before it: kernels are loaded at their first launch.
inline void check_launch(std::source_location where = std::source_location::current()) {
  check_room(cudaGetLastError(), where);
}

}  // namespace spacemoe
