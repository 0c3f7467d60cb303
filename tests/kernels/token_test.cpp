#include "kernels/token.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

/// Two layers of three experts; in layer 1 experts 0 and 2 share a host.
struct Costs {
  std::vector<Nanoseconds> layer_ns{5, 7};
  std::vector<Nanoseconds> expert_ns{10, 20, 30, 40, 50, 45};
  std::vector<Nanoseconds> queue_ns{1, 1, 1, 8, 8, 8};
  std::vector<std::uint16_t> host{0, 1, 2, 0, 1, 0};
  std::vector<std::uint8_t> shares_hosts{0, 1};

  CostView view() const { return {2, 3, 100, layer_ns, expert_ns, queue_ns, host, shares_hosts}; }
};

Nanoseconds latency(Costs const& costs, std::uint32_t layer, std::vector<ExpertIndex> const& picks) {
  return layer_latency(costs.view(), layer, picks);
}

TEST(LayerLatency, IsTheSlowestExpertPlusTheGateway) {
  Costs const costs;
  EXPECT_EQ(latency(costs, 0, {0}), 15u);
  EXPECT_EQ(latency(costs, 0, {0, 1}), 25u);
  EXPECT_EQ(latency(costs, 0, {2, 1}), 35u);
}

TEST(LayerLatency, ExpertsOnOneHostRunOneAfterAnother) {
  Costs const costs;
  EXPECT_EQ(latency(costs, 1, {0}), 47u);
  EXPECT_EQ(latency(costs, 1, {0, 2}), 7u + 45 + 8);
  EXPECT_EQ(latency(costs, 1, {0, 1}), 57u);
  EXPECT_EQ(latency(costs, 1, {0, 1, 2}), 60u);
}

TEST(LayerLatency, AnUnreachableExpertOrGatewayMakesTheLayerUnreachable) {
  Costs costs;
  costs.expert_ns[1] = unreachable;
  EXPECT_EQ(latency(costs, 0, {0, 1}), unreachable);
  EXPECT_EQ(latency(costs, 0, {0, 2}), 35u);
  costs.expert_ns[3] = unreachable;
  EXPECT_EQ(latency(costs, 1, {0, 2}), unreachable);
  costs.layer_ns[0] = unreachable;
  EXPECT_EQ(latency(costs, 0, {0, 2}), unreachable);
}

/// All experts drawn, so that nothing is random.
RoutingView draw_everything(std::vector<std::uint32_t> const& inclusion,
                            std::vector<ExpertIndex> const& order) {
  RoutingView routing;
  routing.law = RoutingLaw::conditional_poisson;
  routing.layers = 2;
  routing.experts = 3;
  routing.top_k = 3;
  routing.inclusion = inclusion;
  routing.order = order;
  return routing;
}

TEST(TokenLatency, AddsTheLayersAndTheFixedPart) {
  std::vector<std::uint32_t> const always(2 * 3 * 3, 0xffffffff);
  std::vector<ExpertIndex> const order{0, 1, 2, 2, 1, 0};
  RoutingView const routing = draw_everything(always, order);
  Costs costs;
  std::array<Nanoseconds, 2> layers{};
  EXPECT_EQ(token_latency(routing, costs.view(), {1}, 0, 0, layers), 100u + 35 + 60);
  EXPECT_EQ(layers[0], 35u);
  EXPECT_EQ(layers[1], 60u);
  costs.expert_ns[2] = unreachable;
  EXPECT_EQ(token_latency(routing, costs.view(), {1}, 0, 0, layers), undeliverable);
}

}  // namespace
}  // namespace spacemoe
