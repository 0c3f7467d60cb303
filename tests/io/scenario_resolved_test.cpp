#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/io/scenario_support.hpp"

namespace spacemoe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

void expect_same(Shell const& a, Shell const& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.altitude_km, b.altitude_km);
  EXPECT_EQ(a.inclination_deg, b.inclination_deg);
  EXPECT_EQ(a.planes, b.planes);
  EXPECT_EQ(a.satellites_per_plane, b.satellites_per_plane);
  EXPECT_EQ(a.phasing, b.phasing);
  EXPECT_EQ(a.pattern, b.pattern);
  EXPECT_EQ(a.phasing_rule, b.phasing_rule);
  EXPECT_EQ(a.raan0_deg, b.raan0_deg);
}

void expect_same_network(Scenario const& a, Scenario const& b) {
  EXPECT_EQ(a.constellation.earth, b.constellation.earth);
  EXPECT_EQ(a.constellation.propagation, b.constellation.propagation);
  ASSERT_EQ(a.constellation.shells.size(), b.constellation.shells.size());
  for (std::size_t i = 0; i < a.constellation.shells.size(); ++i) {
    expect_same(a.constellation.shells[i], b.constellation.shells[i]);
  }
  EXPECT_EQ(a.listed_nodes, b.listed_nodes);
  ASSERT_EQ(a.listed_links.size(), b.listed_links.size());
  for (std::size_t i = 0; i < a.listed_links.size(); ++i) {
    EXPECT_EQ(a.listed_links[i].a, b.listed_links[i].a);
    EXPECT_EQ(a.listed_links[i].b, b.listed_links[i].b);
    EXPECT_EQ(a.listed_links[i].latency_ns, b.listed_links[i].latency_ns);
  }
}

void expect_same(LinkRules const& a, LinkRules const& b) {
  EXPECT_EQ(a.seam, b.seam);
  EXPECT_EQ(a.star_seam, b.star_seam);
  EXPECT_EQ(a.inter_plane_partner, b.inter_plane_partner);
  EXPECT_EQ(a.between_shells, b.between_shells);
  EXPECT_EQ(a.between_shells_range_km, b.between_shells_range_km);
  EXPECT_EQ(a.latitude_limit_deg, b.latitude_limit_deg);
  EXPECT_EQ(a.latitude_rule, b.latitude_rule);
  EXPECT_EQ(a.grazing_altitude_km, b.grazing_altitude_km);
  EXPECT_EQ(a.max_range_km, b.max_range_km);
  EXPECT_EQ(a.max_pointing_rate_rad_s, b.max_pointing_rate_rad_s);
  EXPECT_EQ(a.survival, b.survival);
  EXPECT_EQ(a.rate_bit_s, b.rate_bit_s);
  EXPECT_EQ(a.message_bit, b.message_bit);
  EXPECT_EQ(a.forwarding_ns, b.forwarding_ns);
}

void expect_same(MoeModel const& a, MoeModel const& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.layers, b.layers);
  EXPECT_EQ(a.moe_layers, b.moe_layers);
  EXPECT_EQ(a.experts, b.experts);
  EXPECT_EQ(a.top_k, b.top_k);
  EXPECT_EQ(a.shared_experts, b.shared_experts);
  EXPECT_EQ(a.hidden_size, b.hidden_size);
  EXPECT_EQ(a.expert_size, b.expert_size);
  EXPECT_EQ(a.vocabulary, b.vocabulary);
  EXPECT_EQ(a.context, b.context);
  EXPECT_EQ(a.expert_bytes, b.expert_bytes);
  EXPECT_EQ(a.hidden_state_bytes, b.hidden_state_bytes);
  EXPECT_EQ(a.gateway_flop_per_layer, b.gateway_flop_per_layer);
}

void expect_same(ComputeSpec const& a, ComputeSpec const& b) {
  EXPECT_EQ(a.rate_flop_s, b.rate_flop_s);
  EXPECT_EQ(a.satellite_rate_flop_s, b.satellite_rate_flop_s);
  EXPECT_EQ(a.memory_bandwidth_byte_s, b.memory_bandwidth_byte_s);
  EXPECT_EQ(a.gateway_compute, b.gateway_compute);
  EXPECT_EQ(a.head_compute, b.head_compute);
  EXPECT_EQ(a.expert_ms, b.expert_ms);
  EXPECT_EQ(a.gateway_ms, b.gateway_ms);
  EXPECT_EQ(a.head_ms, b.head_ms);
}

