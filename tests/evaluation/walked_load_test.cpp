#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "host/evaluation/layer_distribution.hpp"
#include "host/evaluation/planning.hpp"
#include "host/model/routing_tables.hpp"
#include "host/network/routes.hpp"
#include "tests/evaluation/loads.hpp"
#include "tests/support/scenarios.hpp"

// Loads against tokens that are walked through the network one by one, and against what messages come to.

namespace spacemoe::testing {
namespace {

struct Scene {
  std::string name;
  Scenario scenario;
  Placement placement;
};

std::ostream& operator<<(std::ostream& out, Scene const& scene) {
  return out << scene.name;
}

constexpr std::uint32_t layers = 5;
constexpr std::uint32_t experts = 9;

/// A lossy shell in which experts share hosts; some hosts cannot be reached.
Scene one_shell(std::string name, RoutingLaw law, Aggregation aggregation) {
  Scenario scenario = small_scenario();
  scenario.law = law;
  scenario.aggregation = aggregation;
  scenario.links.survival = 0.75;
  set_model(scenario, layers, 3, log_normal_weights(layers, experts, 0.8, {1}).weight);
  Placement placement = placed(layers, {3, 17, 3, 25, 8}, std::vector<std::uint32_t>(layers * experts));
  for (std::uint32_t i = 0; i < placement.host.size(); ++i) {
    placement.host[i] = SatelliteId{(11 * i + i / 7) % 30};
  }
  return {std::move(name), std::move(scenario), std::move(placement)};
}

/// A star whose seam is cut.
Scene star(std::string name) {
  Scene scene = one_shell(std::move(name), RoutingLaw::conditional_poisson, Aggregation::next_gateway);
  scene.scenario.constellation.shells[0].pattern = Pattern::star;
  scene.scenario.constellation.shells[0].inclination_deg = 87;
  return scene;
}

/// 30 satellites with 30 others 60 km higher, linked to them; gateways and hosts are in both.
Scene two_shells(std::string name, Aggregation aggregation) {
  Scene scene = one_shell(std::move(name), RoutingLaw::plackett_luce, aggregation);
  auto& shells = scene.scenario.constellation.shells;
  shells.push_back(shells[0]);
  shells[1].altitude_km += 60;
  shells[1].inclination_deg += 10;
  scene.scenario.links.between_shells = BetweenShells::nearest;
  scene.scenario.links.between_shells_range_km = 3000;
  scene.placement.gateway = {SatelliteId{3}, SatelliteId{47}, SatelliteId{3}, SatelliteId{55},
                             SatelliteId{8}};
  for (std::uint32_t i = 0; i < scene.placement.host.size(); ++i) {
    scene.placement.host[i] = SatelliteId{(23 * i + i / 7) % 60};
  }
  return scene;
}

/// Two shells with up to two replicas of each expert and two spare gateways of each layer but the last.
Scene redundant(std::string name, Aggregation aggregation) {
  Scene scene = two_shells(std::move(name), aggregation);
  for (std::uint32_t i = 0; i < scene.placement.host.size(); ++i) {
    for (std::uint32_t copy = 1; copy <= i % 3; ++copy) {
      SatelliteId const host = satellite((index(scene.placement.host[i]) + 19 * copy) % 60);
      scene.placement.replica.push_back({i / experts, i % experts, host});
    }
  }
  for (std::uint32_t l = 0; l + 1 < layers; ++l) {
    for (std::uint32_t spare = 1; spare <= 2; ++spare) {
      scene.placement.spare.push_back({l, satellite((index(scene.placement.gateway[l]) + 7 * spare) % 60)});
    }
  }
  return scene;
}

/// The same with losses, where computing takes twice as long and stops in the shadow.
Scene damaged(std::string name, Aggregation aggregation) {
  Scene scene = redundant(std::move(name), aggregation);
  Damage& damage = scene.scenario.damage;
  damage[DamageFamily::satellites] = 0.1;
  damage[DamageFamily::links] = 0.05;
  damage[DamageFamily::eclipse] = 1;
  damage[DamageFamily::compute_rate] = 0.5;
  return scene;
}

std::vector<Scene> scenes() {
  using enum RoutingLaw;
  using enum Aggregation;
  return {one_shell("plackett_luce", plackett_luce, next_gateway),
          one_shell("plackett_luce_own_gateway", plackett_luce, own_gateway),
          one_shell("conditional_poisson", conditional_poisson, next_gateway),
          one_shell("conditional_poisson_own_gateway", conditional_poisson, own_gateway),
          star("star"),
          two_shells("two_shells", next_gateway),
          two_shells("two_shells_own_gateway", own_gateway),
          redundant("redundant", next_gateway),
          redundant("redundant_own_gateway", own_gateway),
          damaged("damaged", next_gateway),
          damaged("damaged_own_gateway", own_gateway)};
}

/// Who serves in one slot of a scene and on which ways, found anew.
class SlotScene {
 public:
  SlotScene(Scene const& scene, Network const& network, std::uint32_t slot)
      : number_(slot),
        scenario_(scene.scenario),
        placement_(scene.placement),
        compute_(scenario_.model, scenario_.compute),
        taken_(damaged_snapshots(scenario_, network,
                                 DamagedNetwork(network, scenario_.damage, scenario_.seed), slot, 1,
                                 Purpose::evaluation_outage)) {
    for (std::uint32_t l = 0; l < layers; ++l) gateways_.push_back(first_that_works(l));
    for (std::uint32_t l = 0; l < layers; ++l) {
      for (std::uint32_t e = 0; e < experts; ++e) hosts_.push_back(copy_of_least_cost(l, e));
    }
  }

