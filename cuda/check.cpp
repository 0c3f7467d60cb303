#include "cuda/check.hpp"

#include <string>

namespace spacemoe {

void check(cudaError_t status, std::source_location where) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // forget it, so that the next check reports only its own call
  std::string const file = where.file_name();
  std::string const text = std::string("cuda: ") + cudaGetErrorString(status) + " (" +
                           cudaGetErrorName(status) + ", " + file.substr(file.find_last_of('/') + 1) + ":" +
                           std::to_string(where.line()) + ")";
  if (status == cudaErrorMemoryAllocation) throw DeviceOutOfMemory(text);
  throw BackendError(text);
}

}  // namespace spacemoe
