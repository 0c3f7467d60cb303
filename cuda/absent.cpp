#include "host/errors.hpp"
#include "host/evaluation/cuda_backend.hpp"

// Stands in for the CUDA backend where the program is built without it.

namespace spacemoe {

CudaStatus cuda_status() {
  CudaStatus status;
  status.absent_because = "this program was built without it";
  return status;
}

std::string cuda_device_refusal(int) {
  return cuda_status().absent_because;
}

std::unique_ptr<Backend> make_cuda_backend(int) {
  throw BackendError("cuda is absent: " + cuda_status().absent_because);
}

}  // namespace spacemoe
