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

/// Throws BackendError when a runtime call failed, DeviceOutOfMemory when for lack of memory. The error does
/// not linger for later calls, unless it broke the device's context for good.
void check(cudaError_t status, std::source_location where = std::source_location::current());

/// Throws BackendError when the launch before it could not start.
inline void check_launch(std::source_location where = std::source_location::current()) {
  check(cudaGetLastError(), where);
}

}  // namespace spacemoe
