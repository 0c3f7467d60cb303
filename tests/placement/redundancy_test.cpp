#include "host/placement/redundancy.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/errors.hpp"
#include "tests/placement/world.hpp"

namespace spacemoe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::World;

Redundancy replicas(std::uint32_t of_each, std::uint32_t spares = 0) {
  Redundancy redundancy;
  redundancy.replicas = of_each;
  redundancy.spare_gateways = spares;
  return redundancy;
}

Redundancy places(std::uint32_t in_all, double planned_loss) {
  Redundancy redundancy;
  redundancy.replica_places = in_all;
  redundancy.planned_loss = planned_loss;
  return redundancy;
}

std::vector<std::size_t> hosts(Placement const& placement) {
  std::vector<std::size_t> numbers;
  for (Replica const& replica : placement.replica) numbers.push_back(index(replica.host));
  return numbers;
}

/// Three planes of four satellites in a line; a layer with gateway 5, its two experts on 4 and 6.
struct Line : World {
  Line() : World(3, 4, 1, 2) {}
  Placement placement{1, 2, {satellite(5)}, {satellite(4), satellite(6)}};
  std::vector<double> chance{0.3, 0.7};

  Placement with(Redundancy const& redundancy) const {
    return with_redundancy(context, redundancy, chance, placement);
  }
};

TEST(Redundancy, NoneChangesNothing) {
  Line const line;
  EXPECT_TRUE(is_none(Redundancy()));
  EXPECT_EQ(line.with({}), line.placement);
  EXPECT_FALSE(is_none(replicas(1)) || is_none(replicas(0, 1)) || is_none(places(1, 0.1)));
}

TEST(Redundancy, SparesAreTheNearestFreeSatellitesInOtherPlanes) {
  // 4 and 6 host, 7 shares the plane of the gateway; 3 is as far as 7, then come 2 and 8, of which 2 shares
  // the plane of the first spare; where all planes are taken, 7 is next.
  Placement const placement = Line().with(replicas(0, 4));
  EXPECT_THAT(placement.spare, ElementsAre(SpareGateway{0, satellite(3)}, SpareGateway{0, satellite(8)},
                                           SpareGateway{0, satellite(7)}, SpareGateway{0, satellite(2)}));
  EXPECT_THAT(placement.replica, IsEmpty());
}

TEST(Redundancy, SparesMayHostWhereGatewaysMay) {
  Line line;
  line.context.limits.gateways_host_experts = true;
  EXPECT_EQ(line.with(replicas(0, 1)).spare[0].satellite, satellite(3));  // 4 and 6 share the plane
  line.context.plane.clear();
  EXPECT_EQ(line.with(replicas(0, 1)).spare[0].satellite, satellite(4));
}

TEST(Redundancy, ReplicasAreNearInOtherPlanesAndTheFrequentExpertChoosesFirst) {
  // First copies: expert 1 to 3, expert 0 to 2 (before 8, equally far). Second: 8 and 9, the last plane.
  // Third: all planes are taken, 7 is nearest, then 1.
  EXPECT_THAT(hosts(Line().with(replicas(1))), ElementsAre(2, 3));
  EXPECT_THAT(hosts(Line().with(replicas(2))), ElementsAre(2, 9, 3, 8));
  EXPECT_THAT(hosts(Line().with(replicas(3))), ElementsAre(2, 9, 1, 3, 8, 7));
  Line equal;
  equal.chance = {0.5, 0.5};
  EXPECT_THAT(hosts(equal.with(replicas(1))), ElementsAre(3, 2));
}

TEST(Redundancy, ReplicasLeaveSparesAlone) {
  EXPECT_THAT(hosts(Line().with(replicas(1, 1))), ElementsAre(8, 2));  // 3 is the spare
}

TEST(Redundancy, WithoutPlanesTheNearestFreeSatelliteWins) {
  Line line;
  line.context.plane.clear();
  EXPECT_THAT(hosts(line.with(replicas(1))), ElementsAre(7, 3));
}

