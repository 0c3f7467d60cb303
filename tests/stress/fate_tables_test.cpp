#include <algorithm>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/cell_grid.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/planning.hpp"
#include "host/model/routing_tables.hpp"
#include "host/stress/fates.hpp"
#include "host/stress/stress.hpp"
#include "tests/support/scenarios.hpp"

// Fates beside others' ways to them: told from their definition, without tables of waits; and by evaluation.

namespace spacemoe::testing {
namespace {

constexpr std::uint32_t layers = 3;
constexpr std::uint32_t experts = 5;
constexpr std::uint64_t slot_ns = 1'000'000'007;
constexpr std::uint64_t penalty_ns = 333'333;

/// A placement in a few slots, of which everything is drawn. An expert is reachable where its host is, and a
/// layer where its gateway is.
class RandomCosts {
 public:
  RandomCosts(std::uint32_t slots, std::uint32_t top_k, double reachable, std::mt19937& random)
      : scenario_(small_scenario()), compute_(scenario_.model, scenario_.compute) {
    scenario_.model.layers = scenario_.model.moe_layers = layers;
    scenario_.model.experts = experts;
    scenario_.model.top_k = top_k;
    scenario_.weights = log_normal_weights(layers, experts, 0.8, {random()});
    placement_ = {layers, experts, {satellite(20), satellite(21), satellite(22)}, {}};
    for (std::uint32_t l = 0; l < layers; ++l) {
      auto const hosts = static_cast<std::uint32_t>(1 + random() % 8);  // of a layer; some shared
      for (std::uint32_t e = 0; e < experts; ++e) placement_.host.push_back(satellite(random() % hosts));
    }
    costs_.emplace(scenario_, compute_, placement_, PathSources(placement_.gateway));
    // Some hosts and gateways are never reached.
    std::vector<double> share(30 * layers, reachable);
    for (double& chance : share) chance = random() % 10 == 0 ? 0 : chance;
    for (std::uint32_t s = 0; s < slots; ++s) {
      std::vector<bool> up;
      for (double const chance : share) up.push_back(static_cast<double>(random()) < chance * 0x1p32);
      broken_.push_back(slot(up, random));
      whole_.push_back(broken_.back());
      for (Nanoseconds& path : whole_.back().serving->path_ns) {
        path = static_cast<Nanoseconds>(4 + random() % 3);
      }
    }
  }

  Scenario const& scenario() const { return scenario_; }
  Placement const& placement() const { return placement_; }
  std::vector<SlotCosts> const& broken() const { return broken_; }
  std::vector<SlotCosts> const& whole() const { return whole_; }

  FateTables tables() const { return {*costs_, broken_, whole_}; }

 private:
  /// `up` [layer][host, its gateway last].
  SlotCosts slot(std::vector<bool> const& up, std::mt19937& random) const {
    SlotCosts costs;
    auto& serving = costs.serving.emplace();
    serving.head_ns = random() % 1000;
    auto const some = [&](bool there) {
      return there ? static_cast<Nanoseconds>(1 + random() % 1'000'000) : unreachable;
    };
    for (std::uint32_t l = 0; l < layers; ++l) {
      costs.layer_ns.push_back(some(up[30 * l + 29]));
      for (std::uint32_t e = 0; e < experts; ++e) {
        std::size_t const host = index(placement_.host_of(l, e));
        costs.expert_ns.push_back(some(up[30 * l + host]));
        serving.path_ns.push_back(costs.expert_ns.back() == unreachable ? unreachable : 5);
        serving.queue_ns.push_back(static_cast<Nanoseconds>(random() % 1'000'000));
        serving.host.push_back(static_cast<std::uint16_t>(host));
      }
    }
    return costs;
  }