  std::uint32_t number() const { return number_; }
  std::optional<SatelliteId> gateway(std::uint32_t layer) const { return gateways_[layer % layers]; }
  /// Where the outputs of a layer meet.
  std::optional<SatelliteId> meeting(std::uint32_t layer) const {
    return gateway(scenario_.aggregation == Aggregation::own_gateway ? layer : layer + 1);
  }
  std::optional<SatelliteId> host(std::uint32_t layer, std::uint32_t expert) const {
    return hosts_[layer * experts + expert];
  }

  double expert_s(std::uint32_t layer, std::uint32_t expert, SatelliteId host) const {
    return slowed_s(compute_.expert_ns(layer, expert, host), host);
  }
  double gateway_s(std::uint32_t layer, SatelliteId id) const {
    return slowed_s(compute_.gateway_ns(layer, id), id);
  }
  double head_s(SatelliteId id) const { return slowed_s(compute_.head_ns(id), id); }

  /// Satellites on the way, both ends included; none without a way.
  std::vector<SatelliteId> const& way(SatelliteId from, SatelliteId to) {
    auto const [found, is_new] = ways_.try_emplace({from, to});
    if (is_new) found->second = route(taken_.batch, from, to, latencies(from));
    return found->second;
  }

 private:
  SlotDamage const& damage() const { return taken_.state[0]; }

  double slowed_s(std::uint64_t compute_ns, SatelliteId id) const {
    return static_cast<double>(compute_ns) / 1e9 * damage().slowdown_of(id);
  }

  std::optional<SatelliteId> first_that_works(std::uint32_t layer) const {
    std::vector<SatelliteId> all{placement_.gateway[layer]};
    for (SpareGateway const& spare : placement_.spare) {
      if (spare.layer == layer) all.push_back(spare.satellite);
    }
    auto const first = std::ranges::find_if(all, [&](SatelliteId id) { return damage().computes(id); });
    return first == all.end() ? std::nullopt : std::optional(*first);
  }

  std::optional<SatelliteId> copy_of_least_cost(std::uint32_t layer, std::uint32_t expert) {
    auto const from = gateway(layer);
    auto const to = meeting(layer);
    if (!from || !to) return std::nullopt;
    std::vector<SatelliteId> copies{placement_.host_of(layer, expert)};
    for (Replica const& replica : placement_.replica) {
      if (replica.layer == layer && replica.expert == expert) copies.push_back(replica.host);
    }
    std::optional<SatelliteId> best;
    double least_s = 0;
    for (SatelliteId const copy : copies) {
      Nanoseconds const there = latencies(*from)[index(copy)];
      Nanoseconds const back = latencies(*to)[index(copy)];
      if (!damage().computes(copy) || there == unreachable || back == unreachable) continue;
      double const cost_s = (static_cast<double>(there) + back) / 1e9 + expert_s(layer, expert, copy);
      if (best && cost_s >= least_s) continue;
      best = copy;
      least_s = cost_s;
    }
    return best;
  }

