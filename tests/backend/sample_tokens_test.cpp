#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "host/model/routing_tables.hpp"
#include "tests/support/backends.hpp"

namespace spacemoe::testing {
namespace {

using SampleTokens = EveryBackend;

INSTANTIATE_TEST_SUITE_P(Backends, SampleTokens, ::testing::ValuesIn(backend_cases()), case_name);

constexpr std::uint32_t layers = 5;
constexpr std::uint32_t experts = 12;
constexpr std::uint32_t top_k = 3;

/// Random costs of one cell; some experts share hosts in odd layers, one is unreachable.
struct Costs {
  std::uint32_t layers, experts;
  std::vector<Nanoseconds> layer_ns, expert_ns, queue_ns;
  std::vector<std::uint16_t> host;
  std::vector<std::uint8_t> shares_hosts;

  explicit Costs(std::uint32_t seed, std::uint32_t layer_count = testing::layers,
                 std::uint32_t expert_count = testing::experts)
      : layers(layer_count), experts(expert_count) {
    std::mt19937 random(seed);
    for (std::uint32_t l = 0; l < layers; ++l) {
      layer_ns.push_back(static_cast<Nanoseconds>(random() % 1000000));
      shares_hosts.push_back(l % 2);
      for (std::uint32_t e = 0; e < experts; ++e) {
        expert_ns.push_back(static_cast<Nanoseconds>(1000000 + random() % 200000000));
        queue_ns.push_back(3000000);
        host.push_back(static_cast<std::uint16_t>(l % 2 == 1 ? e / 2 : e));
      }
    }
    expert_ns[expert_ns.size() > experts + 4 ? experts + 4 : 0] = unreachable;
  }

