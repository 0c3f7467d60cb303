#pragma once

/// Marks a function that runs on the host and, when a CUDA compiler reads it, on the device.
#if defined(__CUDACC__)
#define SPACEMOE_FN __host__ __device__
#else
#define SPACEMOE_FN
#endif