  std::vector<Nanoseconds> const& latencies(SatelliteId from) {
    auto const [found, is_new] = latencies_.try_emplace(from);
    if (is_new) found->second = backend_->path_latencies(taken_.batch, std::span(&from, 1))->row(0, 0);
    return found->second;
  }

  std::uint32_t number_;
  Scenario const& scenario_;
  Placement const& placement_;
  ComputeTimes compute_;
  DamagedSlots taken_;
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  std::map<SatelliteId, std::vector<Nanoseconds>> latencies_;
  std::map<std::pair<SatelliteId, SatelliteId>, std::vector<SatelliteId>> ways_;
  std::vector<std::optional<SatelliteId>> gateways_;  ///< [layer]
  std::vector<std::optional<SatelliteId>> hosts_;     ///< [layer][expert]
};

/// Calls message(from, to, way, share) for all that may be sent in a slot; the ways of those from hosts to
/// gateways are the gateways' own, backwards. `share` [layer][expert] is how often an expert is drawn.
template <class Message>
void for_messages(Scene const& scene, SlotScene& slot, std::vector<double> const& share, Message message) {
  auto const send = [&](SatelliteId from, SatelliteId to, std::vector<SatelliteId> const& way, double times) {
    if (!way.empty()) message(from, to, way, times);
  };
  for (std::uint32_t l = 0; l < layers; ++l) {
    for (std::uint32_t e = 0; e < experts; ++e) {
      auto const host = slot.host(l, e);
      double const times = share[l * experts + e];
      if (!host || times == 0) continue;
      send(*slot.gateway(l), *host, slot.way(*slot.gateway(l), *host), times);
      auto back = slot.way(*slot.meeting(l), *host);
      std::ranges::reverse(back);
      send(*host, *slot.meeting(l), back, times);
    }
    bool const own = scene.scenario.aggregation == Aggregation::own_gateway;
    auto const from = slot.gateway(l);
    auto const to = slot.gateway(l + 1);
    if (own && from && to) send(*from, *to, slot.way(*from, *to), 1);
  }
}

/// Where each kind of load begins in a list of all: work and experts of satellites, links, terminals.
struct Places {
  explicit Places(Wiring const& wiring) : nodes(wiring.nodes) {
    for (std::size_t i = 0; i < wiring.links.size(); ++i) {
      link[{wiring.links[i].a, wiring.links[i].b}] = directions * i;
      link[{wiring.links[i].b, wiring.links[i].a}] = directions * i + 1;
    }
  }
  std::size_t work(SatelliteId id) const { return index(id); }
  std::size_t experts(SatelliteId id) const { return nodes + index(id); }
  /// Places that a hop loads.
  std::vector<std::size_t> hop(SatelliteId from, SatelliteId to) const {
    if (auto const found = link.find({from, to}); found != link.end()) return {2 * nodes + found->second};
    std::size_t const terminals = 2 * nodes + link.size();
    return {terminals + directions * index(from), terminals + directions * index(to) + 1};
  }

