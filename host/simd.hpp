#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

// Hot loops are written once, as an inline body, and compiled for each instruction set by a thin function
// with one of these attributes; everything else in the program stays portable x86-64. Not a flag per file:
// inline functions of the standard library compiled with wider instructions could be picked by the linker for
// the whole program.
#if defined(__x86_64__)
#define SPACEMOE_SIMD_X86 1
#define SPACEMOE_AVX2 [[gnu::target("avx2")]]
#define SPACEMOE_AVX512 \
  [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,prefer-vector-width=512")]]
#endif
#define SPACEMOE_BODY [[gnu::always_inline]] inline

namespace spacemoe {

/// Instruction sets that hot loops are compiled for; all give the same bits.
enum class InstructionSet : std::uint8_t { scalar, avx2, avx512 };

std::string_view name(InstructionSet set);

/// Those that this machine can run, slowest first.
std::vector<InstructionSet> const& available_instruction_sets();

/// The one in use: the fastest available, or what the environment variable SPACEMOE_SIMD (scalar, avx2,
/// avx512) names. Throws BackendError when that is unknown or not available.
InstructionSet instruction_set();

/// Uses a set from now on, for tests and benchmarks.
void use_instruction_set(InstructionSet set);

}  // namespace spacemoe
