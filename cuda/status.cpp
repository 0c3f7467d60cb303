#include <cuda_runtime_api.h>

#include "cuda/check.hpp"
#include "cuda/path_latencies.hpp"
#include "host/evaluation/cuda_backend.hpp"

namespace spacemoe {
namespace {

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string reason(CudaStatus const& status, cudaError_t error) {
  if (status.driver_version == 0) return "there is no NVIDIA driver";
  if (error == cudaErrorInsufficientDriver) {
    return "the NVIDIA driver is too old: it runs CUDA up to " + version_text(status.driver_version) +
           ", this program uses " + version_text(status.runtime_version);
  }
  if (error == cudaErrorNoDevice || error == cudaSuccess) return "the NVIDIA driver finds no GPU";
  return std::string("the NVIDIA driver reports: ") + cudaGetErrorString(error);
}

CudaDevice describe(int index) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index));
  return {index,
          properties.name,
          properties.totalGlobalMem,
          properties.major,
          properties.minor,
          properties.multiProcessorCount};
}

/// How to build this program for a device.
std::string build_text(CudaDevice const& device) {
  return "build it with cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES=" +
         std::to_string(device.compute_major) + std::to_string(device.compute_minor);
}

std::string refusal_text(CudaDevice const& device, cudaError_t error) {
  switch (error) {
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
      return "this program has neither machine code nor PTX for it; " + build_text(device);
    case cudaErrorInvalidPtx:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorJitCompilerNotFound:
      return std::string("the driver cannot compile this program's PTX for it (") + cudaGetErrorName(error) +
             "); install a newer driver, or " + build_text(device);
    default:
      return std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")";
  }
}

}  // namespace

std::string cuda_device_refusal(int device) {
  cudaError_t error = cudaSetDevice(device);
  if (error == cudaSuccess) error = kernel_code_status();
  if (error == cudaSuccess) return "";
  static_cast<void>(cudaGetLastError());  // not for later checks
  return refusal_text(describe(device), error);
}

CudaStatus cuda_status() {
  CudaStatus status;
  status.built = true;
  check(cudaRuntimeGetVersion(&status.runtime_version));
  check(cudaDriverGetVersion(&status.driver_version));
  int count = 0;  // left alone by a failure
  cudaError_t const error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    static_cast<void>(cudaGetLastError());  // an absent device is no failure of later calls
    count = 0;
  }
  for (int index = 0; index < count; ++index) status.devices.push_back(describe(index));
  if (status.devices.empty()) status.absent_because = reason(status, error);
  return status;
}

}  // namespace spacemoe
