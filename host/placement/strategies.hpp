#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "host/constellation/constellation.hpp"
#include "host/model/activation.hpp"
#include "host/model/compute.hpp"
#include "host/placement/placement.hpp"
#include "kernels/draw.hpp"

namespace spacemoe {

enum class Strategy : std::uint8_t {
  rand_place,
  rand_intra,
  rand_intra_cg,
  spacemoe,
  near_random,
  colocated,
  greedy,
  staircase,
  refined,  ///< found by a search
  file,
};

std::string_view name(Strategy strategy);
std::optional<Strategy> strategy_named(std::string_view name);
std::vector<Strategy> const& all_strategies();

/// Whether plan() knows the strategy; others are searched for or read.
bool is_planned(Strategy strategy);
/// Whether a strategy draws at random, so that several placements are averaged.
bool is_random(Strategy strategy);
/// Whether a strategy needs the planes and slots of a shell.
bool needs_shell(Strategy strategy);

/// Expected path latency from each source to every satellite, over slots and planning outages: rows
/// [source][satellite], each the sum over slots in ns. An unreachable slot counts as twice that slot's
/// greatest finite latency from the source.
using ExpectedPathLatencies =
    std::function<std::vector<std::vector<std::uint64_t>>(std::span<SatelliteId const> sources)>;

/// The shell on which the ring of subnets lies.
struct RingShell {
  SatelliteId first{};
  std::uint32_t planes = 0;
  std::uint32_t satellites_per_plane = 0;
};

/// What strategies plan with.
struct PlanningContext {
  PlacementLimits limits;
  Aggregation aggregation = Aggregation::next_gateway;
  std::optional<RingShell> ring;     ///< absent in a listed network
  std::vector<std::uint32_t> plane;  ///< [satellite], counted over all shells; empty in a listed network
  ActivationWeights const* weights = nullptr;
  ComputeTimes const* compute = nullptr;
  std::uint32_t top_k = 1;  ///< experts that a token draws per layer
  std::uint32_t slots = 0;  ///< how many slots expected_latencies sums over
  ExpectedPathLatencies expected_latencies;
  Seed seed;
};

/// The placement number `placement` of a strategy (0 for those that are not random). Throws ScenarioError
/// when the places do not suffice, naming the subnet and the remedy. Strategy::refined and Strategy::file are
/// not planned here.
Placement plan(Strategy strategy, PlanningContext const& context, std::uint32_t placement);

/// The satellites of the subnet of layer `layer` of `layers`: all planes, the rows of block `layer` of the
/// orbit; layers share a row when there are more layers than rows. Ordered by id.
std::vector<SatelliteId> subnet(RingShell const& ring, std::uint32_t layer, std::uint32_t layers);

/// Central satellite of a subnet: plane floor(P/2), row floor((n-1)/2) of its n rows.
SatelliteId central_gateway(RingShell const& ring, std::uint32_t layer, std::uint32_t layers);

}  // namespace spacemoe
