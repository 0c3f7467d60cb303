#include "host/evaluation/costs.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/errors.hpp"
#include "host/evaluation/planning.hpp"
#include "host/model/routing_tables.hpp"
#include "kernels/token.hpp"
#include "tests/support/enumeration.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

/// Latencies [ns] between all satellites in one slot: [a][b].
using Paths = std::vector<std::vector<Nanoseconds>>;

Paths all_paths(PathTable const& table, std::uint32_t slot, std::uint32_t satellites) {
  Paths paths;
  for (std::uint32_t s = 0; s < satellites; ++s) paths.push_back(table.row(slot, s));
  return paths;
}

std::vector<SatelliteId> all_satellites(Scenario const& scenario) {
  std::vector<SatelliteId> all;
  for (std::uint32_t s = 0; s < satellites(scenario); ++s) all.push_back(satellite(s));
  return all;
}

/// Costs by definition, from all paths of a slot; nothing is what no working satellite or path serves.
class Naive {
 public:
  Naive(Scenario const& scenario, ComputeTimes const& compute, Placement const& placement, Paths const& paths,
        SlotDamage const* damage)
      : scenario_(scenario), compute_(compute), placement_(placement), paths_(paths), damage_(damage) {}

  struct Served {
    SatelliteId host;
    std::uint64_t path_ns;
    std::uint64_t compute_ns;
  };

  std::optional<SatelliteId> gateway(std::uint32_t layer) const {
    std::vector<SatelliteId> all{placement_.gateway[layer]};
    for (SpareGateway const& spare : placement_.spare) {
      if (spare.layer == layer) all.push_back(spare.satellite);
    }
    auto const first = std::ranges::find_if(all, [this](SatelliteId id) { return works(id); });
    return first == all.end() ? std::nullopt : std::optional(*first);
  }

  /// Without experts.
  std::optional<std::uint64_t> layer_ns(std::uint32_t layer) const {
    auto const here = gateway(layer);
    auto const next = gateway((layer + 1) % placement_.layers);
    if (!here || !next) return std::nullopt;
    std::uint64_t const compute_ns = slow(compute_.gateway_ns(layer, *here), *here);
    if (!own_gateway()) return compute_ns;
    auto const forward = path(*here, *next);
    if (!forward) return std::nullopt;
    return compute_ns + *forward;
  }

  /// Between gateways that work.
  std::optional<Served> expert(std::uint32_t layer, std::uint32_t expert) const {
    SatelliteId const from = *gateway(layer);
    SatelliteId const to = own_gateway() ? from : *gateway((layer + 1) % placement_.layers);
    std::optional<Served> best;
    std::vector<SatelliteId> copies{placement_.host_of(layer, expert)};
    for (Replica const& r : placement_.replica) {
      if (r.layer == layer && r.expert == expert) copies.push_back(r.host);
    }
    for (SatelliteId const host : copies) {
      auto const there = path(from, host);
      auto const back = path(host, to);
      if (!works(host) || !there || !back) continue;
      Served const served{host, *there + *back, slow(compute_.expert_ns(layer, expert, host), host)};
      if (!best || served.path_ns + served.compute_ns < best->path_ns + best->compute_ns) best = served;
    }
    return best;
  }

  std::optional<std::uint64_t> layer_ns(std::uint32_t layer, Picks const& picks) const {
    auto const alone_ns = layer_ns(layer);
    if (!alone_ns) return std::nullopt;
    std::vector<Served> serving;
    for (ExpertIndex const e : picks) {
      auto const served = expert(layer, e);
      if (!served) return std::nullopt;
      serving.push_back(*served);
    }
    std::uint64_t slowest_ns = 0;
    for (Served const& one : serving) {
      auto const on_host = std::ranges::count(serving, one.host, &Served::host);
      slowest_ns = std::max(slowest_ns, one.path_ns + static_cast<std::uint64_t>(on_host) * one.compute_ns);
    }
    return *alone_ns + slowest_ns;
  }