TEST(Redundancy, SlowSatellitesAreFar) {
  Line line;
  ComputeSpec spec;
  spec.satellite_rate_flop_s.assign(12, 1e9);
  spec.satellite_rate_flop_s[3] = 1e6;
  MoeModel model;
  model.moe_layers = 1;
  model.experts = 2;
  model.hidden_size = model.expert_size = 8;
  ComputeTimes const compute(model, spec);
  line.context.compute = &compute;
  EXPECT_THAT(hosts(line.with(replicas(1))), ElementsAre(8, 2));
}

TEST(Redundancy, OutputsMeetWhereTheAggregationSays) {
  // Layer 0 between gateways 1 and 10: all satellites between them are equally far by the way through, so
  // that the lowest comes first; back at the own gateway, the nearest to it does.
  World world(12, 1, 2, 1);
  world.context.plane.clear();
  Placement const placement{2, 1, {satellite(10), satellite(1)}, {satellite(9), satellite(2)}};
  std::vector<double> const chance{1, 1};
  EXPECT_THAT(hosts(with_redundancy(world.context, replicas(1), chance, placement)), ElementsAre(3, 4));
  world.context.aggregation = Aggregation::own_gateway;
  EXPECT_THAT(hosts(with_redundancy(world.context, replicas(1), chance, placement)), ElementsAre(11, 0));
}

TEST(Redundancy, TooFewPlacesAreInfeasible) {
  auto const complaint = [](Line const& line, Redundancy const& redundancy) -> Complaint {
    try {
      line.with(redundancy);
    } catch (ScenarioError const& error) {
      EXPECT_EQ(error.complaints().size(), 1u);
      return error.complaints().front();
    }
    return {};
  };
  Line line;
  EXPECT_NO_THROW(line.with(replicas(4, 1)));  // 12 satellites: 2 gateways, 2 experts and their 8 replicas
  for (Redundancy const& much : {replicas(5), replicas(4, 2), places(10, 0.1)}) {
    EXPECT_TRUE(complaint(line, much).infeasible);
    EXPECT_THAT(complaint(line, much).what, HasSubstr("no place left for a replica of expert"));
    EXPECT_THAT(complaint(line, much).remedy, HasSubstr("placement.capacity"));
  }
  EXPECT_THAT(complaint(line, replicas(0, 10)).what,
              HasSubstr("no place left for a spare gateway of layer 0"));
  EXPECT_TRUE(complaint(line, replicas(0, 10)).infeasible);
  // More room on each satellite is none for the same layer.
  line.context.limits.capacity = 5;
  EXPECT_TRUE(complaint(line, replicas(5)).infeasible);
}

/// Copies of every expert beside its host.
std::vector<std::uint32_t> counts(Placement const& placement) {
  std::vector<std::uint32_t> counts(placement.host.size(), 0);
  for (Replica const& replica : placement.replica)
    ++counts[replica.layer * placement.experts + replica.expert];
  return counts;
}

/// Drawn experts of which a copy is left, by expectation, where each copy is lost on its own.
double kept(std::vector<double> const& chance, std::vector<std::uint32_t> const& replicas, double loss) {
  double sum = 0;
  for (std::size_t e = 0; e < chance.size(); ++e) sum += chance[e] * (1 - std::pow(loss, 1 + replicas[e]));
  return sum;
}

TEST(Redundancy, ABudgetKeepsAsMuchAsAnyOtherUseOfItsPlaces) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  World world(6, 7, 2, 2);
  Placement const placement{
      2, 2, {satellite(0), satellite(21)}, {satellite(1), satellite(8), satellite(20), satellite(30)}};
  for (std::uint32_t trial = 0; trial < 50; ++trial) {
    std::vector<double> chance;
    for (int e = 0; e < 4; ++e) chance.push_back(std::pow(uniform(random), 3));
    double const loss = uniform(random);
    std::uint32_t const budget = 1 + trial % 7;
    auto const found = counts(with_redundancy(world.context, places(budget, loss), chance, placement));
    ASSERT_EQ(found[0] + found[1] + found[2] + found[3], budget);
    double best = 0;
    for (std::uint32_t a = 0; a <= budget; ++a) {
      for (std::uint32_t b = 0; a + b <= budget; ++b) {
        for (std::uint32_t c = 0; a + b + c <= budget; ++c) {
          best = std::max(best, kept(chance, {a, b, c, budget - a - b - c}, loss));
        }
      }
    }
    EXPECT_NEAR(kept(chance, found, loss), best, 1e-14);
  }
}

