#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/cli/arguments.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Options that say which backend computes; no result depends on them.
struct BackendChoice {
  std::string word;          ///< auto, cpu or cuda
  std::vector<int> devices;  ///< numbers of GPUs, where they were given
  bool all_devices = false;
};

std::vector<OptionSpec> backend_options();

/// Complains about devices that are named twice, in words, or of a backend that has none.
BackendChoice backend_choice(Arguments& arguments);

/// The backend chosen, a team where several devices were; `auto` takes CUDA where devices are named or the
/// first one can be used, else the CPU. Throws BackendError, naming the reason, when it is absent.
std::unique_ptr<Backend> make_backend(BackendChoice const& choice);

}  // namespace spacemoe