  std::uint64_t head_ns() const {
    auto const first = gateway(0);
    return first ? slow(compute_.head_ns(*first), *first) : compute_.head_ns(placement_.gateway[0]);
  }

 private:
  bool own_gateway() const { return scenario_.aggregation == Aggregation::own_gateway; }
  bool works(SatelliteId id) const {
    return damage_ == nullptr || (damage_->off[index(id)] == 0 && std::isfinite(damage_->slowdown_of(id)));
  }
  std::uint64_t slow(std::uint64_t ns, SatelliteId id) const {
    double const times = damage_ == nullptr ? 1 : damage_->slowdown_of(id);
    return ns == 0 ? 0 : static_cast<std::uint64_t>(std::llround(static_cast<double>(ns) * times));
  }
  std::optional<std::uint64_t> path(SatelliteId a, SatelliteId b) const {
    Nanoseconds const ns = paths_[index(a)][index(b)];
    return ns == unreachable ? std::nullopt : std::optional<std::uint64_t>(ns);
  }

  Scenario const& scenario_;
  ComputeTimes const& compute_;
  Placement const& placement_;
  Paths const& paths_;
  SlotDamage const* damage_;
};

/// A small scenario whose satellites compute at three rates.
Scenario uneven_scenario(std::uint32_t top_k, Aggregation aggregation) {
  Scenario scenario = small_scenario();
  scenario.model.top_k = top_k;
  scenario.aggregation = aggregation;
  scenario.compute = {};
  scenario.model.vocabulary = 500;
  scenario.model.context = 32;
  for (std::uint32_t s = 0; s < satellites(scenario); ++s) {
    scenario.compute.satellite_rate_flop_s.push_back(1e7 * (1 + s % 3));
  }
  return scenario;
}

/// Anything anywhere: layers share gateways, experts hosts, and replicas lie where other experts are.
Placement random_placement(std::mt19937& random, Scenario const& scenario, bool redundant) {
  std::uint32_t const layers = scenario.weights.layers;
  std::uint32_t const experts = scenario.weights.experts;
  auto const draw = [&] { return satellite(random() % satellites(scenario)); };
  Placement placement{layers, experts, {}, {}};
  for (std::uint32_t l = 0; l < layers; ++l) placement.gateway.push_back(draw());
  for (std::uint32_t e = 0; e < layers * experts; ++e) placement.host.push_back(draw());
  if (!redundant) return placement;
  for (std::uint32_t i = 0; i < 15; ++i) {
    placement.replica.push_back({static_cast<std::uint32_t>(random() % layers),
                                 static_cast<std::uint32_t>(random() % experts), draw()});
    if (i % 3 == 0) placement.spare.push_back({static_cast<std::uint32_t>(random() % layers), draw()});
  }
  sort_redundancy(placement);
  return placement;
}

Nanoseconds narrowed(std::optional<std::uint64_t> ns) {
  return ns ? static_cast<Nanoseconds>(*ns) : unreachable;
}

/// All sets of `top_k` experts.
std::vector<Picks> all_picks(std::uint32_t experts, std::uint32_t top_k) {
  std::vector<Picks> all;
  for (std::uint32_t set = 0; set < 1u << experts; ++set) {
    Picks picks;
    for (std::uint32_t e = 0; e < experts; ++e) {
      if ((set >> e & 1) != 0) picks.push_back(static_cast<ExpertIndex>(e));
    }
    if (picks.size() == top_k) all.push_back(picks);
  }
  return all;
}

/// What came up in comparisons.
struct Seen {
  std::size_t lost_gateways = 0;
  std::size_t lost_experts = 0;
  std::size_t replicas = 0;
  std::size_t spares = 0;
  std::size_t shared = 0;  ///< layers in which replicas share hosts
};