TEST(Redundancy, EqualExpertsShareABudgetEvenly) {
  World world(6, 7, 2, 2);
  Placement const placement{
      2, 2, {satellite(0), satellite(21)}, {satellite(1), satellite(8), satellite(20), satellite(30)}};
  std::vector<double> const chance(4, 0.5);
  EXPECT_THAT(counts(with_redundancy(world.context, places(6, 0.1), chance, placement)),
              ElementsAre(2, 2, 1, 1));
  // Never drawn, never copied, as long as others gain.
  std::vector<double> const three{0.5, 0, 0.5, 0.5};
  EXPECT_THAT(counts(with_redundancy(world.context, places(21, 0.1), three, placement)),
              ElementsAre(7, 0, 7, 7));
}

/// Redundancy by definition: one after the other, all satellites compared.
class Naive {
 public:
  Naive(World const& world, Redundancy const& redundancy, std::vector<double> chance, Placement placement)
      : context_(world.context),
        redundancy_(redundancy),
        chance_(std::move(chance)),
        result_(std::move(placement)) {}

  Placement run() {
    for (std::uint32_t l = 0; l < result_.layers; ++l) {
      for (std::uint32_t i = 0; i < redundancy_.spare_gateways; ++i) {
        result_.spare.push_back({l, first([&](SatelliteId id) { return may_stand_by(id); }, gateways_of(l),
                                          [&](SatelliteId id) { return distance(result_.gateway[l], id); })});
      }
    }
    while (auto const expert = next()) {
      std::uint32_t const layer = *expert / result_.experts;
      SatelliteId const to = result_.gateway[layer];
      SatelliteId const back =
          context_.aggregation == Aggregation::own_gateway ? to : result_.next_gateway(layer);
      auto const latency = [&](SatelliteId id) { return distance(to, id) + distance(back, id); };
      SatelliteId const host =
          first([&](SatelliteId id) { return may_host(id, layer); }, copies_of(*expert), latency);
      result_.replica.push_back({layer, *expert % result_.experts, host});
    }
    sort_redundancy(result_);
    return result_;
  }

 private:
  static std::size_t distance(SatelliteId a, SatelliteId b) {
    return index(a) > index(b) ? index(a) - index(b) : index(b) - index(a);
  }

  template <class Allowed, class Latency>
  SatelliteId first(Allowed allowed, std::vector<SatelliteId> const& others, Latency latency) const {
    std::optional<std::tuple<bool, std::size_t, SatelliteId>> best;
    for (std::size_t i = 0; i < context_.limits.satellites; ++i) {
      SatelliteId const id = satellite(i);
      if (!allowed(id)) continue;
      bool const same_plane = std::ranges::any_of(
          others, [&](SatelliteId other) { return context_.plane[index(other)] == context_.plane[i]; });
      std::tuple const candidate(same_plane, latency(id), id);
      if (!best || candidate < *best) best = candidate;
    }
    if (!best) throw ScenarioError(Complaint{"naive", "no place", ""});
    return std::get<2>(*best);
  }

