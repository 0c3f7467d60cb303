#include "host/evaluation/load.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/layer_distribution.hpp"
#include "host/evaluation/planning.hpp"
#include "host/model/routing_tables.hpp"
#include "host/network/routes.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe {
namespace {

using ::testing::ElementsAre;

constexpr double message_bit = 800;
constexpr double expert_s = 2e-3;
constexpr double gateway_s = 0.5e-3;
constexpr double head_s = 1e-3;

/// Nodes 0 to n - 1 in a row, or in a ring, 1 us apart.
Scenario listed_scenario(std::uint32_t nodes, bool ring) {
  Scenario scenario;
  scenario.seed = {3};
  scenario.listed_nodes = nodes;
  for (std::uint32_t i = 0; i + 1 < nodes; ++i)
    scenario.listed_links.push_back({SatelliteId{i}, SatelliteId{i + 1}, 1000});
  if (ring) scenario.listed_links.push_back({SatelliteId{0}, SatelliteId{nodes - 1}, 1000});
  scenario.links.message_bit = message_bit;
  scenario.compute.expert_ms = {1e3 * expert_s};
  scenario.compute.gateway_ms = {1e3 * gateway_s};
  scenario.compute.head_ms = 1e3 * head_s;
  return scenario;
}

/// Gives the scenario layers of experts, `top_k` drawn, with these weights [layer][expert].
void set_model(Scenario& scenario, std::uint32_t layers, std::uint32_t top_k, std::vector<double> weight) {
  auto const experts = static_cast<std::uint32_t>(weight.size() / layers);
  scenario.model.layers = scenario.model.moe_layers = layers;
  scenario.model.experts = experts;
  scenario.model.top_k = top_k;
  scenario.weights = {layers, experts, std::move(weight)};
}

Placement placed(std::uint32_t layers, std::vector<std::uint32_t> const& gateways,
                 std::vector<std::uint32_t> const& hosts) {
  Placement placement{layers, static_cast<std::uint32_t>(hosts.size()) / layers, {}, {}};
  for (auto const g : gateways) placement.gateway.push_back(SatelliteId{g});
  for (auto const h : hosts) placement.host.push_back(SatelliteId{h});
  return placement;
}

PlacementLoad load_of(Scenario const& scenario, Placement const& placement) {
  Network const network = make_network(scenario);
  return expected_load(scenario, network, ComputeTimes(scenario.model, scenario.compute), placement,
                       *make_cpu_backend());
}

/// Mean traffic in messages per token, [link][direction].
std::vector<double> messages(PlacementLoad const& load) {
  std::vector<double> sent;
  for (Load const& link : load.link_bit) sent.push_back(link.mean / message_bit);
  return sent;
}

std::vector<double> work(PlacementLoad const& load) {
  std::vector<double> done;
  for (Load const& satellite : load.work_s) done.push_back(satellite.mean);
  return done;
}

void expect_near(std::vector<double> const& computed, std::vector<double> const& expected) {
  ASSERT_EQ(computed.size(), expected.size());
  for (std::size_t i = 0; i < computed.size(); ++i) EXPECT_NEAR(computed[i], expected[i], 1e-12) << i;
}

TEST(ExpectedLoad, OfALineOfFiveByHand) {
  Scenario scenario = listed_scenario(5, false);
  set_model(scenario, 1, 1, {3, 1});
  PlacementLoad const load = load_of(scenario, placed(1, {0}, {2, 4}));
  expect_near(messages(load), {1, 1, 1, 1, 0.25, 0.25, 0.25, 0.25});
  expect_near(work(load), {gateway_s + head_s, 0, 0.75 * expert_s, 0, 0.25 * expert_s});
}

TEST(ExpectedLoad, GoesOnToTheNextGateway) {
  Scenario scenario = listed_scenario(5, false);
  set_model(scenario, 2, 1, {3, 1, 1, 1});
  // 0 -> {1, 3} -> 4, then 4 -> {2, 4} -> 0.
  PlacementLoad const load = load_of(scenario, placed(2, {0, 4}, {1, 3, 2, 4}));
  expect_near(messages(load), {1, 1,            //
                               0.25 + 0.75, 1,  //
                               0.25 + 0.75, 1,  //
                               1, 0.5 + 0.5});
  expect_near(work(load), {gateway_s + head_s, 0.75 * expert_s, 0.5 * expert_s, 0.25 * expert_s,
                           gateway_s + 0.5 * expert_s});
}

TEST(ExpectedLoad, ReturnsToItsOwnGatewayAndForwards) {
  Scenario scenario = listed_scenario(5, false);
  scenario.aggregation = Aggregation::own_gateway;
  set_model(scenario, 2, 1, {3, 1, 1, 1});
  // 1 -> {0, 3} -> 1 -> 4, then 4 -> {2, 4} -> 4 -> 1.
  PlacementLoad const load = load_of(scenario, placed(2, {1, 4}, {0, 3, 2, 4}));
  expect_near(messages(load), {0.75, 0.75,                      //
                               0.25 + 1, 0.25 + 1,              //
                               0.25 + 1 + 0.5, 0.25 + 1 + 0.5,  //
                               1 + 0.5, 1 + 0.5});
}

TEST(ExpectedLoad, OfARingOfSixTakesTheRouteOfLowestIds) {
  Scenario scenario = listed_scenario(6, true);
  set_model(scenario, 1, 2, {1, 1, 1, 1});
  // Every expert is drawn by half of the tokens. To 3 by 1 and 2, and back.
  PlacementLoad const load = load_of(scenario, placed(1, {0}, {3, 5, 2, 0}));
  // Links by (a, b): 0-1, 0-5, 1-2, 2-3, 3-4, 4-5.
  expect_near(messages(load), {1, 1, 0.5, 0.5, 1, 1, 0.5, 0.5, 0, 0, 0, 0});
}

TEST(ExpectedLoad, RunsAroundARingInOneDirection) {
  Scenario scenario = listed_scenario(6, true);
  set_model(scenario, 3, 1, {1, 1, 1});
  // Links by (a, b): 0-1, 0-5, 1-2, 2-3, 3-4, 4-5; only 5 to 0 runs from b to a.
  std::vector<double> const around{1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0};
  expect_near(messages(load_of(scenario, placed(3, {0, 2, 4}, {1, 3, 5}))), around);
  scenario.aggregation = Aggregation::own_gateway;  // with every expert at its gateway
  expect_near(messages(load_of(scenario, placed(3, {0, 2, 4}, {0, 2, 4}))), around);
}

TEST(ExpectedLoad, SumsWhatSharesAHost) {
  Scenario scenario = listed_scenario(3, false);
  set_model(scenario, 1, 2, {2, 1, 1});
  PlacementLoad const load = load_of(scenario, placed(1, {0}, {2, 2, 1}));
  // Expert 0 is drawn with 2/4 + 2 (1/4 2/3), the others with (2 - 5/6) / 2.
  expect_near(messages(load), {2, 2, 2 - 7.0 / 12, 2 - 7.0 / 12});
  expect_near(work(load), {gateway_s + head_s, 7.0 / 12 * expert_s, (2 - 7.0 / 12) * expert_s});
}

TEST(ExpectedLoad, PeaksInTheSlotsWhereThereIsARoute) {
  Scenario scenario = listed_scenario(2, false);
  scenario.links.survival = 0.5;
  scenario.time.slots = 40;
  set_model(scenario, 1, 1, {1, 3});
  Network const network = make_network(scenario);
  std::uint32_t up = 0;
  std::uint32_t first_up = scenario.time.slots;
  for (std::uint32_t slot = scenario.time.slots; slot-- > 0;) {
    if (network.snapshot(slot, 0, Purpose::evaluation_outage).removal[0] != Removal::none) continue;
    ++up;
    first_up = slot;
  }
  ASSERT_GT(up, 5u);
  ASSERT_LT(up, 35u);
  PlacementLoad const load = load_of(scenario, placed(1, {0}, {0, 1}));
  for (Load const& direction : load.link_bit) {
    EXPECT_NEAR(direction.mean, 0.75 * message_bit * up / 40, 1e-9);
    EXPECT_NEAR(direction.peak, 0.75 * message_bit, 1e-9);
    EXPECT_EQ(direction.peak_slot, first_up);
  }
  // The gateway's own expert needs no link.
  EXPECT_NEAR(load.work_s[0].mean, head_s + gateway_s + 0.25 * expert_s, 1e-15);
  EXPECT_NEAR(load.work_s[1].mean, 0.75 * expert_s * up / 40, 1e-15);
  EXPECT_NEAR(load.work_s[1].peak, 0.75 * expert_s, 1e-15);
}

/// A lossy shell in which experts share hosts.
Scenario shell_scenario(RoutingLaw law, Aggregation aggregation) {
  Scenario scenario = testing::small_scenario();
  scenario.law = law;
  scenario.aggregation = aggregation;
  scenario.links.survival = 0.75;  // some hosts cannot be reached
  set_model(scenario, 5, 3, log_normal_weights(5, 9, 0.8, {1}).weight);
  return scenario;
}

Placement shell_placement() {
  Placement placement = placed(5, {3, 17, 3, 25, 8}, std::vector<std::uint32_t>(45));
  for (std::uint32_t i = 0; i < 45; ++i) placement.host[i] = SatelliteId{(11 * i + i / 7) % 30};
  return placement;
}

constexpr std::pair<RoutingLaw, Aggregation> ways[] = {
    {RoutingLaw::plackett_luce, Aggregation::next_gateway},
    {RoutingLaw::plackett_luce, Aggregation::own_gateway},
    {RoutingLaw::conditional_poisson, Aggregation::next_gateway},
    {RoutingLaw::conditional_poisson, Aggregation::own_gateway}};

/// Sums over tokens of what a token loads, and of its square.
struct Tally {
  double sum = 0;
  double squares = 0;

