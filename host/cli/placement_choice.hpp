#pragma once

#include <optional>

#include "host/cli/arguments.hpp"
#include "host/io/placement_file.hpp"

namespace spacemoe {

/// The file that `--placement` names, with `--placement-strategy` where it is given.
std::optional<PlacementFile> placement_choice(Arguments& arguments);

}  // namespace spacemoe