  std::size_t nodes;
  std::map<std::pair<SatelliteId, SatelliteId>, std::size_t> link;  ///< and direction
};

/// Means in the order of Places.
std::vector<double> listed(PlacementLoad const& load) {
  std::vector<double> all;
  for (auto const* loads : {&load.work_s, &load.experts, &load.link_bit, &load.terminal_bit}) {
    for (Load const& l : *loads) all.push_back(l.mean);
  }
  return all;
}

/// What the tokens of a slot load, by place, when experts are drawn so often.
std::map<std::size_t, double> loaded(Scene const& scene, SlotScene& slot, Places const& places,
                                     std::vector<double> const& share) {
  std::map<std::size_t, double> load;
  if (auto const first = slot.gateway(0)) load[places.work(*first)] += slot.head_s(*first);
  for (std::uint32_t l = 0; l < layers; ++l) {
    if (auto const gateway = slot.gateway(l)) load[places.work(*gateway)] += slot.gateway_s(l, *gateway);
    for (std::uint32_t e = 0; e < experts; ++e) {
      auto const host = slot.host(l, e);
      double const times = share[l * experts + e];
      if (!host || times == 0) continue;
      load[places.work(*host)] += times * slot.expert_s(l, e, *host);
      load[places.experts(*host)] += times;
    }
  }
  for_messages(scene, slot, share, [&](auto, auto, std::vector<SatelliteId> const& way, double times) {
    for (std::size_t i = 1; i < way.size(); ++i) {
      for (std::size_t const place : places.hop(way[i - 1], way[i])) {
        load[place] += times * scene.scenario.links.message_bit;
      }
    }
  });
  return load;
}

/// Experts that a token draws: 1 or 0 [layer][expert].
std::vector<double> drawn(Scenario const& scenario, RoutingView const& routing, std::uint32_t slot,
                          std::uint32_t token) {
  std::vector<double> share(layers * experts, 0.0);
  std::vector<ExpertIndex> picks(scenario.model.top_k);
  for (std::uint32_t l = 0; l < layers; ++l) {
    draw_experts(routing, scenario.seed, slot, token, l, picks);
    for (ExpertIndex const e : picks) share[l * experts + e] = 1;
  }
  return share;
}

std::vector<double> chances(Scenario const& scenario) {
  auto const sampled = RoutingTables(scenario.law, scenario.weights, scenario.model.top_k).sampled_weights();
  std::vector<double> chance;
  for (std::uint32_t l = 0; l < layers; ++l) {
    auto const of_layer =
        LayerLaw(scenario.law, Span(sampled.layer(l), experts), scenario.model.top_k).inclusion();
    chance.insert(chance.end(), of_layer.begin(), of_layer.end());
  }
  return chance;
}

/// Sums over tokens of what a token loads, and of its square.
struct Tally {
  double sum = 0;
  double squares = 0;
};

class WalkedLoad : public ::testing::TestWithParam<Scene> {
 protected:
  /// Calls visit(slot) for all slots.
  template <class Visit>
  void for_slots(Visit visit) const {
    for (std::uint32_t number = 0; number < scene.scenario.time.slots; ++number) {
      SlotScene slot(scene, network, number);
      visit(slot);
    }
  }