void expect_naive(Naive const& naive, PlacementCosts const& costs, SlotCosts const& slot,
                  Scenario const& scenario, Placement const& placement, Seen& seen) {
  CostView const view = costs.view(slot);
  auto const picks = all_picks(view.experts, scenario.model.top_k);
  EXPECT_EQ(view.fixed_ns, naive.head_ns());
  for (std::uint32_t l = 0; l < placement.layers; ++l) {
    auto const gateway = naive.gateway(l);
    bool const meets = gateway && naive.gateway((l + 1) % placement.layers);
    seen.lost_gateways += gateway ? 0u : 1u;
    seen.spares += gateway && *gateway != placement.gateway[l] ? 1u : 0u;
    EXPECT_EQ(slot.layer_ns[l], narrowed(naive.layer_ns(l)));
    for (Picks const& drawn : picks)
      EXPECT_EQ(layer_latency(view, l, drawn), narrowed(naive.layer_ns(l, drawn)));
    for (std::uint32_t e = 0; meets && e < placement.experts; ++e) {
      std::size_t const entry = l * placement.experts + e;
      auto const served = naive.expert(l, e);
      EXPECT_EQ(slot.expert_ns[entry], served ? served->path_ns + served->compute_ns : unreachable);
      if (slot.serving) {
        EXPECT_EQ(slot.serving->path_ns[entry], served ? served->path_ns : unreachable);
      }
      seen.lost_experts += served ? 0u : 1u;
      seen.replicas += served && served->host != placement.host[entry] ? 1u : 0u;
    }
  }
}

/// Compares all slots of random placements; damage is drawn where `damage` has any.
Seen compare_with_naive(Scenario const& scenario, Damage damage, bool redundant, std::uint32_t trials) {
  std::mt19937 random(4);
  Network const network = make_network(scenario);
  ComputeTimes const compute(scenario.model, scenario.compute);
  auto const backend = make_cpu_backend();
  auto const everywhere = all_satellites(scenario);
  Seen seen;
  for (damage.draw = 0; damage.draw < trials; ++damage.draw) {
    DamagedNetwork const damaged(network, damage, scenario.seed);
    DamagedSlots const slots =
        damaged_snapshots(scenario, network, damaged, 0, scenario.time.slots, Purpose::evaluation_outage);
    auto const table = backend->path_latencies(slots.batch, everywhere);
    Placement const placement = random_placement(random, scenario, redundant);
    std::vector<SatelliteId> gateways;
    add_gateways(placement, gateways);
    PathSources const sources(gateways);
    PlacementCosts const costs(scenario, compute, placement, sources);
    seen.shared += costs.shared_layers();
    for (std::uint32_t slot = 0; slot < scenario.time.slots; ++slot) {
      Paths const paths = all_paths(*table, slot, satellites(scenario));
      std::vector<Nanoseconds> found;
      for (PathQuery const& query : costs.queries()) {
        found.push_back(paths[index(sources.ids()[query.source])][index(query.satellite)]);
      }
      SlotDamage const* state = is_whole(damage) ? nullptr : &slots.state[slot];
      Naive const naive(scenario, compute, placement, paths, state);
      expect_naive(naive, costs, costs.in_slot(found, state), scenario, placement, seen);
    }
  }
  return seen;
}

class Costs : public ::testing::TestWithParam<std::pair<std::uint32_t, Aggregation>> {
 protected:
  static Scenario scenario() { return uneven_scenario(GetParam().first, GetParam().second); }
};

INSTANTIATE_TEST_SUITE_P(Rules, Costs,
                         ::testing::Values(std::pair{1u, Aggregation::next_gateway},
                                           std::pair{2u, Aggregation::next_gateway},
                                           std::pair{3u, Aggregation::own_gateway}),
                         [](auto const& instance) {
                           return "top_" + std::to_string(instance.param.first) +
                                  (instance.param.second == Aggregation::own_gateway ? "_own" : "_next");
                         });

TEST_P(Costs, AreTheNaiveOnesWithoutDamage) {
  Seen const bare = compare_with_naive(scenario(), {}, false, 20);
  EXPECT_EQ(bare.replicas + bare.spares + bare.lost_gateways, 0u);
  Seen const redundant = compare_with_naive(scenario(), {}, true, 20);
  EXPECT_GT(redundant.replicas, 100u);
  EXPECT_EQ(redundant.spares, 0u);
}

