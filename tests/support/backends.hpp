#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe::testing {

/// A backend under test, on a number of threads.
struct BackendCase {
  std::string name;
  std::unique_ptr<Backend> (*make)();
  unsigned threads;
};

inline std::vector<BackendCase> backend_cases() {
  return {{"cpu_one_thread", make_cpu_backend, 1}, {"cpu_four_threads", make_cpu_backend, 4}};
}

/// Assertions that hold on every backend. The first case is the reference.
class EveryBackend : public ::testing::TestWithParam<BackendCase> {
 protected:
  EveryBackend() : backend_(GetParam().make()) {}

  Backend& backend() { return *backend_; }
  /// Runs `work` on the case's threads.
  void run(std::function<void()> const& work) { with_threads(GetParam().threads, work); }

 private:
  std::unique_ptr<Backend> backend_;
};

inline std::string case_name(::testing::TestParamInfo<BackendCase> const& info) {
  return info.param.name;
}

}  // namespace spacemoe::testing
