#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "host/network/network.hpp"
#include "host/search/layout.hpp"
#include "host/search/mean_model.hpp"
#include "host/search/moves.hpp"

namespace spacemoe {

/// A move and what the mean model expects of it.
struct Candidate {
  MoveKind kind;
  std::vector<Layout::Change> changes;
  double mean_change_ns;
};

/// Tries the changes of a candidate on a layout that has gone on since; false where they no longer fit.
bool try_again(Layout& layout, Candidate const& candidate);

/// What a local search looks at around a placement.
struct Neighbourhood {
  bool gateways = true;            ///< also moves that move gateways
  std::uint32_t links = 2;         ///< how far a gateway moves
  std::uint32_t near_places = 64;  ///< satellites of least mean cost to which a layer's experts move
  std::uint32_t near_ranks = 8;    ///< experts of a layer swap whose mean costs are so many ranks apart
  std::size_t most = 16384;        ///< moves that are kept: those of which the mean model expects most
  std::optional<RingShell> ring;   ///< that is shifted
};

/// Moves around a layout, the most promising first, whose gateways are all `known`. The layout is as before.
std::vector<Candidate> candidates(Layout& layout, MeanModel const& model, Wiring const& wiring,
                                  Neighbourhood const& around, std::function<bool(SatelliteId)> const& known);

/// Satellites within so many links of any of `centres`, by rising id.
std::vector<SatelliteId> within_links(Wiring const& wiring, std::span<SatelliteId const> centres,
                                      std::uint32_t links);

}  // namespace spacemoe
