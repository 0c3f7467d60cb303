#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/placement/strategies.hpp"
#include "tests/io/scenario_support.hpp"

namespace spacemoe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Size {
  std::uint32_t planes;
  std::uint32_t rows;
  std::uint32_t layers;
  std::uint32_t experts;
  std::uint32_t capacity = 1;
  bool gateways_host = false;
};

std::string text_of(Size const& size, std::string const& strategies) {
  std::ostringstream text;
  text << "[[shell]]\naltitude_km = 550\ninclination_deg = 53\nplanes = " << size.planes
       << "\nsatellites_per_plane = " << size.rows
       << "\n[time]\nslots = 1\n[model]\nmoe_layers = " << size.layers << "\nexperts = " << size.experts
       << "\ntop_k = 1\nhidden_size = 8\nexpert_size = 8\n"
       << "[compute]\nrate_flop_s = 1e9\n[placement]\nstrategies = [" << strategies
       << "]\ncapacity = " << size.capacity
       << "\ngateways_host_experts = " << (size.gateways_host ? "true" : "false") << "\n";
  return text.str();
}

class ScenarioRoom : public ScenarioFolder {
 protected:
  std::vector<std::string> lines(Size const& size, std::string const& strategies) const {
    std::istringstream all(complaints(text_of(size, strategies)));
    std::vector<std::string> found;
    for (std::string line; std::getline(all, line);) found.push_back(line);
    return found;
  }
};

TEST_F(ScenarioRoom, EveryShortageNamesItsStrategiesSubnetAndRemedy) {
  std::string const where = "scenario.toml:17 placement.strategies: ";
  std::string const capacity = "; raise placement.capacity, ";
  std::string const host = "set placement.gateways_host_experts = true, ";
  // Two rows of 3 satellites for a layer, one of them its gateway.
  EXPECT_THAT(lines({3, 4, 2, 5}, "\"spacemoe\", \"rand-intra\", \"rand-place\""), IsEmpty());
  EXPECT_THAT(
      lines({3, 4, 2, 6}, "\"spacemoe\", \"rand-intra\", \"rand-place\""),
      ElementsAre(where + "spacemoe, rand-intra: the subnet of layer 0 has 5 free places for 6 experts" +
                      capacity + host + "or use more planes",
                  where + "rand-place: the constellation has 10 free places for 12 experts" + capacity +
                      host + "or use more satellites"));
  EXPECT_THAT(lines({3, 4, 2, 7, 1, true}, "\"colocated\""),
              ElementsAre(where + "colocated: the subnet of layer 0 has 6 free places for 7 experts" +
                          capacity + "or use more planes"));
  EXPECT_THAT(lines({3, 4, 2, 10, 2}, "\"colocated\""), IsEmpty());
  // Rows 0, 1, 2-3, 4-5, ... of 7 for 5 layers are blocks of 1, 1, 2, 1, 2: the first is too small.
  EXPECT_THAT(lines({4, 7, 5, 4}, "\"near-random\""),
              ElementsAre(where + "near-random: the subnet of layer 0 has 3 free places for 4 experts" +
                          capacity + host + "or use more planes"));
  // Layers 0 to 2 share row 0, layers 3 and 4 row 1.
  EXPECT_THAT(lines({7, 2, 5, 2}, "\"rand-intra\", \"rand-intra-cg\""),
              ElementsAre(where + "rand-intra: the subnet of layers 0 to 2 has 4 free places for 6 experts" +
                          capacity + host + "or use more planes"));
  EXPECT_THAT(lines({2, 2, 5, 1, 9}, "\"rand-intra\""),
              ElementsAre(where + "rand-intra: the subnet of layers 0 to 2 has 2 satellites for 3 gateways; "
                                  "use more planes"));
  // One plane: the satellite of a subnet is its gateway, and no capacity helps.
  EXPECT_THAT(lines({1, 4, 4, 3, 9}, "\"spacemoe\""),
              ElementsAre(where + "spacemoe: the subnet of layer 0 has 0 free places for 3 experts; " + host +
                          "or use more planes"));
  EXPECT_THAT(lines({1, 4, 4, 3, 9, true}, "\"spacemoe\""), IsEmpty());
}

TEST_F(ScenarioRoom, OnlyASubnetMayBeTooSmall) {
  // 56 satellites for 5 layers of 9: rows 0, 1, 2-3, 4, 5-6 of 7, so that blocks of one row have 8
  // satellites.
  EXPECT_THAT(lines({8, 7, 5, 9}, "\"rand-place\", \"greedy\""), IsEmpty());
  EXPECT_THAT(lines({8, 7, 5, 9}, "\"spacemoe\"").size(), 1u);
}