  void add(double amount) {
    sum += amount;
    squares += amount * amount;
  }
};

/// One slot, walked through token by token.
class TokenWalk {
 public:
  TokenWalk(Scenario const& scenario, Network const& network, Placement const& placement, std::uint32_t slot)
      : scenario_(scenario),
        placement_(placement),
        compute_(scenario.model, scenario.compute),
        tables_(scenario.law, scenario.weights, scenario.model.top_k),
        slot_(slot),
        batch_(snapshots(scenario, network, slot, 1, Purpose::evaluation_outage)),
        backend_(make_cpu_backend()) {
    Wiring const& wiring = network.wiring();
    for (std::size_t i = 0; i < wiring.links.size(); ++i) {
      direction_[{wiring.links[i].a, wiring.links[i].b}] = directions * i;
      direction_[{wiring.links[i].b, wiring.links[i].a}] = directions * i + 1;
    }
  }

  /// Load of a token [satellites, then directions of links].
  std::map<std::size_t, double> token(std::uint32_t number) {
    std::map<std::size_t, double> load;
    bool const own = scenario_.aggregation == Aggregation::own_gateway;
    std::vector<ExpertIndex> picks(scenario_.model.top_k);
    load[index(placement_.gateway[0])] += seconds(compute_.head_ns(placement_.gateway[0]));
    for (std::uint32_t l = 0; l < placement_.layers; ++l) {
      SatelliteId const gateway = placement_.gateway[l];
      SatelliteId const next = placement_.next_gateway(l);
      load[index(gateway)] += seconds(compute_.gateway_ns(l, gateway));
      draw_experts(tables_.view(), scenario_.seed, slot_, number, l, picks);
      for (ExpertIndex const e : picks) {
        SatelliteId const host = placement_.host_of(l, e);
        if (!way(gateway, host).empty()) load[index(host)] += seconds(compute_.expert_ns(l, e, host));
        send(way(gateway, host), load);
        auto back = way(own ? gateway : next, host);
        std::ranges::reverse(back);
        send(back, load);
      }
      if (own) send(way(gateway, next), load);
    }
    return load;
  }

