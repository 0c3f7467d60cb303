#include "host/model/compute.hpp"

#include <algorithm>
#include <cmath>

namespace spacemoe {

namespace {

constexpr double ns_per_s = 1e9;
constexpr double ns_per_ms = 1e6;

/// Whole nanoseconds; the bound keeps absurdly slow rates defined (285 years).
std::uint64_t rounded(double ns) {
  return static_cast<std::uint64_t>(std::llround(std::min(ns, 9e18)));
}

/// Entry of a table that holds one value for all, one per layer, or one per layer and expert.
double given(std::vector<double> const& table, MoeModel const& model, std::uint32_t layer,
             std::uint32_t expert) {
  if (table.size() == 1) return table.front();
  if (table.size() == model.moe_layers) return table.at(layer);
  return table.at(static_cast<std::size_t>(layer) * model.experts + expert);
}

}  // namespace

ComputeTimes::ComputeTimes(MoeModel const& model, ComputeSpec const& spec) : model_(model), spec_(spec) {}

double ComputeTimes::rate(SatelliteId satellite) const {
  return spec_.satellite_rate_flop_s.empty() ? spec_.rate_flop_s
                                             : spec_.satellite_rate_flop_s.at(index(satellite));
}

std::uint64_t ComputeTimes::expert_ns(std::uint32_t layer, std::uint32_t expert,
                                      SatelliteId satellite) const {
  if (!spec_.expert_ms.empty()) return rounded(given(spec_.expert_ms, model_, layer, expert) * ns_per_ms);
  double seconds = expert_flop(model_) / rate(satellite);
  if (spec_.memory_bandwidth_byte_s) {
    seconds = std::max(seconds, model_.expert_bytes / *spec_.memory_bandwidth_byte_s);
  }
  return rounded(seconds * ns_per_s);
}

std::uint64_t ComputeTimes::gateway_ns(std::uint32_t layer, SatelliteId satellite) const {
  if (!spec_.gateway_ms.empty()) return rounded(given(spec_.gateway_ms, model_, layer, 0) * ns_per_ms);
  if (!spec_.gateway_compute) return 0;
  return rounded(gateway_flop(model_) / rate(satellite) * ns_per_s);
}

std::uint64_t ComputeTimes::head_ns(SatelliteId satellite) const {
  if (spec_.head_ms) return rounded(*spec_.head_ms * ns_per_ms);
  if (!spec_.head_compute) return 0;
  double const dense_layers = model_.layers - model_.moe_layers;
  double const flop = dense_layers * dense_layer_flop(model_) + head_flop(model_);
  return rounded(flop / rate(satellite) * ns_per_s);
}

}  // namespace spacemoe
