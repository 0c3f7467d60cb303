#include "host/model/compute.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

MoeModel small_model() {
  MoeModel model;
  model.layers = 3;
  model.moe_layers = 2;
  model.experts = 3;
  model.top_k = 1;
  model.hidden_size = 4096;
  model.expert_size = 1376;
  model.vocabulary = 1000;
  model.context = 100;
  model.expert_bytes = 2e9;
  return model;
}

TEST(ComputeTimes, ExpertOfThePaperTakes4645Microseconds) {
  ComputeSpec spec;
  spec.rate_flop_s = 7.28e9;
  ComputeTimes const times(small_model(), spec);
  EXPECT_EQ(times.expert_ns(0, 0, satellite(5)), 4645134u);  // 6 * 4096 * 1376 / 7.28 = 4645134.07
}

TEST(ComputeTimes, RoundsToTheNearestNanosecond) {
  ComputeSpec spec;
  spec.expert_ms = {1.0000006};
  spec.gateway_ms = {1.0000004};
  ComputeTimes const times(small_model(), spec);
  EXPECT_EQ(times.expert_ns(0, 0, satellite(0)), 1000001u);
  EXPECT_EQ(times.gateway_ns(0, satellite(0)), 1000000u);
}

TEST(ComputeTimes, RatesDifferPerSatellite) {
  ComputeSpec spec;
  spec.rate_flop_s = 1;
  spec.satellite_rate_flop_s = {6.0 * 4096 * 1376, 6.0 * 4096 * 1376 * 4};
  ComputeTimes const times(small_model(), spec);
  EXPECT_EQ(times.expert_ns(1, 2, satellite(0)), 1000000000u);
  EXPECT_EQ(times.expert_ns(1, 2, satellite(1)), 250000000u);
  double const gateway_s = (8.0 * 4096 * 4096 + 4.0 * 100 * 4096 + 2.0 * 4096 * 3) / (6.0 * 4096 * 1376 * 4);
  EXPECT_NEAR(static_cast<double>(times.gateway_ns(0, satellite(1))), gateway_s * 1e9, 0.5);
  EXPECT_THROW(times.expert_ns(0, 0, satellite(2)), std::out_of_range);
}

TEST(ComputeTimes, MemoryBandwidthBindsWhenItIsSlower) {
  ComputeSpec spec;
  spec.rate_flop_s = 6.0 * 4096 * 1376 * 10;  // 100 ms of FLOPs
  spec.memory_bandwidth_byte_s = 1e9;         // 2 s of bytes
  EXPECT_EQ(ComputeTimes(small_model(), spec).expert_ns(0, 0, satellite(0)), 2000000000u);
  spec.memory_bandwidth_byte_s = 1e12;  // 2 ms of bytes
  EXPECT_EQ(ComputeTimes(small_model(), spec).expert_ns(0, 0, satellite(0)), 100000000u);
}

TEST(ComputeTimes, GatewayAndHeadCountWhatTheyRun) {
  MoeModel const model = small_model();
  ComputeSpec spec;
  spec.rate_flop_s = 1e9;
  ComputeTimes const times(model, spec);
  double const attention = 8.0 * 4096 * 4096 + 4.0 * 100 * 4096;
  EXPECT_EQ(times.gateway_ns(0, satellite(0)), static_cast<std::uint64_t>(attention + 2.0 * 4096 * 3));
  double const dense = attention + 6.0 * 4096 * 1376;
  EXPECT_EQ(times.head_ns(satellite(0)), static_cast<std::uint64_t>(dense + 2.0 * 4096 * 1000));
}

TEST(ComputeTimes, SwitchesTurnGatewayAndHeadOff) {
  ComputeSpec spec;
  spec.rate_flop_s = 1e9;
  spec.gateway_compute = false;
  spec.head_compute = false;
  ComputeTimes const times(small_model(), spec);
  EXPECT_EQ(times.gateway_ns(1, satellite(0)), 0u);
  EXPECT_EQ(times.head_ns(satellite(0)), 0u);
  EXPECT_GT(times.expert_ns(1, 0, satellite(0)), 0u);
}

TEST(ComputeTimes, GivenTimesForAllPerLayerAndPerExpert) {
  ComputeSpec spec;
  spec.satellite_rate_flop_s = {1, 2};
  spec.head_ms = 7;
  spec.expert_ms = {1};
  spec.gateway_ms = {2, 3};
  ComputeTimes const all(small_model(), spec);
  EXPECT_EQ(all.expert_ns(1, 2, satellite(1)), 1000000u);
  EXPECT_EQ(all.gateway_ns(0, satellite(0)), 2000000u);
  EXPECT_EQ(all.gateway_ns(1, satellite(0)), 3000000u);
  EXPECT_EQ(all.head_ns(satellite(1)), 7000000u);

  spec.expert_ms = {4, 5};
  ComputeTimes const per_layer(small_model(), spec);
  EXPECT_EQ(per_layer.expert_ns(0, 2, satellite(0)), 4000000u);
  EXPECT_EQ(per_layer.expert_ns(1, 0, satellite(0)), 5000000u);

  spec.expert_ms = {1, 2, 3, 4, 5, 6};
  ComputeTimes const per_expert(small_model(), spec);
  EXPECT_EQ(per_expert.expert_ns(0, 2, satellite(0)), 3000000u);
  EXPECT_EQ(per_expert.expert_ns(1, 1, satellite(1)), 5000000u);
}

}  // namespace
}  // namespace spacemoe