/// Every field but the text that was given.
void expect_same(Scenario const& a, Scenario const& b) {
  EXPECT_EQ(a.title, b.title);
  EXPECT_EQ(a.seed.value, b.seed.value);
  expect_same_network(a, b);
  expect_same(a.links, b.links);
  EXPECT_EQ(a.time.slots, b.time.slots);
  EXPECT_EQ(a.time.start_s, b.time.start_s);
  EXPECT_EQ(a.time.span_s, b.time.span_s);
  expect_same(a.model, b.model);
  EXPECT_EQ(a.law, b.law);
  EXPECT_EQ(a.weights.layers, b.weights.layers);
  EXPECT_EQ(a.weights.experts, b.weights.experts);
  EXPECT_EQ(a.weights.weight, b.weights.weight);
  expect_same(a.compute, b.compute);
  EXPECT_EQ(a.aggregation, b.aggregation);
  EXPECT_EQ(a.strategies, b.strategies);
  EXPECT_EQ(a.random_placements, b.random_placements);
  EXPECT_EQ(a.capacity, b.capacity);
  EXPECT_EQ(a.gateways_host_experts, b.gateways_host_experts);
  EXPECT_EQ(a.redundancy, b.redundancy);
  EXPECT_EQ(a.ring_shell, b.ring_shell);
  EXPECT_EQ(a.file_placements, b.file_placements);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.sampler, b.sampler);
}

class ResolvedScenario : public ScenarioFolder {
 protected:
  void expect_round_trip(Scenario const& scenario) const {
    std::string const text = resolved_text(scenario);
    Scenario const again = load_scenario(write("resolved.toml", text));
    expect_same(scenario, again);
    EXPECT_EQ(resolved_text(again), text);
  }
};

/// A scenario in which no value is a default.
constexpr std::string_view nothing_by_default = R"(title = "odd \"title\"\\ ü"
seed = 9223372036854775807
[constellation]
earth = "wgs72"
propagation = "j2-secular"
[[shell]]
name = "first"
altitude_km = 550.1
inclination_deg = 53.05
planes = 6
satellites_per_plane = 8
phasing = 5
raan0_deg = -12.3
[[shell]]
name = "second"
altitude_km = 1200
inclination_deg = 87.9
planes = 4
satellites = 24
pattern = "star"
phasing_rule = "alternating"
[links]
seam = "wrap"
star_seam = true
inter_plane_partner = "nearest-phase"
between_shells = "nearest"
between_shells_range_km = 876.5
latitude_limit_deg = 70.3
latitude_rule = "both"
grazing_altitude_km = 80.7
max_range_km = 5400.1
max_pointing_rate_rad_s = 0.0020944
survival = 0.9500000000000001
rate_bit_s = 1.2345678901234567e10
message_bytes = 8193
forwarding_us = 1.1
[time]
slots = 7
start_s = -0.1
span_s = 1000.3
[model]
name = "odd"
layers = 3
moe_layers = 2
experts = 4
top_k = 3
shared_experts = 1
hidden_size = 63
expert_size = 129
vocabulary = 1000
context = 77
expert_bytes = 1.5e6
hidden_state_bytes = 200.5
gateway_flop_per_layer = 123456.7
[activation]
law = "conditional-poisson"
weights = "log-normal"
sigma = 0.7
seed = 12
[compute]
rate_flop_s = 1e9
memory_bandwidth_byte_s = 3.3e9
gateway_ms = [0.1, 0.3]
head = false
[placement]
strategies = ["rand-intra", "file"]
random_placements = 3
capacity = 2
gateways_host_experts = true
replica_places = 5
planned_loss = 0.3
spare_gateways = 2
aggregation = "own-gateway"
ring_shell = "second"
[[placement.given]]
gateways = [0, 1]
hosts = [[2, 3, 4, 5], [6, 7, 8, 2]]
[[placement.given]]
gateways = [0, 0]
hosts = [[0, 0, 1, 1], [70, 71, 8, 2]]
replicas = [[1, 2, 30], [0, 1, 32], [1, 2, 31]]
spares = [[1, 40], [1, 39], [0, 41]]
[evaluation]
tokens = 12345
sampler = "routing"
unreachable = "drop"
)";

TEST_F(ResolvedScenario, RoundTripsWithoutDefaults) {
  Scenario const scenario = load(nothing_by_default);
  ASSERT_EQ(scenario.file_placements.size(), 2u);
  EXPECT_THAT(
      scenario.file_placements[1].replica,
      ElementsAre(Replica{0, 1, satellite(32)}, Replica{1, 2, satellite(30)}, Replica{1, 2, satellite(31)}));
  EXPECT_THAT(scenario.file_placements[1].spare,
              ElementsAre(SpareGateway{0, satellite(41)}, SpareGateway{1, satellite(40)},
                          SpareGateway{1, satellite(39)}));
  EXPECT_EQ(scenario.ring_shell, 1u);
  expect_round_trip(scenario);
}

TEST_F(ResolvedScenario, RoundTripsWithDefaults) {
  expect_round_trip(load(base_scenario));
}

TEST_F(ResolvedScenario, RoundTripsListedLinks) {
  write("edges.csv", edges_csv);
  expect_round_trip(load(edges_scenario));
}

