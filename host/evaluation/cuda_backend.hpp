#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/evaluation/backend.hpp"

namespace spacemoe {

struct CudaDevice {
  int index;
  std::string name;
  std::uint64_t memory_bytes;
  int compute_major, compute_minor;  ///< compute capability
  int multiprocessors;
};

/// What there is for the CUDA backend.
struct CudaStatus {
  bool built = false;               ///< this program has the backend
  int driver_version = 0;           ///< 1000 major + 10 minor of the newest CUDA it runs; 0: no driver
  int runtime_version = 0;          ///< likewise, of the CUDA runtime in this program
  std::vector<CudaDevice> devices;  ///< empty: the backend is absent
  std::string absent_because;       ///< why it is absent; else empty
};

/// Never throws for lack of a device: that is what it tells.
CudaStatus cuda_status();

/// Why a device of cuda_status() cannot run this program, and what helps; empty when it can. Takes a moment:
/// begins to use the device.
std::string cuda_device_refusal(int device);

/// The backend on device number `device`. Throws BackendError, with the reason, when it is absent or the
/// device cannot run this program.
std::unique_ptr<Backend> make_cuda_backend(int device);

}  // namespace spacemoe
