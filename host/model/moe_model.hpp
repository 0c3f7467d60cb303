#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace spacemoe {

/// Architecture of a mixture-of-experts language model.
struct MoeModel {
  std::string name;
  std::uint32_t layers = 0;          ///< transformer layers, dense ones included
  std::uint32_t moe_layers = 0;      ///< L
  std::uint32_t experts = 0;         ///< E, routed experts per layer
  std::uint32_t top_k = 0;           ///< K, experts that a token draws in a layer
  std::uint32_t shared_experts = 0;  ///< always used; they run at the gateway
  std::uint32_t hidden_size = 0;     ///< d
  std::uint32_t expert_size = 0;     ///< f, intermediate size of an expert
  std::uint32_t vocabulary = 0;      ///< V
  std::uint32_t context = 0;         ///< s, tokens that attention looks back on
  double expert_bytes = 0;           ///< weights of one expert
  double hidden_state_bytes = 0;     ///< what a hop carries; default 2 d
  /// Gateway work of one layer (attention, router, shared experts), where the formulas below do not fit the
  /// model (grouped-query or latent attention).
  std::optional<double> gateway_flop_per_layer;
};

/// 6 d f: one token through one SwiGLU expert.
double expert_flop(MoeModel const& model);

/// 8 d^2 + 4 s d + 2 d E + shared 6 d f with plain multi-head attention, or the given figure.
double gateway_flop(MoeModel const& model);

/// One token through a layer without experts: the gateway's work without the router, and a feed-forward block
/// that is K experts wide besides the shared ones.
double dense_layer_flop(MoeModel const& model);

/// 2 d V.
double head_flop(MoeModel const& model);

/// One token through the whole model.
double token_flop(MoeModel const& model);

}  // namespace spacemoe