TEST_F(ResolvedScenario, RoundTripsGivenTimesAndRates) {
  expect_round_trip(load(base_with("rate_flop_s = 1e9", R"(expert_ms = [[0.1, 2, 3, 4], [5, 6, 7, 8]]
gateway = false
head_ms = 0.3)")));
  expect_round_trip(
      load(base_with("rate_flop_s = 1e9", "expert_ms = [1, 2.5]\ngateway_ms = 1\nhead_ms = 0.0")));
  write("rates.csv", "satellite,rate_flop_s\n3,2.1e9\n");
  expect_round_trip(
      load(base_with("rate_flop_s = 1e9", "rate_flop_s = 1e9\nsatellite_rates = \"rates.csv\"")));
}

TEST_F(ResolvedScenario, RoundTripsEveryForwardingTime) {
  // A unit conversion is not always undone by its inverse: all of these must still come back.
  Scenario scenario = load(base_scenario);
  for (int i = 1; i <= 200; ++i) {
    scenario.links.forwarding_ns = 1e3 * (i * 0.0137);
    Scenario const again = load_scenario(write("resolved.toml", resolved_text(scenario)));
    ASSERT_EQ(again.links.forwarding_ns, scenario.links.forwarding_ns) << i;
  }
}

TEST_F(ResolvedScenario, RoundTripsShippedScenarios) {
  for (auto const& entry : std::filesystem::directory_iterator(SPACEMOE_DATA "/scenarios")) {
    if (entry.path().extension() != ".toml") continue;
    SCOPED_TRACE(entry.path());
    expect_round_trip(load_scenario(entry.path()));
  }
}

TEST_F(ResolvedScenario, RoundTripsWhatASearchIsToDo) {
  Scenario const scenario = load(base_and(R"([search]
start = "rand-place"
objective = "cvar97.5"
over = "worst"
lost_penalty_ms = 12.5
gateways = "fixed"
moves = 12345
outages = 3
[[search.topic]]
weights = "zipf"
exponent = 1.5
[[search.topic]]
weights = "inline"
values = [[1, 2, 3, 4], [4, 3, 2, 1]]
)"));
  EXPECT_EQ(scenario.search.start, "rand-place");
  EXPECT_EQ(scenario.search.objective, "cvar97.5");
  EXPECT_TRUE(scenario.search.worst_case);
  EXPECT_EQ(scenario.search.lost_penalty_ms, 12.5);
  EXPECT_FALSE(scenario.search.move_gateways);
  EXPECT_EQ(scenario.search.moves, 12345u);
  EXPECT_EQ(scenario.search.outages, 3u);
  ASSERT_EQ(scenario.search.topics.size(), 2u);
  EXPECT_EQ(scenario.search.topics[1].weight, (std::vector<double>{1, 2, 3, 4, 4, 3, 2, 1}));
  expect_round_trip(scenario);
  Scenario const again = load_scenario(write("resolved.toml", resolved_text(scenario)));
  EXPECT_EQ(again.search.start, scenario.search.start);
  EXPECT_EQ(again.search.objective, scenario.search.objective);
  EXPECT_EQ(again.search.worst_case, scenario.search.worst_case);
  EXPECT_EQ(again.search.lost_penalty_ms, scenario.search.lost_penalty_ms);
  EXPECT_EQ(again.search.move_gateways, scenario.search.move_gateways);
  EXPECT_EQ(again.search.moves, scenario.search.moves);
  EXPECT_EQ(again.search.outages, scenario.search.outages);
  ASSERT_EQ(again.search.topics.size(), 2u);
  for (std::size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(again.search.topics[t].weight, scenario.search.topics[t].weight);
  }
}

TEST_F(ResolvedScenario, SpellsOutDefaults) {
  std::string const text = resolved_text(load(base_scenario));
  for (char const* line :
       {"seed = 1\n", "network = \"constellation\"\n", "earth = \"wgs84\"\n", "phasing = 0\n",
        "seam = \"cut\"\n", "between_shells = \"none\"\n", "max_range_km = \"off\"\n",
        "message_bytes = 128.0\n", "span_s = \"period\"  # 5738.99", "weights = \"inline\"\n",
        "  [1.0, 1.0, 1.0, 1.0],\n", "gateway = true\n", "random_placements = 8\n", "capacity = 1\n",
        "tokens = 1000000\n", "sampler = \"auto\"\n", "unreachable = \"drop\"\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(ResolvedScenario, ShowsOverrides) {
  ScenarioOverrides overrides;
  overrides.strategies = {"greedy"};
  overrides.tokens = 42;
  overrides.seed = 7;
  std::string const text = resolved_text(load(base_scenario, overrides));
  EXPECT_THAT(text, HasSubstr("strategies = [\"greedy\"]\n"));
  EXPECT_THAT(text, HasSubstr("tokens = 42\n"));
  EXPECT_THAT(text, HasSubstr("seed = 7\n"));
  EXPECT_THAT(text, Not(HasSubstr("spacemoe")));
}

}  // namespace
}  // namespace spacemoe::test