 private:
  static double seconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e9; }

  std::vector<SatelliteId> way(SatelliteId from, SatelliteId to) {
    auto const [found, is_new] = ways_.try_emplace({from, to});
    if (is_new) {
      auto const latency = backend_->path_latencies(batch_, std::span(&from, 1))->row(0, 0);
      found->second = route(batch_, from, to, latency);
    }
    return found->second;
  }

  void send(std::vector<SatelliteId> const& along, std::map<std::size_t, double>& load) const {
    for (std::size_t i = 1; i < along.size(); ++i) {
      load[batch_.wiring->nodes + direction_.at({along[i - 1], along[i]})] += scenario_.links.message_bit;
    }
  }

  Scenario const& scenario_;
  Placement const& placement_;
  ComputeTimes compute_;
  RoutingTables tables_;
  std::uint32_t slot_;
  SnapshotBatch batch_;
  std::unique_ptr<Backend> backend_;
  std::map<std::pair<SatelliteId, SatelliteId>, std::size_t> direction_;
  std::map<std::pair<SatelliteId, SatelliteId>, std::vector<SatelliteId>> ways_;
};

TEST(ExpectedLoad, IsTheMeanOverTokensThatAreWalked) {
  constexpr std::uint32_t tokens = 4000;  // per slot
  for (auto const& [law, aggregation] : ways) {
    Scenario const scenario = shell_scenario(law, aggregation);
    Network const network = make_network(scenario);
    Placement const placement = shell_placement();
    PlacementLoad const load = load_of(scenario, placement);
    std::vector<double> expected;
    for (Load const& l : load.work_s) expected.push_back(l.mean);
    for (Load const& l : load.link_bit) expected.push_back(l.mean);
    std::vector<double> sum(expected.size(), 0.0);
    std::vector<double> variance(expected.size(), 0.0);  // of the sum, slot by slot
    for (std::uint32_t slot = 0; slot < scenario.time.slots; ++slot) {
      TokenWalk walk(scenario, network, placement, slot);
      std::map<std::size_t, Tally> tally;
      for (std::uint32_t t = 0; t < tokens; ++t) {
        for (auto const& [place, amount] : walk.token(t)) tally[place].add(amount);
      }
      for (auto const& [place, t] : tally) {
        sum[place] += t.sum;
        variance[place] += std::max(0.0, t.squares - t.sum * t.sum / tokens);
      }
    }
    double const all = double{tokens} * scenario.time.slots;
    double chi_squared = 0;
    int free = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      double const error = std::sqrt(variance[i]) / all;
      double const difference = sum[i] / all - expected[i];
      EXPECT_LE(std::abs(difference), 4.5 * error + 1e-9 * expected[i]) << i;
      if (error <= 1e-9 * expected[i]) continue;
      chi_squared += difference * difference / (error * error);
      ++free;
    }
    EXPECT_GT(free, 80);
    EXPECT_NEAR(chi_squared / free, 1, 0.6);  // loads hang together, so that this is loose
  }
}