  Scenario scenario_;
  ComputeTimes compute_;
  Placement placement_;
  std::optional<PlacementCosts> costs_;
  std::vector<SlotCosts> broken_, whole_;
};

/// Latency of a layer in a slot for the drawn experts, or nothing when one is unreachable.
std::optional<std::uint64_t> layer_ns(SlotCosts const& slot, std::uint32_t layer,
                                      std::vector<std::uint32_t> const& drawn) {
  if (slot.layer_ns[layer] == unreachable) return std::nullopt;
  std::uint64_t slowest = 0;
  for (std::uint32_t const e : drawn) {
    std::size_t const at = layer * experts + e;
    if (slot.expert_ns[at] == unreachable) return std::nullopt;
    auto const together = std::ranges::count_if(drawn, [&](std::uint32_t other) {
      return slot.serving->host[layer * experts + other] == slot.serving->host[at];
    });
    std::uint64_t const queued = static_cast<std::uint64_t>(together - 1) * slot.serving->queue_ns[at];
    slowest = std::max(slowest, slot.expert_ns[at] + queued);
  }
  return slot.layer_ns[layer] + slowest;
}

void add_to(FateTally::Policy& policy, bool delivered, std::uint64_t latency_ns) {
  ++policy.moments.tokens;
  if (!delivered) return;
  ++policy.moments.delivered;
  policy.moments.sum_ns += latency_ns;
  policy.moments.sum_squares_ns2 += Uint128{latency_ns} * latency_ns;
  ++policy.histogram[bin_of(latency_ns)];
}

/// Adds a token, told from the definition of every policy.
void add_token(RandomCosts const& costs, RoutingTables const& routing, std::uint32_t slot,
               std::uint32_t token, FateTally& tally) {
  auto const slots = static_cast<std::uint32_t>(costs.broken().size());
  SlotCosts const& here = costs.broken()[slot];
  // What is delivered in its slot, what layers without some experts take instead, what waiting ones take.
  std::uint64_t here_ns = here.serving->head_ns, without_ns = 0, later_ns = 0, waited_ns = 0;
  bool misses = false, lost = false, detours = false;
  for (std::uint32_t l = 0; l < layers; ++l) {
    ExpertIndex picks[max_top_k]{};
    std::uint32_t const top_k = costs.scenario().model.top_k;
    draw_experts(routing.view(), Seed{7}, slot, token, l, {picks, top_k});
    std::vector<std::uint32_t> const drawn(picks, picks + top_k);
    for (std::uint32_t const e : drawn) {
      std::size_t const at = l * experts + e;
      detours = detours || here.serving->path_ns[at] > costs.whole()[slot].serving->path_ns[at];
    }
    if (auto const latency = layer_ns(here, l, drawn)) {
      here_ns += *latency;
      continue;
    }
    ++tally.layer_lost[l];
    misses = true;
    std::vector<std::uint32_t> left = drawn;
    std::erase_if(left, [&](std::uint32_t e) { return here.expert_ns[l * experts + e] == unreachable; });
    without_ns += penalty_ns + layer_ns(here, l, left).value_or(0);
    std::optional<std::uint64_t> latency;
    for (std::uint32_t ahead = 1; ahead < slots && !latency; ++ahead) {
      latency = layer_ns(costs.broken()[(slot + ahead) % slots], l, drawn);
      if (latency) waited_ns += ahead * slot_ns;
    }
    lost = lost || !latency;
    later_ns += latency.value_or(0);
  }
  add_to(tally.policy[static_cast<std::size_t>(LossPolicy::drop)], !misses, here_ns);
  add_to(tally.policy[static_cast<std::size_t>(LossPolicy::wait)], !lost, here_ns + later_ns + waited_ns);
  add_to(tally.policy[static_cast<std::size_t>(LossPolicy::penalty)], true, here_ns + without_ns);
  tally.detours += !misses && detours ? 1u : 0u;
  tally.waiting += misses && !lost ? 1u : 0u;
  if (!lost) tally.waited_ns += waited_ns;
}

void expect_equal(FateTally const& found, FateTally const& expected) {
  for (std::size_t p = 0; p < loss_policies; ++p) {
    EXPECT_EQ(found.policy[p].moments, expected.policy[p].moments) << loss_policy_names[p];
    EXPECT_EQ(found.policy[p].histogram, expected.policy[p].histogram) << loss_policy_names[p];
  }
  EXPECT_EQ(found.waited_ns, expected.waited_ns);
  EXPECT_EQ(found.waiting, expected.waiting);
  EXPECT_EQ(found.detours, expected.detours);
  EXPECT_EQ(found.layer_lost, expected.layer_lost);
}

TEST(FateTables, FollowTheDefinition) {
  std::mt19937 random(3);
  std::uint64_t waiting = 0, lost = 0, detours = 0, dropped = 0;
  for (std::uint32_t const slots : {1u, 2u, 5u, 12u}) {
    for (std::uint32_t const top_k : {1u, 2u, 3u}) {
      for (double const reachable : {1.0, 0.9, 0.5, 0.15}) {
        for (int again = 0; again < 4; ++again) {
          RandomCosts const costs(slots, top_k, reachable, random);
          RoutingTables const routing(RoutingLaw::plackett_luce, costs.scenario().weights, top_k);
          std::vector<std::uint32_t> count;
          for (std::uint32_t s = 0; s < slots; ++s) count.push_back(s == 3 ? 0 : 20 + s);
          FateTally expected;
          expected.layer_lost.resize(layers);
          for (std::uint32_t s = 0; s < slots; ++s) {
            for (std::uint32_t t = 0; t < count[s]; ++t) add_token(costs, routing, s, t, expected);
          }
          FateTables const tables = costs.tables();
          for (unsigned const threads : {1u, 3u}) {
            FateTally found;
            with_threads(threads, [&] {
              found = sample_fates(routing.view(), tables.view(slot_ns, penalty_ns), Seed{7}, count);
            });
            expect_equal(found, expected);
          }
          waiting += expected.waiting;
          detours += expected.detours;
          Moments const& patient = expected.policy[1].moments;
          lost += patient.tokens - patient.delivered;
          dropped += patient.delivered - expected.policy[0].moments.delivered;
        }
      }
    }
  }
  // Every way out has been met often.
  EXPECT_GT(waiting, 1000u);
  EXPECT_EQ(waiting, dropped);
  EXPECT_GT(lost, 1000u);
  EXPECT_GT(detours, 1000u);
}

TEST(FateTables, CountSlotsInWhichExpertsAreMissing) {
  std::mt19937 random(5);
  RandomCosts const costs(9, 2, 0.6, random);
  std::vector<std::uint32_t> expected(layers * experts, 0);
  bool gateways_missing = false;
  for (SlotCosts const& slot : costs.broken()) {
    for (std::uint32_t l = 0; l < layers; ++l) {
      std::vector<std::uint32_t> missing;
      for (std::uint32_t e = 0; e < experts; ++e) {
        if (!layer_ns(slot, l, {e})) missing.push_back(e);
      }
      gateways_missing = gateways_missing || missing.size() == experts;
      if (missing.size() == experts) continue;
      for (std::uint32_t const e : missing) ++expected[l * experts + e];
    }
  }
  EXPECT_TRUE(gateways_missing);
  EXPECT_EQ(costs.tables().missing_slots(), expected);
}

// One expert, which is reachable in the last of very many slots.
TEST(FateTables, WaitAsLongAsItTakes) {
  constexpr std::uint32_t slots = 70'000;
  Scenario scenario = small_scenario();
  scenario.model.layers = scenario.model.moe_layers = scenario.model.experts = scenario.model.top_k = 1;
  scenario.weights = uniform_weights(1, 1);
  Placement const placement{1, 1, {satellite(0)}, {satellite(1)}};
  ComputeTimes const compute(scenario.model, scenario.compute);
  SlotCosts const missing{{0}, {unreachable}, SlotCosts::Serving{0, {0}, {0}, {unreachable}}};
  std::vector<SlotCosts> costs(slots, missing);
  costs.back() = {{0}, {4}, SlotCosts::Serving{0, {0}, {0}, {4}}};
  PlacementCosts const placed(scenario, compute, placement, PathSources(placement.gateway));
  FateTables const tables(placed, costs, costs);
  RoutingTables const routing(RoutingLaw::plackett_luce, scenario.weights, 1);
  std::vector<std::uint32_t> count(slots, 0);
  std::uint64_t waited = 0;
  for (std::uint32_t const ahead : {0u, 1u, 65'533u, 65'534u, 65'535u, 65'536u, slots - 1}) {
    count[slots - 1 - ahead] = 1;
    waited += ahead;
  }
  FateTally const tally = sample_fates(routing.view(), tables.view(10, 0), Seed{1}, count);
  EXPECT_EQ(tally.waited_ns, 10 * waited);
  EXPECT_EQ(tally.waiting, 6u);
  EXPECT_EQ(tally.policy[static_cast<std::size_t>(LossPolicy::wait)].moments.sum_ns, 10 * waited + 7 * 4);
}

/// The small scenario with places for copies, heavily damaged.
Scenario damaged_scenario() {
  Scenario scenario = small_scenario();
  scenario.capacity = 2;
  scenario.sampler = Sampler::routing;
  scenario.damage[DamageFamily::links] = 0.3;
  scenario.damage[DamageFamily::storm] = 0.05;
  scenario.damage[DamageFamily::eclipse] = 0.5;
  scenario.damage[DamageFamily::compute_rate] = 0.2;
  return scenario;
}

FateTally fates(Scenario const& scenario, Placement const& placement,
                std::vector<std::uint32_t> const& count) {
  auto const backend = make_cpu_backend();
  Network const network = make_network(scenario);
  ComputeTimes const compute(scenario.model, scenario.compute);
  DamagedNetwork const damaged(network, scenario.damage, scenario.seed);
  std::vector<SatelliteId> gateways;
  add_gateways(placement, gateways);
  PathSources const sources(std::move(gateways));
  PlacementCosts const costs(scenario, compute, placement, sources);
  auto const slots =
      damaged_snapshots(scenario, network, damaged, 0, scenario.time.slots, Purpose::evaluation_outage);
  auto const found = backend->path_latencies(slots.batch, sources.ids())->gather(costs.queries());
  std::vector<SlotCosts> of_slots;
  for (std::uint32_t s = 0; s < scenario.time.slots; ++s) {
    std::size_t const queries = costs.queries().size();
    of_slots.push_back(costs.in_slot(std::span(found).subspan(s * queries, queries), &slots.state[s]));
  }
  FateTables const tables(costs, of_slots, of_slots);
  RoutingTables const routing(scenario.law, scenario.weights, scenario.model.top_k);
  return sample_fates(routing.view(), tables.view(slot_ns, penalty_ns), scenario.seed, count);
}

TEST(Fates, UnderDropAreWhatEvaluationSays) {
  for (std::uint32_t const copies : {0u, 1u}) {
    Scenario scenario = damaged_scenario();
    scenario.strategies = {Strategy::spacemoe, Strategy::greedy, Strategy::colocated};
    scenario.redundancy.replicas = scenario.redundancy.spare_gateways = copies;
    Evaluation const evaluation = evaluate(scenario, *make_cpu_backend(), {});
    for (StrategyResult const& result : evaluation.strategies) {
      CellGrid const grid(scenario.tokens, 1, scenario.time.slots);
      std::vector<std::uint32_t> count;
      Moments sum;
      for (std::uint32_t s = 0; s < scenario.time.slots; ++s) {
        count.push_back(static_cast<std::uint32_t>(grid.tokens(0, s)));
        sum += result.tally.cell[s];
      }
      FateTally const tally = fates(scenario, result.placements.front(), count);
      EXPECT_EQ(tally.policy[0].moments, sum);
      EXPECT_EQ(tally.policy[0].histogram, result.tally.histogram);
      EXPECT_GT(sum.delivered, 0u);
      EXPECT_LT(sum.delivered, sum.tokens);
    }
  }
}

// Where damage is not drawn, every draw of a stress test is an evaluation with a seed of its own.
TEST(Stress, UnderDropIsWhatEvaluationsSay) {
  Scenario scenario = damaged_scenario();
  scenario.damage = {};
  scenario.damage[DamageFamily::eclipse] = 0.3;  // besides what is stressed
  scenario.strategies = {Strategy::greedy};
  Scenario placed = scenario;
  placed.file_placements = evaluate(scenario, *make_cpu_backend(), {}).strategies.front().placements;
  placed.strategies = {Strategy::file};
  StressOptions options;
  options.families = {DamageFamily::latitude, DamageFamily::hosts, DamageFamily::compute_rate,
                      DamageFamily::link_rate};
  options.levels = {0, 0.06, 0.2};
  options.draws = 5;
  Stress const result = stress(placed, *make_cpu_backend(), options);
  for (std::size_t f = 0; f < options.families.size(); ++f) {
    for (std::size_t level = 0; level < options.levels.size(); ++level) {
      Moments sum;
      std::vector<std::uint64_t> histogram(bin_count, 0);
      for (std::uint32_t d = 0; d < options.draws; ++d) {
        Scenario drawn = placed;
        drawn.seed = fresh_seed(placed.seed, FreshDraws::stress, d);
        drawn.damage[options.families[f]] = options.levels[level];
        drawn.tokens = placed.tokens / options.draws;
        Evaluation const evaluation = evaluate(drawn, *make_cpu_backend(), {});
        LatencyTally const& tally = evaluation.strategies.front().tally;
        for (Moments const& cell : tally.cell) sum += cell;
        for (std::size_t b = 0; b < bin_count; ++b) histogram[b] += tally.histogram[b];
      }
      FateTally::Policy const& dropped = result.at(f, level, 0).tally.policy[0];
      EXPECT_EQ(dropped.moments, sum) << name(options.families[f]) << options.levels[level];
      EXPECT_EQ(dropped.histogram, histogram);
    }
  }
}

}  // namespace
}  // namespace spacemoe::testing
