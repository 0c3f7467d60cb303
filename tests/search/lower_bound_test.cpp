#include "host/search/lower_bound.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "host/cpu/cpu_backend.hpp"
#include "host/search/closed_walk.hpp"
#include "host/search/layer_windows.hpp"
#include "tests/support/enumeration.hpp"
#include "tests/support/graphs.hpp"
#include "tests/support/scenarios.hpp"

namespace spacemoe::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::TestWithParam;

constexpr double ns_per_ms = 1e6;
constexpr double rounding = 1 + 1e-12;

/// Ring of satellites, no two links alike.
Graph ring_of(std::uint32_t nodes, double survival, std::uint32_t slots) {
  std::vector<ListedLink> links;
  for (std::uint32_t i = 0; i < nodes; ++i) {
    links.push_back({satellite(std::min(i, (i + 1) % nodes)), satellite(std::max(i, (i + 1) % nodes)),
                     1'000'000 + 70'000 * (i * 5 % 7)});
  }
  return listed("ring", nodes, links, survival, slots);
}

/// Grid of satellites, no two links alike.
Graph grid_of(std::uint32_t rows, std::uint32_t columns, double survival, std::uint32_t slots) {
  std::vector<ListedLink> links;
  auto const add = [&](std::uint32_t a, std::uint32_t b) {
    links.push_back(
        {satellite(a), satellite(b), static_cast<Nanoseconds>(900'000 + 61'000 * (links.size() * 7 % 11))});
  };
  for (std::uint32_t r = 0; r < rows; ++r) {
    for (std::uint32_t c = 0; c < columns; ++c) {
      if (c + 1 < columns) add(r * columns + c, r * columns + c + 1);
      if (r + 1 < rows) add(r * columns + c, (r + 1) * columns + c);
    }
  }
  return listed("grid", rows * columns, links, survival, slots);
}

struct Instance {
  std::string name;
  Graph graph;
  std::uint32_t layers = 1;
  std::uint32_t experts = 3;
  std::uint32_t top_k = 2;
  std::uint32_t capacity = 1;
  bool gateways_host_experts = false;
  Aggregation aggregation = Aggregation::next_gateway;
  RoutingLaw law = RoutingLaw::plackett_luce;
  double allowed_loss = 0;
  bool given_times = false;
  double last_weight = 1;  ///< factor of each layer's last weight
  double at_least = 0.94;  ///< share of the optimum that the bound must reach
};

void PrintTo(Instance const& instance, std::ostream* out) {
  *out << instance.name;
}

/// A tiny scenario with everything that a bound takes.
class Problem {
 public:
  explicit Problem(Instance const& instance)
      : instance_(instance),
        weights_(some_weights(instance)),
        compute_(model(instance), spec(instance)),
        tables_(instance.law, weights_, instance.top_k, compute_, instance.graph.batch.wiring->nodes) {
    scenario_.model = model(instance);
    scenario_.law = instance.law;
    scenario_.weights = weights_;
    scenario_.aggregation = instance.aggregation;
    scenario_.capacity = instance.capacity;
    scenario_.gateways_host_experts = instance.gateways_host_experts;
    options.allowed_loss = instance.allowed_loss;
  }

  LowerBoundOptions options;

  LowerBound bound() const { return lower_bound(scenario_, batch(), compute_, tables_, *backend_, options); }

  SnapshotBatch const& batch() const { return instance_.graph.batch; }
  std::uint32_t nodes() const { return batch().wiring->nodes; }
  Instance const& instance() const { return instance_; }
  ComputeTimes const& compute() const { return compute_; }
  RelaxedLayers relaxed() const { return relaxed_layers(scenario_, compute_, tables_); }
  std::vector<double> weights(std::uint32_t layer) const {
    return {weights_.layer(layer), weights_.layer(layer) + weights_.experts};
  }
  std::unique_ptr<PathTable> paths() const {
    std::vector<SatelliteId> all;
    for (std::uint32_t s = 0; s < nodes(); ++s) all.push_back(satellite(s));
    return backend_->path_latencies(batch(), all);
  }

 private:
  static ActivationWeights some_weights(Instance const& instance) {
    auto weights = log_normal_weights(instance.layers, instance.experts, 0.7, {3});
    for (std::uint32_t l = 1; l <= instance.layers; ++l)
      weights.weight[l * instance.experts - 1] *= instance.last_weight;
    return weights;
  }

  static MoeModel model(Instance const& instance) {
    MoeModel model;
    model.layers = model.moe_layers = instance.layers;
    model.experts = instance.experts;
    model.top_k = instance.top_k;
    model.hidden_size = 256;
    model.expert_size = 128;
    model.vocabulary = 1000;
    model.context = 64;
    return model;
  }

  /// Every satellite has its own rate, or every expert its own time.
  static ComputeSpec spec(Instance const& instance) {
    ComputeSpec spec;
    for (std::uint32_t s = 0; s < instance.graph.batch.wiring->nodes; ++s) {
      spec.satellite_rate_flop_s.push_back(1e9 * (1 + s % 3));
    }
    for (std::uint32_t e = 0; instance.given_times && e < instance.layers * instance.experts; ++e) {
      spec.expert_ms.push_back(0.3 + 0.1 * (e % 4));
    }
    return spec;
  }

  Instance const& instance_;
  ActivationWeights weights_;
  ComputeTimes compute_;
  ScoringTables tables_;
  Scenario scenario_;
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

/// The next of all tuples of numbers below `base`; false after the last.
bool count_up(std::vector<std::size_t>& tuple, std::size_t base) {
  for (std::size_t& number : tuple) {
    number = (number + 1) % base;
    if (number != 0) return true;
  }
  return false;
}

/// One layer on some hosts: in each slot the chance of delivery, and that times the mean.
struct HostedLayer {
  std::uint64_t used = 0;         ///< places on each satellite, four bits each
  std::vector<double> delivered;  ///< [slot]
  std::vector<double> share_ns;   ///< [slot]
};

/// The least mean over every placement, by trying them all and listing all draws; infinite where none keeps
/// to the allowed loss.
class Enumeration {
 public:
  explicit Enumeration(Problem const& problem) : problem_(problem) {
    auto const paths = problem.paths();
    for (std::uint32_t slot = 0; slot < problem.batch().snapshots; ++slot) {
      for (std::uint32_t s = 0; s < problem.nodes(); ++s) path_ns_.push_back(paths->row(slot, s));
    }
    for (std::uint32_t l = 0; l < problem.instance().layers; ++l) {
      sets_.push_back(enumerate_sets(problem.instance().law, problem.weights(l), problem.instance().top_k));
    }
  }

  double best_ms(std::optional<std::vector<std::size_t>> const& gateways = std::nullopt) const {
    if (gateways) return best_with(*gateways) / ns_per_ms;
    double best = std::numeric_limits<double>::infinity();
    std::vector<std::size_t> walk(problem_.instance().layers, 0);
    for (bool more = true; more;) {
      best = std::min(best, best_with(walk));
      more = count_up(walk, problem_.nodes());
    }
    return best / ns_per_ms;
  }

 private:
  Nanoseconds path(std::uint32_t slot, std::size_t a, std::size_t b) const {
    return path_ns_[slot * problem_.nodes() + a][b];
  }

  static std::uint64_t used_places(std::vector<std::size_t> const& hosts) {
    std::uint64_t used = 0;
    for (std::size_t const host : hosts) used += std::uint64_t{1} << 4 * host;
    return used;
  }

  /// No satellite has more places in use than its capacity: adding 7 - capacity sets no top bit.
  bool within_capacity(std::uint64_t used) const {
    constexpr std::uint64_t ones = 0x1111'1111'1111'1111;
    return ((used + (7 - problem_.instance().capacity) * ones) & (8 * ones)) == 0;
  }

  HostedLayer hosted(std::uint32_t layer, std::vector<std::size_t> const& gateways,
                     std::vector<std::size_t> const& hosts) const {
    auto const& instance = problem_.instance();
    std::size_t const own = gateways[layer];
    std::size_t const next = gateways[(layer + 1) % instance.layers];
    bool const returns = instance.aggregation == Aggregation::own_gateway;
    HostedLayer result{used_places(hosts), {}, {}};
    for (std::uint32_t slot = 0; slot < problem_.batch().snapshots; ++slot) {
      Nanoseconds const forward = returns ? path(slot, own, next) : 0;
      double delivered = 0;
      double share_ns = 0;
      for (auto const& [picks, chance] : sets_[layer]) {
        double slowest_ns = 0;
        bool lost = forward == unreachable;
        for (ExpertIndex const e : picks) {
          Nanoseconds const there = path(slot, own, hosts[e]);
          Nanoseconds const back = path(slot, hosts[e], returns ? own : next);
          lost = lost || there == unreachable || back == unreachable;
          auto const queue =
              std::ranges::count_if(picks, [&](ExpertIndex d) { return hosts[d] == hosts[e]; });
          auto const each = static_cast<double>(problem_.compute().expert_ns(layer, e, satellite(hosts[e])));
          slowest_ns = std::max(slowest_ns, double{0} + there + back + static_cast<double>(queue) * each);
        }
        if (lost) continue;
        delivered += chance;
        share_ns += chance * (slowest_ns + forward +
                              static_cast<double>(problem_.compute().gateway_ns(layer, satellite(own))));
      }
      result.delivered.push_back(delivered);
      result.share_ns.push_back(share_ns);
    }
    return result;
  }

  std::vector<HostedLayer> hosted_everywhere(std::uint32_t layer,
                                             std::vector<std::size_t> const& gateways) const {
    std::vector<HostedLayer> all;
    std::vector<std::size_t> hosts(problem_.instance().experts, 0);
    for (bool more = true; more;) {
      bool const on_gateway = std::ranges::any_of(
          hosts, [&](std::size_t host) { return std::ranges::find(gateways, host) != gateways.end(); });
      if (within_capacity(used_places(hosts)) && (problem_.instance().gateways_host_experts || !on_gateway)) {
        all.push_back(hosted(layer, gateways, hosts));
      }
      more = count_up(hosts, problem_.nodes());
    }
    return all;
  }

  /// Mean [ns] of delivered tokens on two layers, or one.
  double mean_ns(std::size_t first_gateway, HostedLayer const& one, HostedLayer const* other) const {
    double delivered = 0;
    double sum_ns = 0;
    double const head_ns = static_cast<double>(problem_.compute().head_ns(satellite(first_gateway)));
    std::size_t const slots = one.delivered.size();
    for (std::size_t slot = 0; slot < slots; ++slot) {
      double const second = other ? other->delivered[slot] : 1;
      double const second_ns = other ? other->share_ns[slot] : 0;
      delivered += one.delivered[slot] * second;
      sum_ns += one.share_ns[slot] * second + one.delivered[slot] * second_ns +
                one.delivered[slot] * second * head_ns;
    }
    bool const keeps = 1 - delivered / static_cast<double>(slots) <= problem_.instance().allowed_loss + 1e-12;
    return keeps && delivered > 0 ? sum_ns / delivered : std::numeric_limits<double>::infinity();
  }

  double best_with(std::vector<std::size_t> const& gateways) const {
    double best = std::numeric_limits<double>::infinity();
    auto const first = hosted_everywhere(0, gateways);
    auto const second = gateways.size() > 1 ? hosted_everywhere(1, gateways) : std::vector<HostedLayer>{};
    for (HostedLayer const& one : first) {
      if (gateways.size() == 1) best = std::min(best, mean_ns(gateways[0], one, nullptr));
      for (HostedLayer const& other : second) {
        if (within_capacity(one.used + other.used)) {
          best = std::min(best, mean_ns(gateways[0], one, &other));
        }
      }
    }
    return best;
  }

  Problem const& problem_;
  std::vector<std::vector<Nanoseconds>> path_ns_;  ///< [slot][source]
  std::vector<std::map<Picks, double>> sets_;      ///< [layer]
};

class LowerBoundOf : public TestWithParam<Instance> {};

TEST_P(LowerBoundOf, StaysBelowTheBestOfAllPlacements) {
  Problem problem(GetParam());
  double const best_ms = Enumeration(problem).best_ms();
  ASSERT_LT(best_ms, std::numeric_limits<double>::infinity());
  LowerBound const bound = problem.bound();
  ASSERT_TRUE(bound.mean_ms) << bound.reason_missing;
  EXPECT_LE(*bound.mean_ms, best_ms * rounding);
  EXPECT_GE(*bound.mean_ms, best_ms * GetParam().at_least);

  problem.options.matrix_bytes = 1;
  LowerBound const hops = problem.bound();
  ASSERT_TRUE(hops.mean_ms) << hops.reason_missing;
  EXPECT_EQ(hops.kind, "hop counts");
  EXPECT_LE(*hops.mean_ms, *bound.mean_ms);
  EXPECT_GE(*hops.mean_ms, best_ms * 0.1);
}

TEST_P(LowerBoundOf, WithFixedGatewaysStaysBelowTheBestWithThem) {
  Problem problem(GetParam());
  Enumeration const all(problem);
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::vector<std::size_t> gateways;
    problem.options.fixed_gateways.emplace();
    for (std::uint32_t l = 0; l < GetParam().layers; ++l) {
      gateways.push_back((5 * l + 4 * shift) % problem.nodes());
      problem.options.fixed_gateways->push_back(satellite(gateways.back()));
    }
    double const best_ms = all.best_ms(gateways);
    LowerBound const bound = problem.bound();
    if (!bound.mean_ms) {
      EXPECT_EQ(best_ms, std::numeric_limits<double>::infinity());
      continue;
    }
    EXPECT_LE(*bound.mean_ms, best_ms * rounding);
    bool const any = best_ms < std::numeric_limits<double>::infinity();
    EXPECT_GE(*bound.mean_ms, any ? best_ms * GetParam().at_least : 0);
  }
}

TEST_P(LowerBoundOf, DoesNotDependOnThreads) {
  Problem const problem(GetParam());
  std::optional<double> one;
  std::optional<double> four;
  with_threads(1, [&] { one = problem.bound().mean_ms; });
  with_threads(4, [&] { four = problem.bound().mean_ms; });
  EXPECT_EQ(one, four);
}

std::vector<Instance> instances() {
  constexpr auto own = Aggregation::own_gateway;
  constexpr double tight = 1 - 1e-6;
  constexpr auto poisson = RoutingLaw::conditional_poisson;
  return {
      // One layer, one slot, a satellite per expert: nothing is relaxed.
      {.name = "ring_k2", .graph = ring_of(8, 1, 1), .at_least = tight},
      {.name = "ring_k3", .graph = ring_of(8, 1, 1), .experts = 4, .top_k = 3, .at_least = tight},
      {.name = "ring_own", .graph = ring_of(8, 1, 1), .aggregation = own, .law = poisson, .at_least = tight},
      {.name = "ring_hosting", .graph = ring_of(8, 1, 1), .gateways_host_experts = true, .at_least = tight},
      {.name = "ring_two_places", .graph = ring_of(8, 1, 1), .experts = 4, .capacity = 2},
      {.name = "ring_given", .graph = ring_of(8, 1, 1), .given_times = true},
      {.name = "ring_outages", .graph = ring_of(8, 0.9, 4), .allowed_loss = 0},
      {.name = "grid_k2", .graph = grid_of(3, 4, 1, 1), .layers = 2},
      {.name = "grid_k3", .graph = grid_of(3, 4, 1, 1), .layers = 2, .top_k = 3},
      {.name = "grid_own", .graph = grid_of(3, 4, 1, 1), .layers = 2, .aggregation = own},
      {.name = "grid_outages", .graph = grid_of(3, 4, 0.9, 3), .layers = 2, .law = poisson},
      {.name = "grid_outages_own", .graph = grid_of(3, 4, 0.9, 3), .layers = 2, .aggregation = own},
      {.name = "grid_no_losses", .graph = grid_of(3, 4, 0.7, 3), .layers = 2, .allowed_loss = 1e-4},
      {.name = "grid_losses",
       .graph = grid_of(3, 4, 0.7, 3),
       .layers = 2,
       .allowed_loss = 1e-4,
       .last_weight = 1e-5,
       .at_least = 0.3},
      {.name = "small_grid_two_places", .graph = grid_of(2, 3, 1, 1), .layers = 2, .capacity = 2},
      {.name = "small_grid_hosting",
       .graph = grid_of(2, 3, 0.95, 2),
       .layers = 2,
       .capacity = 2,
       .gateways_host_experts = true,
       .at_least = 0.85},
  };
}

INSTANTIATE_TEST_SUITE_P(Tiny, LowerBoundOf, ::testing::ValuesIn(instances()),
                         [](auto const& instance) { return instance.param.name; });

/// Five layers on a grid with outages, each layer with weights of its own.
Instance five_layers() {
  return {.name = "five_layers", .graph = grid_of(4, 5, 0.95, 4), .layers = 5, .experts = 4};
}

Ways mean_ways(Problem const& problem) {
  auto const paths = problem.paths();
  Ways ways(problem.nodes(), problem.nodes(), true);
  for (std::uint32_t s = 0; s < problem.nodes(); ++s)
    std::ranges::copy(paths->row(0, s), ways.from(s).begin());
  return ways;
}

constexpr std::uint64_t plenty_bytes = std::uint64_t{1} << 24;
constexpr auto ignore_rows = [](std::uint64_t) {};

TEST(ClosedWalk, IsTheBestOfAllWalks) {
  for (std::uint64_t const bytes : {std::uint64_t{1}, plenty_bytes}) {
    Instance const instance{.name = "", .graph = grid_of(2, 5, 1, 1), .layers = 5};
    Problem const problem(instance);
    auto const layers = problem.relaxed();
    PairBounds const pairs(layers, mean_ways(problem), bytes, ignore_rows);
    std::uint64_t best = no_limit_ns;
    std::vector<std::size_t> walk(5, 0);
    do {
      std::uint64_t cost = layers.head_ns[walk[0]];
      for (std::uint32_t l = 0; l < 5; ++l)
        cost += layers.fixed(l, walk[l]) + pairs.from(l, walk[l])[walk[(l + 1) % 5]];
      best = std::min(best, cost);
    } while (count_up(walk, problem.nodes()));
    EXPECT_EQ(best_closed_walk(layers, pairs, ignore_rows), best);
  }
}

TEST(ClosedWalk, IsLowerWhereLayersShareAMatrix) {
  Instance const instance = five_layers();
  Problem const problem(instance);
  auto const layers = problem.relaxed();
  Ways const ways = mean_ways(problem);
  PairBounds const own(layers, ways, plenty_bytes, ignore_rows);
  PairBounds const shared(layers, ways, 1, ignore_rows);
  auto const most = best_closed_walk(layers, own, ignore_rows);
  auto const less = best_closed_walk(layers, shared, ignore_rows);
  EXPECT_LT(*less, *most);
  EXPECT_GT(static_cast<double>(*less), 0.9 * static_cast<double>(*most));
}

TEST(LowerBoundWindows, AreAboveTheClosedWalk) {
  Instance const instance = five_layers();
  Problem const problem(instance);
  auto const layers = problem.relaxed();
  Ways const ways = mean_ways(problem);
  PairBounds const pairs(layers, ways, plenty_bytes, ignore_rows);
  auto const walk = best_closed_walk(layers, pairs, ignore_rows);
  auto const windows = windows_of_two(layers, ways, pairs, plenty_bytes, ignore_rows);
  EXPECT_GT(*windows, 1.05 * static_cast<double>(*walk));
  EXPECT_EQ(windows_of_two(layers, ways, pairs, 1, ignore_rows), std::nullopt)
      << "no memory for lists of hosts";
}

/// Mean latency [ns] of a layer whose experts, by falling weight, are on these hosts.
double layer_mean_ns(Problem const& problem, std::uint32_t layer, std::span<HostCost const> hosts) {
  auto const weights = problem.weights(layer);
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  std::vector<Nanoseconds> expert_ns(weights.size());
  std::vector<std::uint16_t> host(weights.size());
  std::iota(host.begin(), host.end(), std::uint16_t{0});
  for (std::size_t m = 0; m < order.size(); ++m) expert_ns[order[m]] = static_cast<Nanoseconds>(hosts[m].ns);
  std::vector<Nanoseconds> const none(weights.size(), 0);
  std::vector<std::uint8_t> const shares{0};
  CostView const cost{1, problem.instance().experts, 0, none, expert_ns, none, host, shares};
  return layer_distribution(problem.instance().law, {weights.data(), weights.size()},
                            problem.instance().top_k, cost, 0)
      .mean_ns();
}

// Many experts are counted several at a time. The bound is below every placement, so also below the best of
// those that keep both layers at one gateway, the second behind the first.
TEST(LowerBoundWindows, CountManyExpertsInSteps) {
  Instance const instance{.name = "", .graph = grid_of(8, 9, 1, 1), .layers = 2, .experts = 18, .top_k = 3};
  Problem const problem(instance);
  auto const layers = problem.relaxed();
  Ways const ways = mean_ways(problem);
  double best_ms = std::numeric_limits<double>::infinity();
  for (std::size_t g = 0; g < problem.nodes(); ++g) {
    std::vector<HostCost> hosts;
    HostsAround(layers, g, ways.from(g)).nearest(g, ways.from(g), 36, no_limit_ns, hosts);
    double mean_ns = static_cast<double>(layers.head_ns[g] + layers.fixed(0, g) + layers.fixed(1, g));
    mean_ns += layer_mean_ns(problem, 0, hosts) + layer_mean_ns(problem, 1, std::span(hosts).subspan(18));
    best_ms = std::min(best_ms, mean_ns / ns_per_ms);
  }
  LowerBound const bound = problem.bound();
  EXPECT_EQ(bound.kind, "windows of 2 layers");
  EXPECT_LE(*bound.mean_ms, best_ms);
  EXPECT_GE(*bound.mean_ms, 0.9 * best_ms);
}

// Both hosts of the one layer are 1 ms away in one slot; in the other one of them is cut off and the other 50
// ms away. All tokens that arrive, half of them, take 2 ms, though averaged over slots one host costs 51.
TEST(LowerBoundLosses, CountThatTheSlowestMayBeLost) {
  Scenario scenario = small_scenario();
  scenario.constellation.shells.clear();
  scenario.links = {};
  scenario.listed_nodes = 3;
  scenario.listed_links = {{satellite(0), satellite(1), 1'000'000}, {satellite(0), satellite(2), 1'000'000}};
  scenario.model.layers = scenario.model.moe_layers = 1;
  scenario.model.experts = scenario.model.top_k = 2;
  scenario.weights = uniform_weights(1, 2);
  scenario.compute = {};
  scenario.compute.expert_ms = {0};
  scenario.compute.gateway_ms = {0};
  scenario.compute.head_ms = 0;
  Network const network = make_network(scenario);
  Snapshot const first = network.snapshot(0, 0, Purpose::planning_outage);
  Snapshot second = first;
  second.latency_ns = {unreachable, 50'000'000};
  SnapshotBatch const slots = batch(network.wiring(), {first, second});
  ComputeTimes const compute(scenario.model, scenario.compute);
  ScoringTables const tables(scenario.law, scenario.weights, 2, compute, 3);
  auto const backend = make_cpu_backend();
  LowerBoundOptions options;
  options.fixed_gateways = {satellite(0)};
  options.allowed_loss = 0.5;
  EXPECT_LE(lower_bound(scenario, slots, compute, tables, *backend, options).mean_ms.value_or(0), 2);
  // Nobody may lose tokens: then there is no placement at all.
  options.allowed_loss = 0;
  EXPECT_FALSE(lower_bound(scenario, slots, compute, tables, *backend, options).mean_ms);
}

TEST(LowerBoundReasons, SayWhyThereIsNone) {
  Instance const crowded{.name = "", .graph = ring_of(4, 1, 1), .experts = 4};
  LowerBound const none = Problem(crowded).bound();
  EXPECT_EQ(none.mean_ms, std::nullopt);
  EXPECT_THAT(none.reason_missing, HasSubstr("reaches enough hosts in every slot"));

  Instance const careless{.name = "", .graph = ring_of(8, 0.8, 3), .allowed_loss = 0.9};
  LowerBound const lost = Problem(careless).bound();
  EXPECT_EQ(lost.mean_ms, std::nullopt);
  EXPECT_THAT(lost.reason_missing, HasSubstr("may be lost"));
}

TEST(LowerBoundProgress, GoesToTheEndAndMayThrow) {
  Instance const five = five_layers();
  Instance const one{.name = "", .graph = ring_of(8, 1, 1)};
  for (auto const& [instance, fixed] : {std::pair(&five, false), {&five, true}, {&one, false}}) {
    Problem problem(*instance);
    if (fixed) problem.options.fixed_gateways.emplace(5, satellite(3));
    std::uint64_t last = 0;
    std::uint64_t all = 0;
    problem.options.progress = [&](std::uint64_t done, std::uint64_t total) {
      EXPECT_GT(done, last);
      last = done;
      all = total;
    };
    EXPECT_TRUE(problem.bound().mean_ms);
    EXPECT_EQ(last, all);
    problem.options.progress = [](std::uint64_t, std::uint64_t) { throw 5; };
    EXPECT_THROW(problem.bound(), int);
  }
}

// A layer whose experts all run on one satellite that several layers want: prices must part them.
TEST(PricedHosts, PartLayersOfOneGateway) {
  Instance const instance{.name = "", .graph = grid_of(4, 5, 1, 1), .layers = 3, .experts = 4, .top_k = 4};
  Problem problem(instance);
  problem.options.fixed_gateways.emplace(3, satellite(7));
  auto const layers = problem.relaxed();
  // All four experts are drawn, so that a layer costs what its farthest host does; of the twelve nearest
  // hosts one layer has four, two have eight, and all have twelve.
  std::vector<HostCost> hosts;
  Ways const ways = mean_ways(problem);
  HostsAround(layers, 7, ways.from(7)).nearest(7, ways.from(7), 12, no_limit_ns, hosts);
  double best_ns = static_cast<double>(layers.head_ns[7] + hosts[3].ns + hosts[7].ns + hosts[11].ns);
  for (std::uint32_t l = 0; l < 3; ++l) best_ns += static_cast<double>(layers.fixed(l, 7));
  double const bound_ms = *problem.bound().mean_ms;
  EXPECT_LE(bound_ms, best_ns / ns_per_ms * rounding);
  EXPECT_GE(bound_ms, best_ns / ns_per_ms * 0.9);
}

}  // namespace
}  // namespace spacemoe::testing