  std::vector<SatelliteId> gateways_of(std::optional<std::uint32_t> layer) const {
    std::vector<SatelliteId> all;
    for (std::uint32_t l = 0; l < result_.layers; ++l) {
      if (!layer || l == *layer) all.push_back(result_.gateway[l]);
    }
    for (SpareGateway const& spare : result_.spare) {
      if (!layer || spare.layer == *layer) all.push_back(spare.satellite);
    }
    return all;
  }
  std::vector<SatelliteId> copies_of(std::uint32_t expert) const {
    std::vector<SatelliteId> all{result_.host[expert]};
    for (Replica const& r : result_.replica) {
      if (r.layer * result_.experts + r.expert == expert) all.push_back(r.host);
    }
    return all;
  }
  std::vector<std::uint32_t> experts_on(SatelliteId id) const {
    std::vector<std::uint32_t> on;
    for (std::uint32_t e = 0; e < result_.host.size(); ++e) {
      auto const count = std::ranges::count(copies_of(e), id);
      on.insert(on.end(), static_cast<std::size_t>(count), e);
    }
    return on;
  }
  bool is_gateway(SatelliteId id) const { return std::ranges::count(gateways_of(std::nullopt), id) > 0; }
  bool may_stand_by(SatelliteId id) const {
    return !is_gateway(id) && (context_.limits.gateways_host_experts || experts_on(id).empty());
  }
  bool may_host(SatelliteId id, std::uint32_t layer) const {
    auto const on = experts_on(id);
    return on.size() < context_.limits.capacity &&
           (context_.limits.gateways_host_experts || !is_gateway(id)) &&
           std::ranges::none_of(on, [&](std::uint32_t e) { return e / result_.experts == layer; });
  }

  /// The expert that is next to get a copy.
  std::optional<std::uint32_t> next() const {
    std::size_t const done = result_.replica.size();
    bool const budget = redundancy_.replica_places > 0;
    if (done == (budget ? redundancy_.replica_places : redundancy_.replicas * result_.host.size())) return {};
    std::optional<std::uint32_t> best;
    auto const rank = [&](std::uint32_t e) {
      std::size_t const copies = copies_of(e).size();
      double const gain = chance_[e] * std::pow(redundancy_.planned_loss, copies);
      return budget ? std::tuple(-gain, copies, 0.0, e) : std::tuple(0.0, copies, -chance_[e], e);
    };
    for (std::uint32_t e = 0; e < result_.host.size(); ++e) {
      if (!best || rank(e) < rank(*best)) best = e;
    }
    return best;
  }

  PlanningContext const& context_;
  Redundancy redundancy_;
  std::vector<double> chance_;
  Placement result_;
};

TEST(Redundancy, IsWhatItsDefinitionSays) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::size_t infeasible = 0;
  constexpr std::size_t trials = 400;
  for (std::size_t trial = 0; trial < trials; ++trial) {
    World world(5, 6, 3, 4);
    world.context.limits.capacity = 1 + static_cast<std::uint32_t>(random() % 3);
    world.context.limits.gateways_host_experts = random() % 2 == 0;
    if (random() % 2 == 0) world.context.aggregation = Aggregation::own_gateway;
    Redundancy redundancy = random() % 2 == 0
                                ? replicas(static_cast<std::uint32_t>(random() % 3))
                                : places(static_cast<std::uint32_t>(random() % 20), uniform(random));
    redundancy.spare_gateways = static_cast<std::uint32_t>(random() % 3);
    Strategy const strategy = random() % 2 == 0 ? Strategy::rand_place : Strategy::greedy;
    Placement const bare = world.plan(strategy, static_cast<std::uint32_t>(trial));
    std::vector<double> chance;
    for (int e = 0; e < 12; ++e) chance.push_back(uniform(random));
    auto const planned = [](auto plan) -> std::optional<Placement> {
      try {
        return plan();
      } catch (ScenarioError const&) {
        return std::nullopt;
      }
    };
    auto const found = planned([&] { return with_redundancy(world.context, redundancy, chance, bare); });
    EXPECT_EQ(found, planned([&] { return Naive(world, redundancy, chance, bare).run(); }))
        << "trial " << trial;
    infeasible += found ? 0u : 1u;
    if (!found) continue;
    EXPECT_THAT(problems(*found, world.context.limits), IsEmpty()) << "trial " << trial;
    EXPECT_EQ(found->gateway, bare.gateway);
    EXPECT_EQ(found->host, bare.host);
  }
  EXPECT_GT(infeasible, trials / 50);
  EXPECT_LT(infeasible, trials / 2);
}

}  // namespace
}  // namespace spacemoe
