#pragma once

#include <memory>
#include <span>

#include "cuda/channel.hpp"
#include "cuda/path_table.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Path latencies on the current device, through channels of that device, as Backend::path_latencies has it.
/// Throws SaturationError when a latency saturates, DeviceOutOfMemory when not even one snapshot fits on the
/// device.
std::unique_ptr<CudaPathTable> cuda_path_latencies(SnapshotBatch const& batch,
                                                   std::span<SatelliteId const> sources, Channels& channels);

/// What loading one of the kernels on the current device says: cudaSuccess when it can run there. It stands
/// for all kernels, which are compiled for the same architectures.
cudaError_t kernel_code_status();

}  // namespace spacemoe
