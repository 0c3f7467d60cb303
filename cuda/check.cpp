#include "cuda/check.hpp"

#include <string>

namespace spacemoe {
namespace {

std::string error_text(cudaError_t status, std::source_location where) {
  std::string const file = where.file_name();
  return std::string("cuda: ") + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ", " +
         file.substr(file.find_last_of('/') + 1) + ":" + std::to_string(where.line()) + ")";
}

}  // namespace

void check(cudaError_t status, std::source_location where) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // forget it, so that the next check reports only its own call
  throw BackendError(error_text(status, where));
}

void check_room(cudaError_t status, std::source_location where) {
  if (status != cudaErrorMemoryAllocation) return check(status, where);
  cudaGetLastError();
  throw DeviceOutOfMemory(error_text(status, where));
}

}  // namespace spacemoe
