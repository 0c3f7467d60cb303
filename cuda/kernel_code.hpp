#pragma once

#include <cuda_runtime_api.h>

namespace spacemoe {

/// What loading a kernel of this program on the current device says: cudaSuccess when it can run there.
cudaError_t kernel_code_status();

}  // namespace spacemoe