TEST_F(ScenarioRoom, IsThatOfTheShellOfTheRing) {
  std::string const text = text_of({3, 4, 2, 6}, "\"spacemoe\"");
  std::string const two =
      "[[shell]]\naltitude_km = 600\ninclination_deg = 53\nplanes = 9\nsatellites = 36\n" + text;
  EXPECT_THAT(complaints(two), IsEmpty());
  EXPECT_THAT(complaints(two + "ring_shell = 1\n"), ::testing::HasSubstr("5 free places for 6 experts"));
  // A ring that does not exist has no room to speak of.
  EXPECT_EQ(std::ranges::count(complaints(two + "ring_shell = 2\n"), '\n'), 0);
}

TEST_F(ScenarioRoom, ListedNetworksHaveNoSubnets) {
  write("edges.csv", edges_csv);
  std::string const tight = with(edges_scenario, "experts = 2", "experts = 3");
  EXPECT_EQ(
      complaints(tight),
      "scenario.toml:14 placement.strategies: rand-place: the network has 4 free places for 6 experts; raise "
      "placement.capacity, set placement.gateways_host_experts = true, or use more satellites");
}

/// What plans a scenario of this size, on made-up latencies.
class Planning {
 public:
  explicit Planning(Size const& size) : weights_(uniform_weights(size.layers, size.experts)) {
    context_.limits = {size.planes * size.rows, size.capacity, size.gateways_host};
    context_.ring = RingShell{satellite(0), size.planes, size.rows};
    context_.weights = &weights_;
    context_.compute = &compute_;
    context_.slots = 1;
    context_.expected_latencies = [satellites = context_.limits.satellites](auto sources) {
      std::vector<std::vector<std::uint64_t>> rows(sources.size());
      for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::uint64_t s = 0; s < satellites; ++s) rows[i].push_back((s * 7 + index(sources[i])) % 11);
      }
      return rows;
    };
  }

  bool succeeds(Strategy strategy) const {
    for (std::uint32_t number = 0; number < 3; ++number) {
      try {
        plan(strategy, context_, number);
      } catch (ScenarioError const&) {
        return false;
      }
    }
    return true;
  }

 private:
  static ComputeSpec given_times() {
    ComputeSpec spec;
    spec.expert_ms = spec.gateway_ms = {1};
    spec.head_ms = 0;
    return spec;
  }

  ActivationWeights weights_;
  ComputeTimes compute_{MoeModel{}, given_times()};
  PlanningContext context_;
};

std::vector<Strategy> planned_strategies() {
  std::vector<Strategy> strategies = all_strategies();
  std::erase_if(strategies, [](Strategy s) { return !is_planned(s); });
  return strategies;
}

/// All planned strategies, as TOML lists them.
std::string quoted_names() {
  std::string all;
  for (Strategy const strategy : planned_strategies()) {
    all += (all.empty() ? "\"" : ", \"") + std::string(name(strategy)) + '"';
  }
  return all;
}

/// The names before the reason of a complaint.
std::set<std::string> named_in(std::string const& line) {
  std::string const key = "placement.strategies: ";
  auto const begin = line.find(key) + key.size();
  std::istringstream list(line.substr(begin, line.find(": ", begin) - begin));
  std::set<std::string> names;
  for (std::string word; list >> word;) {
    if (word.back() == ',') word.pop_back();
    names.insert(word);
  }
  return names;
}

TEST_F(ScenarioRoom, SufficesExactlyWhereThePlannersSay) {
  std::mt19937 random(1);
  auto const draw = [&](std::uint32_t from, std::uint32_t to) {
    return from + static_cast<std::uint32_t>(random() % (to - from + 1));
  };
  std::string const strategies = quoted_names();
  std::map<Strategy, std::size_t> fits;
  constexpr std::size_t sizes = 1000;
  for (std::size_t i = 0; i < sizes; ++i) {
    Size const size{draw(1, 6), draw(1, 7), draw(1, 9), draw(1, 8), draw(1, 3), draw(0, 1) == 1};
    std::set<std::string> refused;
    for (std::string const& line : lines(size, strategies)) refused.merge(named_in(line));
    Planning const planning(size);
    for (Strategy const strategy : planned_strategies()) {
      bool const accepted = !refused.contains(std::string(name(strategy)));
      bool const planned = planning.succeeds(strategy);
      fits[strategy] += planned ? 1 : 0;
      // Where a satellite may hold several experts, or gateways hold some, latencies decide which satellites
      // remain for greedy gateways.
      bool const counted = strategy != Strategy::greedy || (size.capacity == 1 && !size.gateways_host);
      bool const agree = counted ? accepted == planned : accepted || !planned;
      EXPECT_TRUE(agree) << name(strategy) << ": accepted " << accepted << ", planned " << planned << "\n"
                         << text_of(size, "");
    }
  }
  // Both verdicts are common, so that agreement means something.
  for (auto const& [strategy, count] : fits) {
    EXPECT_GT(count, sizes / 8) << name(strategy);
    EXPECT_LT(count, sizes * 7 / 8) << name(strategy);
  }
}

}  // namespace
}  // namespace spacemoe::test