  CostView view() const { return {layers, experts, 777, layer_ns, expert_ns, queue_ns, host, shares_hosts}; }
};

RoutingTables tables(RoutingLaw law) {
  return {law, log_normal_weights(layers, experts, 1, {3}), top_k};
}

/// One token after the other, moments in 128 bits, bins in a map.
LatencyTally by_hand(RoutingView const& routing, Seed seed, std::vector<TokenCell> const& cells) {
  std::uint32_t const layer_count = routing.layers;
  LatencyTally tally{{}, std::vector<std::uint64_t>(bin_count), std::vector<std::uint64_t>(layer_count)};
  for (auto const& cell : cells) {
    Moments moments;
    for (std::uint32_t token = cell.first; token < cell.first + cell.count; ++token) {
      std::uint64_t total = cell.cost.fixed_ns;
      std::vector<Nanoseconds> parts;
      for (std::uint32_t l = 0; l < layer_count; ++l) {
        std::vector<ExpertIndex> picks(routing.top_k);
        draw_experts(routing, seed, cell.slot, token, l, picks);
        parts.push_back(layer_latency(cell.cost, l, picks));
        total += parts.back();
      }
      ++moments.tokens;
      if (std::find(parts.begin(), parts.end(), unreachable) != parts.end()) continue;
      ++moments.delivered;
      moments.sum_ns += total;
      moments.sum_squares_ns2 += Uint128{total} * total;
      ++tally.histogram[bin_of(total)];
      for (std::uint32_t l = 0; l < layer_count; ++l) tally.layer_sum_ns[l] += parts[l];
    }
    tally.cell.push_back(moments);
  }
  return tally;
}

TEST_P(SampleTokens, TallyEveryTokenOfEveryCell) {
  Costs const first(1);
  Costs const second(2);
  std::vector<TokenCell> const cells{{0, 0, 9001, first.view()},
                                     {0, 9001, 1, second.view()},
                                     {7, 4096, 4097, second.view()},
                                     {9, 5, 0, first.view()}};
  for (auto const law : {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson}) {
    RoutingTables const routing = tables(law);
    LatencyTally const expected = by_hand(routing.view(), {42}, cells);
    ASSERT_GT(expected.cell[0].delivered, 0u);
    ASSERT_LT(expected.cell[0].delivered, expected.cell[0].tokens);
    run([&] { EXPECT_EQ(backend().sample_tokens(routing.view(), {42}, cells), expected); });
  }
}

struct Shape {
  std::uint32_t experts, top_k;
  double sigma;  ///< of the weights; large ones make nearly every draw a repeat
};

// Tables of one register, of two, of many numbers; one expert; all experts; lanes that run out of repeats.
constexpr Shape shapes[] = {{1, 1, 0},   {8, 2, 0.2}, {8, 8, 4},     {16, 4, 1},  {17, 3, 1},   {32, 20, 1},
                            {60, 32, 8}, {64, 6, 6},  {128, 8, 1.2}, {256, 8, 1}, {384, 8, 12}, {384, 1, 0}};

TEST_P(SampleTokens, EveryShapeGivesTheKernelsTally) {
  for (Shape const& shape : shapes) {
    Costs const costs(shape.experts, 3, shape.experts);
    for (RoutingLaw const law : {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson}) {
      RoutingTables const routing(law, log_normal_weights(3, shape.experts, shape.sigma, {3}), shape.top_k);
      std::vector<TokenCell> const cells{{7, 0, 1, costs.view()},
                                         {0, 3, 16, costs.view()},
                                         {5, 0xfffff001, 0x3fe, costs.view()},
                                         {1, 100, 300, costs.view()}};
      LatencyTally const expected = by_hand(routing.view(), {0xfedcba9876543210}, cells);
      run([&] {
        EXPECT_EQ(backend().sample_tokens(routing.view(), {0xfedcba9876543210}, cells), expected)
            << shape.top_k << " of " << shape.experts << ", law " << static_cast<int>(law);
      });
    }
  }
}

TEST_P(SampleTokens, CountsAroundWarpsAndBlocksAreTallied) {
  Costs const costs(5);
  RoutingTables const routing = tables(RoutingLaw::plackett_luce);
  std::vector<TokenCell> cells;
  for (std::uint32_t const count :
       {0u, 1u, 31u, 32u, 33u, 127u, 128u, 129u, 1023u, 1024u, 1025u, 2047u, 2048u, 2049u}) {
    cells.push_back({count, 0, count, costs.view()});
    cells.push_back({count, 4093, count, costs.view()});
  }
  LatencyTally const expected = by_hand(routing.view(), {9}, cells);
  run([&] {
    EXPECT_EQ(backend().sample_tokens(routing.view(), {9}, cells), expected);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      auto const alone = backend().sample_tokens(routing.view(), {9}, std::span(cells).subspan(c, 1));
      EXPECT_EQ(alone.cell[0], expected.cell[c]) << cells[c].count << " tokens";
    }
  });
}

TEST_P(SampleTokens, PartsAddUpToTheWhole) {
  Costs const costs(3);
  RoutingTables const routing = tables(RoutingLaw::plackett_luce);
  std::vector<TokenCell> const whole{{3, 0, 20000, costs.view()}};
  std::vector<TokenCell> const parts{
      {3, 0, 1, costs.view()}, {3, 1, 12345, costs.view()}, {3, 12346, 7654, costs.view()}};
  run([&] {
    LatencyTally const together = backend().sample_tokens(routing.view(), {1}, whole);
    LatencyTally apart = backend().sample_tokens(routing.view(), {1}, parts);
    Moments sum;
    for (auto const& cell : apart.cell) sum += cell;
    apart.cell = {sum};
    EXPECT_EQ(apart, together);
  });
}

TEST_P(SampleTokens, TokensInBinsAreFound) {
  Costs const costs(3);
  std::vector<TokenCell> const cells{
      {3, 7, 4000, costs.view()}, {4, 0, 0, costs.view()}, {5, 0, 1025, costs.view()}};
  for (auto const law : {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson}) {
    RoutingTables const routing = tables(law);
    LatencyTally const tally = by_hand(routing.view(), {8}, cells);
    std::vector<std::uint32_t> bins;  // every other
    for (std::uint32_t bin = 0; bin < bin_count; bin += 2) {
      if (tally.histogram[bin] > 0) bins.push_back(bin);
    }
    std::vector<std::uint64_t> expected;
    std::vector<Nanoseconds> layer_ns(layers);
    for (auto const& cell : cells) {
      for (std::uint32_t token = cell.first; token < cell.first + cell.count; ++token) {
        std::uint64_t const latency =
            token_latency(routing.view(), cell.cost, {8}, cell.slot, token, layer_ns);
        if (latency == undeliverable) continue;
        if (std::ranges::count(bins, bin_of(latency)) > 0) expected.push_back(latency);
      }
    }
    std::ranges::sort(expected);
    ASSERT_GT(expected.size(), 1000u);
    ASSERT_LT(expected.size(), 4000u);
    run([&] {
      auto found = backend().find_tokens(routing.view(), {8}, cells, bins);
      std::ranges::sort(found);
      EXPECT_EQ(found, expected);
      EXPECT_TRUE(backend().find_tokens(routing.view(), {8}, cells, {}).empty());
    });
  }
}

TEST_P(SampleTokens, SeedAndSlotChangeTheDraws) {
  Costs const costs(4);
  RoutingTables const routing = tables(RoutingLaw::plackett_luce);
  run([&] {
    auto const moments = [&](std::uint64_t seed, std::uint32_t slot) {
      return backend()
          .sample_tokens(routing.view(), {seed}, std::vector<TokenCell>{{slot, 0, 500, costs.view()}})
          .cell[0];
    };
    EXPECT_EQ(moments(1, 1), moments(1, 1));
    EXPECT_FALSE(moments(1, 1) == moments(2, 1));
    EXPECT_FALSE(moments(1, 1) == moments(1, 2));
  });
}

}  // namespace
}  // namespace spacemoe::testing
