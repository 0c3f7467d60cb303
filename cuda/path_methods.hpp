#pragma once

#include <cuda_runtime_api.h>

#include "cuda/path_batch.hpp"

namespace spacemoe {

/// Launches relaxation, for any graph: writes the rows and notes their greatest latency.
void launch_relaxation(PathBatch const& batch, Greatest* greatest, cudaStream_t stream);

/// Launches Floyd-Warshall, for dense graphs: as launch_relaxation, with every node a source, in order.
void launch_floyd_warshall(PathBatch const& batch, Greatest* greatest, cudaStream_t stream);

}  // namespace spacemoe
