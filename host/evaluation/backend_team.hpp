#pragma once

#include <memory>
#include <vector>

#include "host/evaluation/backend.hpp"

namespace spacemoe {

/// A backend made of several, at least one, that work at the same time: each takes consecutive snapshots and
/// consecutive tokens, as many as any other, and their results are put together, so it gives the same bits.
/// An error of one is thrown when all are done; of several errors that of the first.
std::unique_ptr<Backend> make_backend_team(std::vector<std::unique_ptr<Backend>> members);

}  // namespace spacemoe
