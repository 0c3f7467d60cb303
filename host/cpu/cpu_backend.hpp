#pragma once

#include <functional>
#include <memory>

#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// The backend that every build has.
std::unique_ptr<Backend> make_cpu_backend();

/// Runs `work`, and all parallel loops inside it, on `threads` threads (0: all cores). No result depends on
/// it.
void with_threads(unsigned threads, std::function<void()> const& work);

}  // namespace spacemoe
