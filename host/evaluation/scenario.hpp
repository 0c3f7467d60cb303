#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/constellation/constellation.hpp"
#include "host/damage/damage.hpp"
#include "host/evaluation/sampler_choice.hpp"
#include "host/model/activation.hpp"
#include "host/model/compute.hpp"
#include "host/model/moe_model.hpp"
#include "host/network/link_rules.hpp"
#include "host/network/network.hpp"
#include "host/placement/placement.hpp"
#include "host/placement/redundancy.hpp"
#include "host/placement/strategies.hpp"
#include "kernels/draw.hpp"
#include "kernels/routing.hpp"

namespace spacemoe {

/// The instants at which snapshots are taken: start + k * span / slots.
struct TimeGrid {
  std::uint32_t slots = 1;
  double start_s = 0;
  std::optional<double> span_s;  ///< empty: one period of the first shell

  bool operator==(TimeGrid const&) const = default;
};

/// How the strategy `refined` searches; what a search does on its own is the default.
struct SearchSettings {
  std::string start;                      ///< name of a strategy; empty: the best of several
  std::string objective = "mean";         ///< what is made small
  bool worst_case = false;                ///< in the worst slot, outage or topic instead of in all together
  std::optional<double> lost_penalty_ms;  ///< per lost token; empty: no more losses than the start's
  bool move_gateways = true;
  std::optional<std::uint64_t> moves;     ///< that are tried
  std::uint32_t outages = 1;              ///< planning draws per slot
  std::vector<ActivationWeights> topics;  ///< further activation profiles
};

/// Everything that a result depends on, checked.
struct Scenario {
  std::string title;
  Seed seed;

  // Network: a constellation, or a listed graph (then `constellation` has no shells).
  Constellation constellation;
  std::uint32_t listed_nodes = 0;
  std::vector<ListedLink> listed_links;
  LinkRules links;
  TimeGrid time;
  Damage damage;  ///< of the evaluation; nothing is planned for it

  MoeModel model;
  RoutingLaw law = RoutingLaw::plackett_luce;
  ActivationWeights weights;
  ComputeSpec compute;
  Aggregation aggregation = Aggregation::next_gateway;

  std::vector<Strategy> strategies;
  std::uint32_t random_placements = 1;  ///< placements averaged per random strategy
  std::uint32_t capacity = 1;           ///< experts per satellite
  bool gateways_host_experts = false;
  Redundancy redundancy;                   ///< of placements that do not come with their own
  std::uint32_t ring_shell = 0;            ///< shell of the ring of subnets
  std::vector<Placement> file_placements;  ///< for Strategy::file

  SearchSettings search;

  std::uint64_t tokens = 0;  ///< per strategy
  Sampler sampler = Sampler::automatic;

  std::string given_text;  ///< the scenario file as it was read
};

bool is_listed(Scenario const& scenario);
/// Whether two scenarios have the same snapshots before damage, outages included.
bool same_network(Scenario const& a, Scenario const& b);
std::uint32_t satellites(Scenario const& scenario);
/// Duration of all slots [s] and the time of one [s].
double span_s(Scenario const& scenario);
double slot_time_s(Scenario const& scenario, std::uint32_t slot);
Network make_network(Scenario const& scenario);
/// Planning draws per slot of a search that is told nothing else: with fewer than 200 slots in all it would
/// fit their outages; one where no link fails.
std::uint32_t usual_outages(Scenario const& scenario);
PlacementLimits placement_limits(Scenario const& scenario);

}  // namespace spacemoe
