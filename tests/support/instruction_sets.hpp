#pragma once

#include "host/simd.hpp"

namespace spacemoe::testing {

/// Uses an instruction set until its end.
class WithInstructionSet {
 public:
  explicit WithInstructionSet(InstructionSet set) { use_instruction_set(set); }
  ~WithInstructionSet() { use_instruction_set(found_); }
  WithInstructionSet(WithInstructionSet const&) = delete;
  WithInstructionSet& operator=(WithInstructionSet const&) = delete;

 private:
  InstructionSet found_ = instruction_set();
};

}  // namespace spacemoe::testing
