#include "cuda/kernel_code.hpp"

namespace spacemoe {
namespace {

/// Stands for all kernels, which are compiled for the same architectures.
__global__ void any_kernel() {}

}  // namespace

cudaError_t kernel_code_status() {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, any_kernel);
}

}  // namespace spacemoe
