#pragma once

/// Marks a function that runs on the host and, when a CUDA compiler reads it, on the device.
#if defined(__CUDACC__)
#define SPACEMOE_FN __host__ __device__
#else
#define SPACEMOE_FN
#endif

/// Asks for the loop that follows to be unrolled on the device, where arrays it indexes may then live in
/// registers.
#if defined(__CUDA_ARCH__)
#define SPACEMOE_UNROLL _Pragma("unroll")
#else
#define SPACEMOE_UNROLL
#endif
