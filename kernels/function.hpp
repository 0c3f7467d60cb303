#pragma once

/// Marks a function that runs on the host and, when a CUDA compiler reads it, on the device.
#if defined(__CUDACC__)
#define SPACEMOE_FN __host__ __device__
#else
#define SPACEMOE_FN
#endif

/// The same, for small functions of templates that vectors pass through: those must never be called.
#if defined(__CUDACC__)
#define SPACEMOE_INLINE __host__ __device__ __forceinline__
#else
#define SPACEMOE_INLINE [[gnu::always_inline]] inline
#endif

/// Asks for the loop that follows to be unrolled on the device, where arrays it indexes may then live in
/// registers.
#if defined(__CUDA_ARCH__)
#define SPACEMOE_UNROLL _Pragma("unroll")
#else
#define SPACEMOE_UNROLL
#endif

/// Asks for a loop of at most 16 turns to be unrolled everywhere; nvcc's host compilation takes no pragma.
#if defined(__CUDA_ARCH__)
#define SPACEMOE_UNROLL_16 _Pragma("unroll")
#elif defined(__CUDACC__)
#define SPACEMOE_UNROLL_16
#else
#define SPACEMOE_UNROLL_16 _Pragma("GCC unroll 16")
#endif
