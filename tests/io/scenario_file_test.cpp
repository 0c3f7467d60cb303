#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/io/result_file.hpp"
#include "tests/io/scenario_support.hpp"

namespace spacemoe::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ScenarioFile : public ScenarioFolder {};

TEST_F(ScenarioFile, DefaultsAreThoseOfTheConventions) {
  Scenario const scenario = load(base_scenario);
  EXPECT_EQ(scenario.title, "base");
  EXPECT_EQ(scenario.seed.value, 1u);
  EXPECT_EQ(scenario.constellation.earth, EarthModel::wgs84);
  EXPECT_EQ(scenario.constellation.propagation, Propagation::two_body);
  ASSERT_EQ(scenario.constellation.shells.size(), 1u);
  Shell const& shell = scenario.constellation.shells.front();
  EXPECT_EQ(shell.name, "shell 0");
  EXPECT_EQ(shell.altitude_km, 550);
  EXPECT_EQ(shell.inclination_deg, 53);
  EXPECT_EQ(shell.planes, 6u);
  EXPECT_EQ(shell.satellites_per_plane, 8u);
  EXPECT_EQ(shell.phasing, 0u);
  EXPECT_EQ(shell.pattern, Pattern::delta);
  EXPECT_EQ(shell.phasing_rule, PhasingRule::walker);
  EXPECT_EQ(scenario.links.seam, Seam::cut);
  EXPECT_EQ(scenario.links.inter_plane_partner, InterPlanePartner::same_slot);
  EXPECT_FALSE(scenario.links.latitude_limit_deg || scenario.links.grazing_altitude_km ||
               scenario.links.max_range_km || scenario.links.max_pointing_rate_rad_s);
  EXPECT_EQ(scenario.links.survival, 1);
  EXPECT_EQ(scenario.links.rate_bit_s, 100e9);
  EXPECT_EQ(scenario.links.message_bit, 64 * 2 * 8);
  EXPECT_EQ(scenario.links.forwarding_ns, 0);
  EXPECT_EQ(scenario.time.slots, 2u);
  EXPECT_FALSE(scenario.time.span_s.has_value());
  EXPECT_EQ(scenario.model.layers, 2u);
  EXPECT_EQ(scenario.model.hidden_state_bytes, 128);
  EXPECT_FALSE(scenario.model.gateway_flop_per_layer.has_value());
  EXPECT_EQ(scenario.law, RoutingLaw::plackett_luce);
  EXPECT_EQ(scenario.weights.layers, 2u);
  EXPECT_EQ(scenario.weights.experts, 4u);
  EXPECT_THAT(scenario.weights.weight, Each(1.0));
  EXPECT_TRUE(scenario.compute.gateway_compute);
  EXPECT_TRUE(scenario.compute.head_compute);
  EXPECT_EQ(scenario.compute.rate_flop_s, 1e9);
  EXPECT_FALSE(scenario.compute.memory_bandwidth_byte_s.has_value());
  EXPECT_EQ(scenario.aggregation, Aggregation::next_gateway);
  EXPECT_THAT(scenario.strategies, ElementsAre(Strategy::spacemoe));
  EXPECT_EQ(scenario.random_placements, 8u);
  EXPECT_EQ(scenario.capacity, 1u);
  EXPECT_FALSE(scenario.gateways_host_experts);
  EXPECT_EQ(scenario.ring_shell, 0u);
  EXPECT_EQ(scenario.tokens, 1'000'000u);
  EXPECT_EQ(scenario.given_text, base_scenario);
}

