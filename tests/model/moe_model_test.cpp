#include "host/model/moe_model.hpp"

#include <gtest/gtest.h>

namespace spacemoe {
namespace {

MoeModel llama_moe() {
  MoeModel model;
  model.layers = 32;
  model.moe_layers = 32;
  model.experts = 8;
  model.top_k = 2;
  model.hidden_size = 4096;
  model.expert_size = 1376;
  model.vocabulary = 32000;
  model.context = 4096;
  return model;
}

TEST(MoeModel, LlamaMoeTakes36TeraflopFor4096Tokens) {
  EXPECT_NEAR(4096 * token_flop(llama_moe()), 36.34e12, 0.005e12);
}

TEST(MoeModel, PartsByHand) {
  MoeModel model;
  model.layers = 3;
  model.moe_layers = 2;
  model.experts = 5;
  model.top_k = 2;
  model.shared_experts = 1;
  model.hidden_size = 10;
  model.expert_size = 7;
  model.vocabulary = 11;
  model.context = 13;
  EXPECT_EQ(expert_flop(model), 420);                             // 6 * 10 * 7
  EXPECT_EQ(gateway_flop(model), 800 + 520 + 100 + 420);          // 8 d^2 + 4 s d + 2 d E + shared
  EXPECT_EQ(dense_layer_flop(model), 800 + 520 + 420 + 2 * 420);  // no router, 1 + 2 experts wide
  EXPECT_EQ(head_flop(model), 220);                               // 2 * 10 * 11
  EXPECT_EQ(token_flop(model), 2 * (1840 + 840) + 2580 + 220);    // two MoE layers, one dense, the head
}

TEST(MoeModel, GivenGatewayWorkReplacesTheFormula) {
  MoeModel model = llama_moe();
  model.gateway_flop_per_layer = 1e6;
  EXPECT_EQ(gateway_flop(model), 1e6);
  EXPECT_EQ(token_flop(model), 32 * (1e6 + 2 * 6.0 * 4096 * 1376) + 2.0 * 4096 * 32000);
}

}  // namespace
}  // namespace spacemoe