TEST_P(Costs, AreTheNaiveOnesOnDamagedNetworks) {
  Damage damage;
  damage[DamageFamily::satellites] = 0.2;
  damage[DamageFamily::links] = 0.1;
  damage[DamageFamily::compute_rate] = 0.3;
  damage[DamageFamily::eclipse] = 0.4;
  Seen const bare = compare_with_naive(scenario(), damage, false, 20);
  EXPECT_GT(bare.lost_gateways, 20u);
  EXPECT_GT(bare.lost_experts, 20u);
  Seen const redundant = compare_with_naive(scenario(), damage, true, 20);
  EXPECT_GT(redundant.lost_gateways, 5u);
  EXPECT_GT(redundant.lost_experts, 5u);
  EXPECT_GT(redundant.replicas, 100u);
  EXPECT_GT(redundant.spares, 20u);
}

TEST_P(Costs, AreTheNaiveOnesWhereTheShadowStopsComputing) {
  Damage damage;
  damage[DamageFamily::eclipse] = 1;
  Seen const redundant = compare_with_naive(scenario(), damage, true, 20);
  EXPECT_GT(redundant.lost_gateways, 20u);
  EXPECT_GT(redundant.spares, 20u);
}

TEST(CostsByHand, TheHeadOfALostGatewayTakesAsLongAsEver) {
  Scenario const scenario = small_scenario();
  Network const network = make_network(scenario);
  ComputeTimes const compute(scenario.model, scenario.compute);
  std::mt19937 random(1);
  Placement const placement = random_placement(random, scenario, false);
  PathSources const sources(placement.gateway);
  PlacementCosts const costs(scenario, compute, placement, sources);
  std::vector<Nanoseconds> const paths(costs.queries().size(), 1000);
  SlotDamage damage;
  damage.off.assign(30, 0);
  damage.slowdown = std::numeric_limits<double>::infinity();
  SlotCosts const slot = costs.in_slot(paths, &damage);
  EXPECT_EQ(costs.view(slot).fixed_ns, 1'000'000u);
  EXPECT_EQ(slot.layer_ns, std::vector<Nanoseconds>(4, unreachable));
  damage.slowdown = 2;
  EXPECT_EQ(costs.view(costs.in_slot(paths, &damage)).fixed_ns, 2'000'000u);
  damage.slowdown = 1e15;  // 63000 years for an expert
  EXPECT_THROW(costs.in_slot(paths, &damage), ScenarioError);
}

