#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/arguments.hpp"
#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Options that say which backend computes; no result depends on them.
struct BackendChoice {
  std::string word;           ///< auto, cpu or cuda
  std::optional<int> device;  ///< number of a GPU
};

std::vector<OptionSpec> backend_options();

/// Complains about a device of a backend that has none.
BackendChoice backend_choice(Arguments& arguments);

/// The backend chosen; `auto` takes CUDA where a device answers or is named, else the CPU. Throws
/// BackendError, naming the reason, when it is absent.
std::unique_ptr<Backend> make_backend(BackendChoice const& choice);

}  // namespace spacemoe
