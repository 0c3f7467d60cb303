#include "kernels/order_statistic.hpp"

#include <array>
#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/goodness_of_fit.hpp"

namespace spacemoe {
namespace {

TEST(LayerWord, TakesItsBytesFromTheAddressesOfFourTokensAndFourLayers) {
  Seed const seed{0x123456789abcdef0};
  Words2 const key{{0x9abcdef0, 0x12345678}};
  std::uint32_t const slot = 9;
  for (std::uint32_t const token : {0u, 5u, 4000000003u}) {
    for (std::uint32_t const layer : {0u, 3u, 6u, 57u}) {
      std::uint32_t expected = 0;
      std::array<std::uint32_t, 4> const shift_of_plane{0, 24, 16, 8};
      for (std::uint32_t plane = 0; plane < 4; ++plane) {
        std::uint32_t const block_word =
            philox4x32({{token / 4, slot, layer / 4 + (plane << 16), 7}}, key).word[layer % 4];
        expected += (block_word >> 8 * (token % 4) & 0xff) << shift_of_plane[plane];
      }
      EXPECT_EQ(layer_word(seed, slot, token, layer), expected);
    }
  }
}

TEST(LayerWord, NeighboursAreIndependent) {
  // Chi-square of the joint high nibbles of words that share Philox blocks.
  std::map<std::uint32_t, double> uniform;
  for (std::uint32_t cell = 0; cell < 256; ++cell) uniform[cell] = 1.0 / 256;
  for (auto const& [tokens, layers] :
       {std::pair(1u, 0u), std::pair(0u, 1u), std::pair(4u, 0u), std::pair(0u, 4u)}) {
    std::map<std::uint32_t, std::uint64_t> count;
    for (std::uint32_t i = 0; i < 50000; ++i) {
      std::uint32_t const token = 8 * i + i % 4;
      std::uint32_t const a = layer_word({4}, 0, token, 2);
      std::uint32_t const b = layer_word({4}, 0, token + tokens, 2 + layers);
      ++count[(a >> 28) << 4 | (b & 15)];
    }
    EXPECT_LT(std::abs(testing::chi_square_score(count, uniform)), 4);
  }
}

/// Two layers of two columns; the second is unreachable half the time.
struct Tables {
  std::vector<std::uint32_t> alias{0x60000000 | 1, 1, 0, 1};
  std::vector<Nanoseconds> latency_ns{10, 20, 5, unreachable};

  LayerTablesView view() const { return {2, 1, 1000, alias, latency_ns}; }
};

TEST(DrawnLayerLatency, ComparesTheWordWithTheThresholdOfItsColumn) {
  Tables const tables;
  EXPECT_EQ(drawn_layer_latency(tables.view(), 0, 0x00000000), 10u);
  EXPECT_EQ(drawn_layer_latency(tables.view(), 0, 0x5ffffffe), 10u);
  EXPECT_EQ(drawn_layer_latency(tables.view(), 0, 0x60000000), 20u);
  EXPECT_EQ(drawn_layer_latency(tables.view(), 0, 0x00000001), 20u);
  EXPECT_EQ(drawn_layer_latency(tables.view(), 1, 0xfffffffe), 5u);
  EXPECT_EQ(drawn_layer_latency(tables.view(), 1, 0xffffffff), unreachable);
}

TEST(TokenLatencyByLayers, AddsTheLayersOrLosesTheToken) {
  Tables const tables;
  std::array<Nanoseconds, 2> layer_ns{};
  std::map<std::uint64_t, std::uint64_t> count;
  for (std::uint32_t token = 0; token < 40000; ++token) {
    std::uint64_t const latency = token_latency(tables.view(), {8}, 1, token, layer_ns);
    ++count[latency];
    bool const lost = layer_ns[1] == unreachable;
    EXPECT_EQ(latency, lost ? undeliverable : 1000 + layer_ns[0] + 5);
  }
  // Column 0 keeps 3/8 of its words.
  EXPECT_LT(std::abs(testing::chi_square_score(
                count, {{1015, 0.5 * 3 / 16}, {1025, 0.5 * 13 / 16}, {undeliverable, 0.5}})),
            4);
}

}  // namespace
}  // namespace spacemoe
