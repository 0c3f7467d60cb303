#include "host/model/moe_model.hpp"

namespace spacemoe {

namespace {

double router_flop(MoeModel const& model) {
  return 2.0 * model.hidden_size * model.experts;
}

}  // namespace

double expert_flop(MoeModel const& model) {
  return 6.0 * model.hidden_size * model.expert_size;
}

double gateway_flop(MoeModel const& model) {
  if (model.gateway_flop_per_layer) return *model.gateway_flop_per_layer;
  double const d = model.hidden_size;
  double const attention = 8 * d * d + 4 * d * model.context;
  return attention + router_flop(model) + model.shared_experts * expert_flop(model);
}

double dense_layer_flop(MoeModel const& model) {
  return gateway_flop(model) - router_flop(model) + model.top_k * expert_flop(model);
}

double head_flop(MoeModel const& model) {
  return 2.0 * model.hidden_size * model.vocabulary;
}

double token_flop(MoeModel const& model) {
  double const moe_layer = gateway_flop(model) + model.top_k * expert_flop(model);
  return model.moe_layers * moe_layer + (model.layers - model.moe_layers) * dense_layer_flop(model) +
         head_flop(model);
}

}  // namespace spacemoe
