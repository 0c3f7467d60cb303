#include "host/cli/scenario_choice.hpp"

#include <limits>
#include <utility>

namespace spacemoe {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();

/// The file that `--placement` names, with `--placement-strategy` where it is given.
std::optional<PlacementFile> placement_choice(Arguments& arguments) {
  auto const file = arguments.text("placement");
  auto strategy = arguments.text("placement-strategy");
  if (!file) {
    if (strategy) arguments.complain("placement-strategy", "has no effect", "give --placement, too");
    return std::nullopt;
  }
  return PlacementFile{*file, std::move(strategy), "--placement", "--placement-strategy"};
}

}  // namespace

ScenarioOverrides scenario_choice(Arguments& arguments) {
  return {arguments.list("strategies"),
          arguments.number("tokens", 1, most),
          arguments.number("seed", 0, most),
          placement_choice(arguments),
          arguments.number("replicas", 0, most_copies),
          arguments.number("spare-gateways", 0, most_copies)};
}

}  // namespace spacemoe
