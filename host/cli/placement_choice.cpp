#include "host/cli/placement_choice.hpp"

#include <utility>

namespace spacemoe {

std::optional<PlacementFile> placement_choice(Arguments& arguments) {
  auto const file = arguments.text("placement");
  auto strategy = arguments.text("placement-strategy");
  if (!file) {
    if (strategy) arguments.complain("placement-strategy", "has no effect", "give --placement, too");
    return std::nullopt;
  }
  return PlacementFile{*file, std::move(strategy), "--placement", "--placement-strategy"};
}

}  // namespace spacemoe
