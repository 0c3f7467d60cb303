#pragma once

#include "host/cli/arguments.hpp"
#include "host/io/scenario_file.hpp"

namespace spacemoe {

/// What `--strategies`, `--tokens`, `--seed`, `--placement`, `--placement-strategy`, `--replicas` and
/// `--spare-gateways` put in place of a scenario's own.
ScenarioOverrides scenario_choice(Arguments& arguments);

}  // namespace spacemoe
