#include "host/evaluation/load.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "host/evaluation/planning.hpp"
#include "tests/evaluation/loads.hpp"

namespace spacemoe::testing {
namespace {

std::vector<double> means(std::vector<Load> const& loads) {
  std::vector<double> mean;
  for (Load const& load : loads) mean.push_back(load.mean);
  return mean;
}

/// Mean traffic in messages per token.
std::vector<double> messages(std::vector<Load> const& loads) {
  std::vector<double> sent = means(loads);
  for (double& bits : sent) bits /= message_bit;
  return sent;
}

std::vector<double> work(PlacementLoad const& load) {
  return means(load.work_s);
}

void expect_near(std::vector<double> const& computed, std::vector<double> const& expected) {
  ASSERT_EQ(computed.size(), expected.size());
  for (std::size_t i = 0; i < computed.size(); ++i) EXPECT_NEAR(computed[i], expected[i], 1e-12) << i;
}

TEST(ExpectedLoad, OfALineOfFiveByHand) {
  Scenario scenario = listed_scenario(5, false);
  set_model(scenario, 1, 1, {3, 1});
  PlacementLoad const load = load_of(scenario, placed(1, {0}, {2, 4}));
  expect_near(messages(load.link_bit), {1, 1, 1, 1, 0.25, 0.25, 0.25, 0.25});
  expect_near(work(load), {gateway_s + head_s, 0, 0.75 * expert_s, 0, 0.25 * expert_s});
}

TEST(ExpectedLoad, GoesOnToTheNextGateway) {
  Scenario scenario = listed_scenario(5, false);
  set_model(scenario, 2, 1, {3, 1, 1, 1});
  // 0 -> {1, 3} -> 4, then 4 -> {2, 4} -> 0.
  PlacementLoad const load = load_of(scenario, placed(2, {0, 4}, {1, 3, 2, 4}));
  expect_near(messages(load.link_bit), {1, 1,            //
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
  expect_near(messages(load.link_bit), {0.75, 0.75,                      //
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
  expect_near(messages(load.link_bit), {1, 1, 0.5, 0.5, 1, 1, 0.5, 0.5, 0, 0, 0, 0});
}

TEST(ExpectedLoad, RunsAroundARingInOneDirection) {
  Scenario scenario = listed_scenario(6, true);
  set_model(scenario, 3, 1, {1, 1, 1});
  // Links by (a, b): 0-1, 0-5, 1-2, 2-3, 3-4, 4-5; only 5 to 0 runs from b to a.
  std::vector<double> const around{1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0};
  expect_near(messages(load_of(scenario, placed(3, {0, 2, 4}, {1, 3, 5})).link_bit), around);
  scenario.aggregation = Aggregation::own_gateway;  // with every expert at its gateway
  expect_near(messages(load_of(scenario, placed(3, {0, 2, 4}, {0, 2, 4})).link_bit), around);
}

TEST(ExpectedLoad, SumsWhatSharesAHost) {
  Scenario scenario = listed_scenario(3, false);
  set_model(scenario, 1, 2, {2, 1, 1});
  PlacementLoad const load = load_of(scenario, placed(1, {0}, {2, 2, 1}));
  // Expert 0 is drawn with 2/4 + 2 (1/4 2/3), the others with (2 - 5/6) / 2.
  expect_near(messages(load.link_bit), {2, 2, 2 - 7.0 / 12, 2 - 7.0 / 12});
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

TEST(ExpectedLoad, CountsWhatTerminalsSendAndReceive) {
  Scenario scenario = stacked_scenario();
  set_model(scenario, 2, 1, {3, 1, 1, 1});
  // 0 -> {2, 1} -> 1, then 1 -> {0, 2} -> 0.
  PlacementLoad const load = load_of(scenario, placed(2, {0, 1}, {2, 1, 0, 2}));
  expect_near(messages(load.link_bit), {0.75 + 0.25 + 0, 0.5 + 0.5 + 0});
  expect_near(messages(load.terminal_bit), {0.75 + 0.5, 0.75 + 0.5, 0, 0, 0.75 + 0.5, 0.75 + 0.5});
}

TEST(ExpectedLoad, HasNoTerminalsWhereShellsAreNotLinked) {
  Scenario scenario = listed_scenario(2, false);
  set_model(scenario, 1, 1, {1});
  EXPECT_TRUE(load_of(scenario, placed(1, {0}, {1})).terminal_bit.empty());
}

TEST(ExpectedLoad, GoesToTheCopyThatServes) {
  Scenario scenario = listed_scenario(6, true);
  set_model(scenario, 1, 1, {3, 1});
  // Of expert 0, the copy at 1 is nearer than those at 3 and 4; expert 1 has one copy.
  Placement placement = placed(1, {0}, {3, 4});
  placement.replica = {{0, 0, SatelliteId{4}}, {0, 0, SatelliteId{1}}};
  // Links by (a, b): 0-1, 0-5, 1-2, 2-3, 3-4, 4-5.
  PlacementLoad const whole = load_of(scenario, placement);
  expect_near(messages(whole.link_bit), {0.75, 0.75, 0.25, 0.25, 0, 0, 0, 0, 0, 0, 0.25, 0.25});
  expect_near(work(whole), {gateway_s + head_s, 0.75 * expert_s, 0, 0, 0.25 * expert_s, 0});
  // Without 1, the one at 4 is.
  scenario.damage[DamageFamily::hosts] = 1;
  PlacementLoad const damaged = load_of(scenario, placement, hosts({SatelliteId{1}}));
  expect_near(messages(damaged.link_bit), {0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1});
  expect_near(means(damaged.experts), {0, 0, 0, 0, 1, 0});
}

TEST(ExpectedLoad, ComesFromTheGatewayThatActs) {
  Scenario scenario = listed_scenario(6, true);
  set_model(scenario, 1, 1, {3, 1});
  Placement placement = placed(1, {0}, {2, 4});
  placement.spare = {{0, SatelliteId{1}}, {0, SatelliteId{3}}};
  scenario.damage[DamageFamily::hosts] = 1;
  scenario.damage[DamageFamily::compute_rate] = 0.5;
  PlacementLoad const load = load_of(scenario, placement, hosts({SatelliteId{0}, SatelliteId{1}}));
  expect_near(messages(load.link_bit), {0, 0, 0, 0, 0, 0, 0.75, 0.75, 0.25, 0.25, 0, 0});
  expect_near(work(load), {0, 0, 1.5 * expert_s, 2 * (gateway_s + head_s), 0.5 * expert_s, 0});
}

TEST(ExpectedLoad, LeavesOutExpertsThatAreLost) {
  Scenario scenario = listed_scenario(5, false);
  set_model(scenario, 2, 1, {1, 1, 3, 1});
  Placement const placement = placed(2, {0, 4}, {1, 4, 3, 0});
  scenario.damage[DamageFamily::busiest_links] = 1;
  DamageTargets between_2_and_3;
  between_2_and_3.busiest_links = {2};
  // So that outputs of the first layer cannot reach 4 nor those of the second 0.
  PlacementLoad const cut = load_of(scenario, placement, between_2_and_3);
  expect_near(messages(cut.link_bit), std::vector<double>(8, 0.0));
  expect_near(work(cut), {gateway_s + head_s, 0, 0, 0, gateway_s});
  scenario.aggregation = Aggregation::own_gateway;  // where those that return do so
  PlacementLoad const returns = load_of(scenario, placement, between_2_and_3);
  expect_near(messages(returns.link_bit), {0.5, 0.5, 0, 0, 0, 0, 0.75, 0.75});
  expect_near(work(returns), {gateway_s + head_s, 0.5 * expert_s, 0, 0.75 * expert_s, gateway_s});
}

}  // namespace
}  // namespace spacemoe::testing
