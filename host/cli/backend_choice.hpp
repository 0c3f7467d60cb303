#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// Values of --backend.
inline std::vector<std::string> const backend_words{"auto", "cpu", "cuda"};

/// The backend of that name; `auto` takes the fastest that answers. Throws BackendError, naming the reason,
/// when it is absent.
std::unique_ptr<Backend> make_backend(std::string const& word);

}  // namespace spacemoe