TEST(CostsByHand, ReplicasThatShareHostsQueue) {
  // Both experts are drawn; expert 1 has its replica where expert 0 is, with 40 ms less of path.
  Scenario scenario = small_scenario();
  scenario.model.experts = 2;
  scenario.model.layers = scenario.model.moe_layers = 1;
  scenario.weights = uniform_weights(1, 2);
  scenario.compute.expert_ms = {2};
  ComputeTimes const compute(scenario.model, scenario.compute);
  Placement const placement{1, 2, {satellite(0)}, {satellite(1), satellite(2)}, {{0, 1, satellite(1)}}};
  PathSources const sources(placement.gateway);
  PlacementCosts const costs(scenario, compute, placement, sources);
  EXPECT_EQ(costs.shared_layers(), 1u);
  std::vector<Nanoseconds> paths;
  for (PathQuery const& query : costs.queries())
    paths.push_back(index(query.satellite) == 1 ? 1'000'000 : 21'000'000);
  SlotCosts const slot = costs.in_slot(paths);
  std::vector<ExpertIndex> const both{0, 1};
  EXPECT_EQ(layer_latency(costs.view(slot), 0, both), 500'000u + 2'000'000 + 2 * 2'000'000);
}

/// A placement in every slot without damage.
struct Whole {
  PlacementCosts costs;
  std::vector<SlotCosts> slots;

  Whole(Scenario const& scenario, ComputeTimes const& compute, Placement const& placement,
        Network const& network, Backend& backend)
      : Whole(scenario, compute, placement, network, backend, sources_of(placement)) {}

 private:
  static PathSources sources_of(Placement const& placement) {
    std::vector<SatelliteId> gateways;
    add_gateways(placement, gateways);
    return PathSources(std::move(gateways));
  }
  Whole(Scenario const& scenario, ComputeTimes const& compute, Placement const& placement,
        Network const& network, Backend& backend, PathSources const& sources)
      : costs(scenario, compute, placement, sources) {
    auto const batch = snapshots(scenario, network, 0, scenario.time.slots, Purpose::evaluation_outage);
    auto const found = backend.path_latencies(batch, sources.ids())->gather(costs.queries());
    std::size_t const queries = costs.queries().size();
    for (std::size_t slot = 0; slot < scenario.time.slots; ++slot) {
      slots.push_back(costs.in_slot(std::span(found).subspan(slot * queries, queries)));
    }
  }
};

/// Tokens that got faster; none may get slower, nor an expert.
std::size_t faster_tokens(Scenario const& scenario, Whole const& bare, Whole const& redundant) {
  RoutingTables const routing(scenario.law, scenario.weights, scenario.model.top_k);
  std::vector<Nanoseconds> layer_ns(scenario.weights.layers);
  std::size_t faster = 0;
  for (std::uint32_t slot = 0; slot < scenario.time.slots; ++slot) {
    SlotCosts const& before = bare.slots[slot];
    SlotCosts const& after = redundant.slots[slot];
    EXPECT_EQ(after.layer_ns, before.layer_ns);
    for (std::size_t e = 0; e < before.expert_ns.size(); ++e)
      EXPECT_LE(after.expert_ns[e], before.expert_ns[e]);
    for (std::uint32_t token = 0; token < 300; ++token) {
      auto const latency_ns = [&](Whole const& whole, SlotCosts const& costs) {
        return token_latency(routing.view(), whole.costs.view(costs), scenario.seed, slot, token, layer_ns);
      };
      std::uint64_t const before_ns = latency_ns(bare, before);  // lost tokens are the slowest
      std::uint64_t const after_ns = latency_ns(redundant, after);
      EXPECT_LE(after_ns, before_ns);
      faster += after_ns < before_ns ? 1u : 0u;
    }
  }
  return faster;
}

TEST(PlannedReplicas, MakeNoTokenSlowerWithoutDamage) {
  auto const backend = make_cpu_backend();
  for (std::uint32_t const top_k : {1u, 2u, 4u}) {
    for (std::uint32_t const capacity : {1u, 3u}) {
      for (Aggregation const aggregation : {Aggregation::next_gateway, Aggregation::own_gateway}) {
        Scenario scenario = uneven_scenario(top_k, aggregation);
        scenario.constellation.shells.front().satellites_per_plane = 10;
        scenario.compute.satellite_rate_flop_s.resize(60, 3e7);
        scenario.capacity = capacity;
        scenario.redundancy.replicas = capacity == 1 ? 1 : 2;
        scenario.redundancy.spare_gateways = 1;
        ComputeTimes const compute(scenario.model, scenario.compute);
        Network const network = make_network(scenario);
        PlanningPaths paths(scenario, network);
        PlacementPlanner planner(scenario, paths, compute, *backend);
        std::size_t faster = 0;
        for (Strategy const strategy :
             {Strategy::rand_place, Strategy::spacemoe, Strategy::colocated, Strategy::greedy}) {
          Placement const bare = planner.placements(strategy).front();
          Placement const redundant = planner.with_redundancy(bare);
          ASSERT_TRUE(has_redundancy(redundant));
          ASSERT_EQ(redundant.host, bare.host);
          ASSERT_EQ(redundant.gateway, bare.gateway);
          faster += faster_tokens(scenario, {scenario, compute, bare, network, *backend},
                                  {scenario, compute, redundant, network, *backend});
        }
        EXPECT_GT(faster, 100u);
      }
    }
  }
}

}  // namespace
}  // namespace spacemoe::testing