TEST_F(ScenarioFile, LinkKeysAndUnits) {
  LinkRules const links = load(base_and(R"([links]
seam = "wrap-phased"
inter_plane_partner = "nearest-phase"
latitude_limit_deg = 75
latitude_rule = "both"
grazing_altitude_km = 80.0
max_range_km = 5400
max_pointing_rate_rad_s = 0.12
survival = 0.95
rate_bit_s = 10e9
message_bytes = 1000
forwarding_us = 2.5
)"))
                              .links;
  EXPECT_EQ(links.seam, Seam::wrap_phased);
  EXPECT_EQ(links.inter_plane_partner, InterPlanePartner::nearest_phase);
  EXPECT_EQ(links.between_shells, BetweenShells::none);
  EXPECT_EQ(links.latitude_limit_deg, 75);
  EXPECT_EQ(links.latitude_rule, LatitudeRule::both);
  EXPECT_EQ(links.grazing_altitude_km, 80);
  EXPECT_EQ(links.max_range_km, 5400);
  EXPECT_EQ(links.max_pointing_rate_rad_s, 0.12);
  EXPECT_EQ(links.survival, 0.95);
  EXPECT_EQ(links.rate_bit_s, 10e9);
  EXPECT_EQ(links.message_bit, 8000);
  EXPECT_EQ(links.forwarding_ns, 2500);
}

TEST_F(ScenarioFile, ShellsByWalkerStringEqualShellsByTable) {
  std::string const shell(base_shell);
  Scenario const walker =
      load(base_with(shell, "[constellation]\nwalker = \"D:550:53:48/6/2 + S:1200:87.9:18/3/1\"\n"));
  Scenario const tables = load(base_with(shell, R"([[shell]]
altitude_km = 550
inclination_deg = 53
planes = 6
satellites = 48
phasing = 2
[[shell]]
altitude_km = 1200
inclination_deg = 87.9
planes = 3
satellites_per_plane = 6
phasing = 1
pattern = "star"
)"));
  ASSERT_EQ(walker.constellation.shells.size(), 2u);
  ASSERT_EQ(tables.constellation.shells.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    Shell const& a = walker.constellation.shells[i];
    Shell const& b = tables.constellation.shells[i];
    EXPECT_EQ(a.altitude_km, b.altitude_km);
    EXPECT_EQ(a.inclination_deg, b.inclination_deg);
    EXPECT_EQ(a.planes, b.planes);
    EXPECT_EQ(a.satellites_per_plane, b.satellites_per_plane);
    EXPECT_EQ(a.phasing, b.phasing);
    EXPECT_EQ(a.pattern, b.pattern);
  }
  EXPECT_EQ(satellites(walker), 66u);
}

TEST_F(ScenarioFile, KeysOfTheScenarioWinOverThoseOfIncludedFiles) {
  write("parts/shells.toml", R"([constellation]
earth = "wgs72"
propagation = "j2-secular"
[[shell]]
name = "included"
altitude_km = 600
inclination_deg = 50
planes = 4
satellites_per_plane = 10
)");
  write("parts/model.toml",
        "name = \"m\"\nmoe_layers = 2\nexperts = 4\ntop_k = 1\nhidden_size = 64\n"
        "expert_size = 128\nhidden_state_bytes = 77\nvocabulary = 9\n");
  Scenario const scenario = load(R"([constellation]
file = "parts/shells.toml"
earth = "sphere6371"
[time]
slots = 1
[model]
file = "parts/model.toml"
top_k = 2
[compute]
rate_flop_s = 1e9
[placement]
strategies = ["rand-place"]
ring_shell = "included"
)");
  EXPECT_EQ(scenario.constellation.earth, EarthModel::sphere6371);
  EXPECT_EQ(scenario.constellation.propagation, Propagation::j2_secular);
  EXPECT_EQ(scenario.constellation.shells.front().altitude_km, 600);
  EXPECT_EQ(scenario.model.name, "m");
  EXPECT_EQ(scenario.model.top_k, 2u);
  EXPECT_EQ(scenario.model.vocabulary, 9u);
  EXPECT_EQ(scenario.links.message_bit, 8 * 77);
}

TEST_F(ScenarioFile, SpanAndSlotTimes) {
  Scenario const given = load(base_with("slots = 2", "slots = 8\nstart_s = 100\nspan_s = 40"));
  EXPECT_EQ(span_s(given), 40);
  EXPECT_EQ(slot_time_s(given, 0), 100);
  EXPECT_EQ(slot_time_s(given, 3), 115);
  Scenario const period = load(base_with("slots = 2", "slots = 2\nspan_s = \"period\""));
  // 2 pi sqrt(a^3 / mu) at a = 6928.137 km.
  double const expected_s = 2 * std::acos(-1.0) * std::sqrt(std::pow(6928.137, 3) / 398600.4418);
  EXPECT_NEAR(span_s(period), expected_s, 1e-6);
  EXPECT_NEAR(slot_time_s(period, 1), expected_s / 2, 1e-6);
}

TEST_F(ScenarioFile, WeightsFromEverySource) {
  auto const weights = [&](std::string const& lines) {
    return load(base_and("[activation]\n" + lines + "\n")).weights.weight;
  };
  EXPECT_THAT(weights("weights = \"inline\"\nvalues = [4, 3.5, 2, 0]"),
              ElementsAre(4, 3.5, 2, 0, 4, 3.5, 2, 0));
  auto const rows = ElementsAre(1, 2, 3, 4, 5, 6, 7, 8);
  EXPECT_THAT(weights("weights = \"inline\"\nvalues = [[1, 2, 3, 4], [5, 6, 7, 8]]"), rows);
  write("w.csv", "1,2,3,4\r\n5, 6 ,7,8.0");
  EXPECT_THAT(weights("weights = \"file\"\nfile = \"w.csv\""), rows);
  write("w.csv",
        "\xef\xbb\xbf"
        "1,2,3,4\r\n5,6,7,8\r\n\r\n \t\r\n\n");
  EXPECT_THAT(weights("weights = \"file\"\nfile = \"w.csv\""), rows);
  write("w.json", "[[1, 2, 3, 4], [5, 6, 7, 8.0]]\n");
  EXPECT_THAT(weights("weights = \"file\"\nfile = \"w.json\""), rows);
  write("w.json", "{\"total_input_tokens\": 18, \"expert_popularity\": [[1, 2, 3, 4], [5, 6, 7, 8]]}");
  EXPECT_THAT(weights("weights = \"file\"\nfile = \"w.json\""), rows);
  EXPECT_EQ(weights("weights = \"zipf\"\nexponent = 1"), zipf_weights(2, 4, 1, Seed{1}).weight);
  EXPECT_EQ(weights("weights = \"log-normal\"\nsigma = 0.5\nseed = 9"),
            log_normal_weights(2, 4, 0.5, Seed{9}).weight);
}

TEST_F(ScenarioFile, TheScenariosSeedLeavesTheModelAlone) {
  std::string const text = base_and("[activation]\nweights = \"log-normal\"\nsigma = 1\n");
  ScenarioOverrides other;
  other.seed = 5;
  Scenario const a = load(text);
  Scenario const b = load(text, other);
  EXPECT_EQ(b.seed.value, 5u);
  EXPECT_EQ(a.weights.weight, b.weights.weight);
}

TEST_F(ScenarioFile, GivenTimes) {
  ComputeSpec const compute = load(base_with("rate_flop_s = 1e9", R"(expert_ms = [[1, 2, 3, 4], [5, 6, 7, 8]]
gateway_ms = [0.5, 0.25]
head_ms = 3)"))
                                  .compute;
  EXPECT_THAT(compute.expert_ms, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(compute.gateway_ms, ElementsAre(0.5, 0.25));
  EXPECT_EQ(compute.head_ms, 3);
  EXPECT_EQ(compute.rate_flop_s, 0);
}

TEST_F(ScenarioFile, RatesPerSatelliteFillUpWithTheCommonRate) {
  write("rates.csv", "satellite,rate_flop_s\n3,2e9\n47,5e8\n");
  ComputeSpec const compute =
      load(base_with("rate_flop_s = 1e9", "rate_flop_s = 1e9\nsatellite_rates = \"rates.csv\"")).compute;
  ASSERT_EQ(compute.satellite_rate_flop_s.size(), 48u);
  EXPECT_EQ(compute.satellite_rate_flop_s[0], 1e9);
  EXPECT_EQ(compute.satellite_rate_flop_s[3], 2e9);
  EXPECT_EQ(compute.satellite_rate_flop_s[47], 5e8);
}

TEST_F(ScenarioFile, ListedLinksAreRoundedToNanoseconds) {
  write("edges.csv", "a,b,latency_ms\n0,1,1.5\n7,1,0.0000126\n2,3,1\n4,5,1\n6,7,1\n");
  Scenario const scenario = load(with(edges_scenario, "top_k = 1", "top_k = 2"));
  EXPECT_TRUE(is_listed(scenario));
  EXPECT_EQ(satellites(scenario), 8u);
  ASSERT_EQ(scenario.listed_links.size(), 5u);
  EXPECT_EQ(scenario.listed_links[0].latency_ns, 1'500'000u);
  EXPECT_EQ(scenario.listed_links[1].a, SatelliteId{7});
  EXPECT_EQ(scenario.listed_links[1].b, SatelliteId{1});
  EXPECT_EQ(scenario.listed_links[1].latency_ns, 13u);
  EXPECT_EQ(span_s(scenario), 0);
  EXPECT_EQ(slot_time_s(scenario, 1), 0);
  EXPECT_EQ(make_network(scenario).wiring().nodes, 8u);
}

TEST_F(ScenarioFile, HeadersMayFollowAByteOrderMark) {
  write("edges.csv",
        "\xef\xbb\xbf"
        "a,b,latency_ms\r\n0,1,1.5\r\n1,2,2\r\n2,3,3\r\n3,4,4\r\n4,5,5\r\n\r\n");
  Scenario const scenario = load(edges_scenario);
  EXPECT_EQ(satellites(scenario), 6u);
  EXPECT_EQ(scenario.listed_links.size(), 5u);
  EXPECT_EQ(scenario.listed_links[4].latency_ns, 5'000'000u);
}

TEST_F(ScenarioFile, NetworkOfAConstellation) {
  Scenario const scenario = load(base_scenario);
  // Rings of 8 in 6 planes, and 5 pairs of neighbouring planes with the seam cut.
  EXPECT_EQ(make_network(scenario).wiring().links.size(), 6u * 8u + 5u * 8u);
  PlacementLimits const limits =
      placement_limits(load(base_and("capacity = 3\ngateways_host_experts = true\n")));
  EXPECT_EQ(limits.satellites, 48u);
  EXPECT_EQ(limits.capacity, 3u);
  EXPECT_TRUE(limits.gateways_host_experts);
}

TEST_F(ScenarioFile, PlacementFromTheFile) {
  write("p.toml", "gateways = [7, 9]\nhosts = [[2, 3, 4, 5], [6, 47, 8, 10]]\n");
  Scenario const scenario = load(base_with("[\"spacemoe\"]", "[\"greedy\", \"file\"]\nfile = \"p.toml\""));
  ASSERT_EQ(scenario.file_placements.size(), 1u);
  Placement const& placement = scenario.file_placements.front();
  EXPECT_EQ(placement.gateway[1], SatelliteId{9});
  EXPECT_EQ(placement.host_of(1, 1), SatelliteId{47});
}

TEST_F(ScenarioFile, PlacementsFromAResult) {
  Scenario scenario = load(base_scenario);
  Placement placement{2, 4, {satellite(7), satellite(9)}, {}};
  for (std::size_t i = 20; i < 28; ++i) placement.host.push_back(satellite(i));
  placement.replica = {{0, 1, satellite(11)}, {1, 0, satellite(10)}};
  placement.spare = {{1, satellite(12)}, {1, satellite(8)}};
  Evaluation evaluation;
  evaluation.slots = 2;
  evaluation.layers = 2;
  evaluation.experts = 4;
  StrategyResult result;
  result.strategy = Strategy::spacemoe;
  result.placements = {placement};
  result.tally.cell.resize(2);
  result.tally.histogram.resize(bin_count);
  result.tally.layer_sum_ns.resize(2);
  result.layer_mean_ms.resize(2);
  evaluation.strategies = {result};
  write_result(folder() / "r.h5", scenario, resolved_text(scenario), evaluation, {});
  std::string const text =
      base_with("[\"spacemoe\"]", "[\"file\"]\nfile = \"r.h5\"\nfile_strategy = \"spacemoe\"");
  EXPECT_THAT(load(text).file_placements, ElementsAre(placement));
  EXPECT_THAT(complaints(with(text, "moe_layers = 2", "moe_layers = 1")),
              HasSubstr("the placement is for 2 layers of 4 experts; the model has 1 MoE layers"));
  // Hosts are satellites 20 to 27; three planes have 24.
  EXPECT_THAT(
      complaints(with(text, "planes = 6", "planes = 3")),
      ::testing::StartsWith("scenario.toml:19 placement.file: placement 0, host[1][0]: satellite 24 does "
                            "not exist; satellites are 0 to 23"));
  // With satellites 0 to 10, all hosts go, one replica and one spare; ten are told.
  std::string const few = complaints(
      with(with(text, "planes = 6", "planes = 1"), "satellites_per_plane = 8", "satellites_per_plane = 11"));
  EXPECT_THAT(few, HasSubstr("placement 0, replica on satellite 11: satellite 11 does not exist"));
  EXPECT_THAT(few, HasSubstr("placement 0, spare gateway of layer 1: satellite 12 does not exist"));
}

TEST_F(ScenarioFile, OverridesReplaceTheFileBeforeItIsChecked) {
  ScenarioOverrides overrides;
  overrides.strategies = {"rand-place", "greedy"};
  overrides.tokens = 77;
  overrides.seed = 3;
  Scenario const scenario =
      load("seed = 2\n" + base_with("[\"spacemoe\"]", "[\"nonsense\"]\nfile = \"none.toml\"") +
               "[evaluation]\ntokens = 5\n",
           overrides);
  EXPECT_THAT(scenario.strategies, ElementsAre(Strategy::rand_place, Strategy::greedy));
  EXPECT_EQ(scenario.tokens, 77u);
  EXPECT_EQ(scenario.seed.value, 3u);
  EXPECT_THAT(scenario.file_placements, IsEmpty());
}

TEST_F(ScenarioFile, PlacementsOfTheCommandLineComeBesideTheStrategies) {
  write("p.toml", "gateways = [7, 9]\nhosts = [[2, 3, 4, 5], [6, 47, 8, 10]]\n");
  ScenarioOverrides overrides;
  overrides.placements =
      PlacementFile{folder() / "p.toml", std::nullopt, "--placement", "--placement-strategy"};
  Scenario const added = load(base_scenario, overrides);
  EXPECT_THAT(added.strategies, ElementsAre(Strategy::spacemoe, Strategy::file));
  ASSERT_EQ(added.file_placements.size(), 1u);
  EXPECT_EQ(added.file_placements[0].gateway[1], SatelliteId{9});
  Scenario const replaced = load(base_with("[\"spacemoe\"]", "[\"file\"]\nfile = \"none.toml\""), overrides);
  EXPECT_THAT(replaced.strategies, ElementsAre(Strategy::file));
  EXPECT_EQ(replaced.file_placements, added.file_placements);

  auto const complaint = [&] {
    try {
      load(base_scenario, overrides);
    } catch (ScenarioError const& error) {
      return error.complaints().at(0).where + ": " + error.complaints().at(0).what;
    }
    return std::string("nothing is wrong");
  };
  overrides.placements->strategy = "spacemoe";
  EXPECT_EQ(complaint(), "--placement-strategy: has no effect: file is not a result (.h5)");
  overrides.placements->file = folder() / "none.h5";
  EXPECT_THAT(complaint(), ::testing::StartsWith("--placement: cannot read"));
}

TEST(ShippedScenarios, Load) {
  std::size_t count = 0;
  for (auto const& entry : std::filesystem::directory_iterator(SPACEMOE_DATA "/scenarios")) {
    if (entry.path().extension() != ".toml") continue;
    ++count;
    SCOPED_TRACE(entry.path());
    EXPECT_NO_THROW(load_scenario(entry.path()));
  }
  EXPECT_GE(count, 6u);
}

/// Share of the links between planes that the pointing limit removes, over all slots.
double removed_by_pointing(Scenario const& scenario) {
  Network const network = make_network(scenario);
  double between = 0;
  double removed = 0;
  for (std::uint32_t slot = 0; slot < scenario.time.slots; ++slot) {
    Snapshot const snapshot = network.snapshot(slot, slot_time_s(scenario, slot), Purpose::evaluation_outage);
    for (std::size_t i = 0; i < snapshot.removal.size(); ++i) {
      if (network.wiring().links[i].kind != LinkKind::intra_plane) ++between;
      if (snapshot.removal[i] == Removal::pointing) ++removed;
    }
  }
  return removed / between;
}

TEST(ShippedScenarios, PaperIsThePublishedExperiment) {
  Scenario const paper = load_scenario(SPACEMOE_DATA "/scenarios/paper.toml");
  EXPECT_EQ(satellites(paper), 1056u);
  EXPECT_EQ(paper.model.moe_layers * (paper.model.experts + 1), 288u);
  EXPECT_EQ(paper.time.slots, 200u);
  EXPECT_EQ(paper.tokens, 1'000'000u);
  EXPECT_EQ(paper.random_placements, 8u);
  EXPECT_EQ(paper.strategies.size(), 7u);
  EXPECT_EQ(paper.links.message_bit, 8 * 8192);
  // 6 d f / rate = 4.645 ms.
  EXPECT_NEAR(expert_flop(paper.model) / paper.compute.rate_flop_s, 4.645e-3, 1e-6);
}

TEST(ShippedScenarios, PointingLimitBindsInDegreesOnly) {
  Scenario const paper = load_scenario(SPACEMOE_DATA "/scenarios/paper.toml");
  Scenario const deg = load_scenario(SPACEMOE_DATA "/scenarios/paper-deg.toml");
  EXPECT_NEAR(*deg.links.max_pointing_rate_rad_s,
              *paper.links.max_pointing_rate_rad_s * std::acos(-1.0) / 180, 1e-8);
  EXPECT_EQ(removed_by_pointing(paper), 0);
  // 0.1014 by an independent program on 50 instants of the orbit.
  EXPECT_NEAR(removed_by_pointing(deg), 0.1014, 0.002);
}

}  // namespace
}  // namespace spacemoe::test
