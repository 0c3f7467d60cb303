#pragma once

#include <cstddef>
#include <vector>

// Loops over double that are written once, in + - * of one order, and compiled for several instruction sets,
// so that every machine gets the same bits. The CPU backend has means of its own for integers.

#if defined(__x86_64__)
#define SPACEMOE_VECTORS_X86 1
#define SPACEMOE_VECTORS_AVX2 [[gnu::target("avx2")]]
#define SPACEMOE_VECTORS_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")]]
#endif
#define SPACEMOE_VECTORS_BODY [[gnu::always_inline]] inline

namespace spacemoe {

/// Numbers in a register of `bytes` bytes.
template <std::size_t bytes>
struct RegisterOf;
template <>
struct RegisterOf<16> {
  using Type [[gnu::vector_size(16)]] = double;
};
template <>
struct RegisterOf<32> {
  using Type [[gnu::vector_size(32)]] = double;
};
template <>
struct RegisterOf<64> {
  using Type [[gnu::vector_size(64)]] = double;
};

#if defined(SPACEMOE_VECTORS_X86)
/// Those ways of doing something that this machine can run, the fastest last.
template <class Function>
std::vector<Function*> runnable(Function* portable, Function* avx2, Function* avx512) {
  std::vector<Function*> ways{portable};
  if (__builtin_cpu_supports("avx2")) ways.push_back(avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    ways.push_back(avx512);
  }
  return ways;
}
#endif

}  // namespace spacemoe