TEST(ExpectedLoad, OfAllLinksIsMessagesTimesHops) {
  for (auto const& [law, aggregation] : ways) {
    bool const own = aggregation == Aggregation::own_gateway;
    Scenario const scenario = shell_scenario(law, aggregation);
    Network const network = make_network(scenario);
    Placement const placement = shell_placement();
    auto const sampled = RoutingTables(law, scenario.weights, 3).sampled_weights();
    auto const backend = make_cpu_backend();
    double expected = 0;
    for (std::uint32_t slot = 0; slot < scenario.time.slots; ++slot) {
      SnapshotBatch const batch = snapshots(scenario, network, slot, 1, Purpose::evaluation_outage);
      auto const paths = backend->path_latencies(batch, placement.gateway);
      std::vector<std::vector<std::uint32_t>> hops;
      for (std::uint32_t l = 0; l < 5; ++l)
        hops.push_back(hop_counts(batch, placement.gateway[l], paths->row(0, l)));
      auto const count = [&](std::uint32_t l, SatelliteId to) {
        return hops[l][index(to)] == no_route ? 0.0 : hops[l][index(to)];
      };
      for (std::uint32_t l = 0; l < 5; ++l) {
        auto const chance = LayerLaw(law, Span(sampled.layer(l), 9), 3).inclusion();
        for (std::uint32_t e = 0; e < 9; ++e) {
          SatelliteId const host = placement.host_of(l, e);
          expected += chance[e] * (count(l, host) + count(own ? l : (l + 1) % 5, host));
        }
        if (own) expected += count(l, placement.next_gateway(l));
      }
    }
    double sum = 0;
    for (Load const& direction : load_of(scenario, placement).link_bit) sum += direction.mean;
    EXPECT_NEAR(sum, expected * scenario.links.message_bit / scenario.time.slots, 1e-9 * sum);
  }
}

TEST(ExpectedLoad, IsTheSameOnEveryNumberOfThreads) {
  Scenario const scenario = shell_scenario(RoutingLaw::plackett_luce, Aggregation::next_gateway);
  Placement const placement = shell_placement();
  PlacementLoad alone, several;
  with_threads(1, [&] { alone = load_of(scenario, placement); });
  with_threads(5, [&] { several = load_of(scenario, placement); });
  EXPECT_EQ(alone, several);
}

TEST(Busiest, AreTheGreatestPeaksAndNeverTheIdle) {
  std::vector<Load> const loads{{1, 2, 0}, {0, 0, 0}, {2, 5, 1}, {1, 2, 3}, {4, 4, 0}};
  EXPECT_THAT(busiest(loads, 3), ElementsAre(2, 4, 0));
  EXPECT_THAT(busiest(loads, 9), ElementsAre(2, 4, 0, 3));
}

TEST(SaturatingRate, UsesUpTheCapacityInThePeak) {
  EXPECT_EQ(saturating_rate_hz(Load{1, 4, 0}, 100), 25);
  EXPECT_EQ(saturating_rate_hz(Load{}, 100), std::numeric_limits<double>::infinity());
  std::vector<Load> const loads{{1, 4, 0}, {}, {2, 5, 1}};
  EXPECT_EQ(saturating_rate_hz(loads, 100), 20);
}

}  // namespace
}  // namespace spacemoe
