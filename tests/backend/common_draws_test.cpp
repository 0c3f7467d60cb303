#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "host/evaluation/layer_steps.hpp"
#include "tests/support/backends.hpp"

namespace spacemoe::testing {
namespace {

/// Quarters of the words, the last lost.
LayerDistribution quarters() {
  return {{{100, 0.25}, {200, 0.25}, {300, 0.25}}, 0.25};
}

class CommonDrawsTest : public EveryBackend {
 protected:
  std::vector<Nanoseconds> draw(std::vector<CommonDraws> const& draws) {
    std::vector<Nanoseconds> latency_ns;
    run([&] { latency_ns = backend().draw_common({7}, draws); });
    return latency_ns;
  }
};

TEST(LayerSteps, OwnWordsInProportion) {
  LayerSteps const steps(quarters());
  EXPECT_EQ(latency_at(steps.view(), 0), 100u);
  EXPECT_EQ(latency_at(steps.view(), 0x3fffffff), 100u);
  EXPECT_EQ(latency_at(steps.view(), 0x40000000), 200u);
  EXPECT_EQ(latency_at(steps.view(), 0xbfffffff), 300u);
  EXPECT_EQ(latency_at(steps.view(), 0xc0000000), unreachable);
  EXPECT_EQ(latency_at(steps.view(), 0xffffffff), unreachable);
}

TEST(LayerSteps, LeaveOutWhatHasNoWord) {
  LayerSteps const steps({{{5, 1e-12}, {6, 1 - 2e-12}, {7, 1e-12}}, 0});
  EXPECT_EQ(latency_at(steps.view(), 0), 6u);
  EXPECT_EQ(latency_at(steps.view(), 0xffffffff), 6u);
  EXPECT_EQ(steps.view().up_to.size(), 1u);
}

TEST(CommonWord, FourLayersShareABlock) {
  for (std::uint32_t layer = 0; layer < 8; ++layer) {
    EXPECT_EQ(common_word({7}, 3, 11, layer),
              spacemoe::draw({7}, Purpose::common_layers, 11, 3, layer / 4).word[layer % 4]);
  }
}

TEST_P(CommonDrawsTest, EveryTokenByItsAddress) {
  LayerSteps const four(quarters());
  LayerSteps const one({{{42, 1}}, 0});
  LayerDistribution many;
  for (Nanoseconds i = 0; i < 257; ++i) many.atoms.push_back({1000 + i, 1 / 257.0});
  LayerSteps const wide(many);
  std::vector<CommonDraws> draws;
  for (std::uint32_t const count : {0u, 1u, 31u, 32u, 33u, 511u, 512u, 513u, 2049u}) {
    draws.push_back({count % 5, count % 7, 100 + count, count, four.view()});
    draws.push_back({count % 3, 6, 0, count, one.view()});
    draws.push_back({count % 3, 2, 4000000000u, count, wide.view()});
  }
  auto const drawn = draw(draws);
  std::size_t at = 0;
  for (CommonDraws const& d : draws) {
    for (std::uint32_t t = 0; t < d.count; ++t, ++at) {
      std::uint32_t const word = common_word({7}, d.slot, d.first + t, d.layer);
      std::size_t step = 0;
      while (word > d.steps.up_to[step]) ++step;
      ASSERT_EQ(drawn.at(at), d.steps.latency_ns[step]) << at;
    }
  }
  EXPECT_EQ(at, drawn.size());
}

TEST_P(CommonDrawsTest, FollowTheDistribution) {
  LayerDistribution const layer{{{1000, 0.5}, {3000, 0.3}, {9000, 0.2}}, 0};
  LayerSteps const steps(layer);
  constexpr std::uint32_t tokens = 40000;
  double sum = 0;
  for (Nanoseconds const ns : draw({{1, 5, 0, tokens, steps.view()}})) sum += ns;
  EXPECT_NEAR(sum / tokens, layer.mean_ns(), 4 * std::sqrt(layer.variance_ns2() / tokens));
}

TEST_P(CommonDrawsTest, FasterLayersAreFasterForEveryToken) {
  LayerSteps const slow({{{10, 0.4}, {20, 0.6}}, 0});
  LayerSteps const fast({{{9, 0.5}, {20, 0.5}}, 0});
  auto const drawn = draw({{0, 1, 0, 1000, slow.view()}, {0, 1, 0, 1000, fast.view()}});
  for (std::size_t t = 0; t < 1000; ++t) EXPECT_LE(drawn[1000 + t], drawn[t]);
}

INSTANTIATE_TEST_SUITE_P(Backends, CommonDrawsTest, ::testing::ValuesIn(backend_cases()), case_name);

}  // namespace
}  // namespace spacemoe::testing
