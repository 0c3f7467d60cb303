#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/backend.hpp"
#include "host/evaluation/backend_team.hpp"
#include "host/evaluation/cuda_backend.hpp"
#include "host/simd.hpp"

namespace spacemoe::testing {

/// A backend under test, on a number of threads and with an instruction set.
struct BackendCase {
  std::string name;
  std::unique_ptr<Backend> (*make)();
  unsigned threads;
  InstructionSet instructions;
};

/// For test names.
inline void PrintTo(BackendCase const& backend_case, std::ostream* out) {
  *out << backend_case.name;
}

template <unsigned members>
std::unique_ptr<Backend> make_team(std::unique_ptr<Backend> (*make)()) {
  std::vector<std::unique_ptr<Backend>> team;
  for (unsigned m = 0; m < members; ++m) team.push_back(make());
  return make_backend_team(std::move(team));
}

inline std::unique_ptr<Backend> make_first_cuda_backend() {
  return make_cuda_backend(0);
}

inline std::vector<BackendCase> backend_cases() {
  std::vector<BackendCase> cases;
  for (InstructionSet const set : available_instruction_sets()) {
    cases.push_back({"cpu_" + std::string(name(set)), make_cpu_backend, 1, set});
  }
  InstructionSet const fastest = available_instruction_sets().back();
  cases.push_back({"cpu_four_threads", make_cpu_backend, 4, fastest});
  cases.push_back({"cpu_team_of_two", [] { return make_team<2>(make_cpu_backend); }, 1, fastest});
  cases.push_back({"cpu_team_of_three", [] { return make_team<3>(make_cpu_backend); }, 1, fastest});
  if (!cuda_status().devices.empty()) {
    cases.push_back({"cuda", make_first_cuda_backend, 1, fastest});
    cases.push_back({"cuda_team_of_two", [] { return make_team<2>(make_first_cuda_backend); }, 1, fastest});
  }
  return cases;
}

/// Assertions that hold on every backend. The first case is the reference.
class EveryBackend : public ::testing::TestWithParam<BackendCase> {
 protected:
  EveryBackend() : backend_(GetParam().make()) { use_instruction_set(GetParam().instructions); }
  ~EveryBackend() override { use_instruction_set(found_); }

  Backend& backend() { return *backend_; }
  /// Runs `work` on the case's threads.
  void run(std::function<void()> const& work) { with_threads(GetParam().threads, work); }

 private:
  InstructionSet found_ = instruction_set();
  std::unique_ptr<Backend> backend_;
};

inline std::string case_name(::testing::TestParamInfo<BackendCase> const& info) {
  return info.param.name;
}

}  // namespace spacemoe::testing
