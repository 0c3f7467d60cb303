#include "host/simd.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <string>

#include "host/errors.hpp"

namespace spacemoe {
namespace {

constexpr std::array all_sets{InstructionSet::scalar, InstructionSet::avx2, InstructionSet::avx512};

bool is_available(InstructionSet set) {
#if defined(SPACEMOE_SIMD_X86)
  if (set == InstructionSet::avx2) return __builtin_cpu_supports("avx2") != 0;
  if (set == InstructionSet::avx512) {
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
           __builtin_cpu_supports("avx512vbmi") != 0;
  }
#endif
  return set == InstructionSet::scalar;
}

InstructionSet from_environment() {
  auto const& available = available_instruction_sets();
  char const* const wanted = std::getenv("SPACEMOE_SIMD");
  if (wanted == nullptr) return available.back();
  auto const found =
      std::ranges::find(available, std::string_view(wanted), [](InstructionSet s) { return name(s); });
  if (found != available.end()) return *found;
  std::string known;
  for (InstructionSet const set : available) known += " " + std::string(name(set));
  throw BackendError("SPACEMOE_SIMD = '" + std::string(wanted) + "' is not available here; available are" +
                     known);
}

std::atomic<InstructionSet>& current() {
  static std::atomic<InstructionSet> set = from_environment();
  return set;
}

}  // namespace

std::string_view name(InstructionSet set) {
  constexpr std::array<std::string_view, 3> names{"scalar", "avx2", "avx512"};
  return names[static_cast<std::size_t>(set)];
}

std::vector<InstructionSet> const& available_instruction_sets() {
  static std::vector<InstructionSet> const available = [] {
    std::vector<InstructionSet> sets;
    std::ranges::copy_if(all_sets, std::back_inserter(sets), is_available);
    return sets;
  }();
  return available;
}

InstructionSet instruction_set() {
  return current();
}

void use_instruction_set(InstructionSet set) {
  current() = set;
}

}  // namespace spacemoe
