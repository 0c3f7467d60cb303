#pragma once

#include <optional>
#include <string>

#include "host/search/comparison.hpp"
#include "host/search/lower_bound.hpp"
#include "host/search/search.hpp"

namespace spacemoe {

/// A search from its start to the comparison on draws that it did not see.
struct SearchRecord {
  Strategy start{};
  std::string start_text;  ///< the strategy, or the file
  Objective objective;
  SearchResult result;
  LowerBound bound;       ///< of the planned mean, of all placements or those with the start's gateways
  Comparison comparison;  ///< a: the start, b: what was found
};

}  // namespace spacemoe