  Scene scene = GetParam();
  Network network = make_network(scene.scenario);
  PlacementLoad load = load_of(scene.scenario, scene.placement);
  std::uint32_t slots = scene.scenario.time.slots;
};

/// What becomes of gateways and experts in the slots of a scene.
struct Fates {
  int spares = 0, nobody = 0;  ///< that act for a layer
  int replicas = 0, lost = 0;  ///< that serve an expert
};

Fates fates(Scene const& scene) {
  Network const network = make_network(scene.scenario);
  Fates fates;
  for (std::uint32_t number = 0; number < scene.scenario.time.slots; ++number) {
    SlotScene const slot(scene, network, number);
    for (std::uint32_t l = 0; l < layers; ++l) {
      auto const gateway = slot.gateway(l);
      ++(gateway ? fates.spares : fates.nobody);
      if (gateway == scene.placement.gateway[l]) --fates.spares;
      for (std::uint32_t e = 0; e < experts; ++e) {
        auto const host = slot.host(l, e);
        ++(host ? fates.replicas : fates.lost);
        if (host == scene.placement.host_of(l, e)) --fates.replicas;
      }
    }
  }
  return fates;
}

TEST(WalkedScenes, HoldWhatLoadsMustCopeWith) {
  using enum RoutingLaw;
  using enum Aggregation;
  EXPECT_GT(fates(one_shell("", plackett_luce, next_gateway)).lost, 10);
  EXPECT_GT(fates(redundant("", next_gateway)).replicas, 50);
  Fates const broken = fates(damaged("", next_gateway));
  EXPECT_GT(broken.spares, 5);
  EXPECT_GT(broken.nobody, 0);
  EXPECT_GT(broken.replicas, 50);
  EXPECT_GT(broken.lost, 10);
}

TEST_P(WalkedLoad, IsTheMeanOverTokens) {
  constexpr std::uint32_t tokens = 2000;  // per slot
  Places const places(network.wiring());
  RoutingTables const routing(scene.scenario.law, scene.scenario.weights, scene.scenario.model.top_k);
  std::vector<double> const expected = listed(load);
  std::vector<double> sum(expected.size(), 0.0);
  std::vector<double> variance(expected.size(), 0.0);  // of the sum, slot by slot
  for_slots([&](SlotScene& slot) {
    std::map<std::size_t, Tally> tally;
    for (std::uint32_t t = 0; t < tokens; ++t) {
      auto const share = drawn(scene.scenario, routing.view(), slot.number(), t);
      for (auto const& [place, amount] : loaded(scene, slot, places, share)) {
        tally[place].sum += amount;
        tally[place].squares += amount * amount;
      }
    }
    for (auto const& [place, t] : tally) {
      sum.at(place) += t.sum;
      variance[place] += std::max(0.0, t.squares - t.sum * t.sum / tokens);
    }
  });
  double const all = double{tokens} * slots;
  double chi_squared = 0;
  int free = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    double const error = std::sqrt(variance[i]) / all;
    double const difference = sum[i] / all - expected[i];
    EXPECT_LE(std::abs(difference), 4 * error + 1e-9 * expected[i]) << i;
    if (error <= 1e-9 * expected[i]) continue;
    chi_squared += difference * difference / (error * error);
    ++free;
  }
  EXPECT_GT(free, 80);
  EXPECT_NEAR(chi_squared / free, 1, 0.6);  // loads hang together, so that this is loose
}

TEST_P(WalkedLoad, OfAllLinksIsMessagesTimesHops) {
  std::vector<double> const chance = chances(scene.scenario);
  double expected = 0;
  for_slots([&](SlotScene& slot) {
    for_messages(scene, slot, chance, [&](auto, auto, std::vector<SatelliteId> const& way, double times) {
      expected += times * static_cast<double>(way.size() - 1);
    });
  });
  double sum = 0;
  double sent = 0;
  double received = 0;
  for (Load const& direction : load.link_bit) sum += direction.mean;
  for (std::size_t i = 0; i < load.terminal_bit.size(); i += directions) {
    sent += load.terminal_bit[i].mean;
    received += load.terminal_bit[i + 1].mean;
  }
  EXPECT_NEAR(sum + sent, expected * scene.scenario.links.message_bit / slots, 1e-9 * sum);
  EXPECT_NEAR(sent, received, 1e-9 * sum);
  EXPECT_EQ(sent > 0, scene.scenario.links.between_shells == BetweenShells::nearest);
}

TEST_P(WalkedLoad, ComesOutOfEverySatelliteAsItWentIn) {
  std::vector<double> out(network.wiring().nodes, 0.0);  // less what comes in
  for (std::size_t i = 0; i < network.wiring().links.size(); ++i) {
    double const forth = load.link_bit[directions * i].mean - load.link_bit[directions * i + 1].mean;
    out[index(network.wiring().links[i].a)] += forth;
    out[index(network.wiring().links[i].b)] -= forth;
  }
  for (std::size_t i = 0; i < load.terminal_bit.size(); i += directions) {
    out[i / directions] += load.terminal_bit[i].mean - load.terminal_bit[i + 1].mean;
  }
  std::vector<double> expected(out.size(), 0.0);  // made there less consumed there
  for_slots([&](SlotScene& slot) {
    for_messages(scene, slot, chances(scene.scenario),
                 [&](SatelliteId from, SatelliteId to, auto&, double n) {
                   expected[index(from)] += n * scene.scenario.links.message_bit / slots;
                   expected[index(to)] -= n * scene.scenario.links.message_bit / slots;
                 });
  });
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_NEAR(out[i], expected[i], 1e-9 * scene.scenario.links.message_bit) << i;
  }
}

TEST_P(WalkedLoad, IsTheSameOnEveryNumberOfThreads) {
  PlacementLoad alone, several;
  with_threads(1, [&] { alone = load_of(scene.scenario, scene.placement); });
  with_threads(5, [&] { several = load_of(scene.scenario, scene.placement); });
  EXPECT_EQ(alone, several);
}

INSTANTIATE_TEST_SUITE_P(Scenes, WalkedLoad, ::testing::ValuesIn(scenes()),
                         [](auto const& scene) { return scene.param.name; });

}  // namespace
}  // namespace spacemoe::testing
