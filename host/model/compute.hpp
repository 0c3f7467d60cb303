#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/model/moe_model.hpp"
#include "host/satellite_id.hpp"
#include "kernels/latency.hpp"

namespace spacemoe {

/// How long computing takes. Either from FLOPs and rates, or given in ms; a given time also wins over a
/// switch.
struct ComputeSpec {
  double rate_flop_s = 0;                         ///< of every satellite
  std::vector<double> satellite_rate_flop_s;      ///< [satellite]; empty: rate_flop_s everywhere
  std::optional<double> memory_bandwidth_byte_s;  ///< compute = max(FLOPs / rate, bytes / bandwidth)
  bool gateway_compute = true;     ///< count attention, router and shared experts at the gateway
  bool head_compute = true;        ///< count dense layers and the LM head, once per token
  std::vector<double> expert_ms;   ///< given times: empty, one for all, [layer], or [layer][expert]
  std::vector<double> gateway_ms;  ///< given times: empty, one for all, or [layer]
  std::optional<double> head_ms;
};

/// Compute times [ns] of a model on satellites, rounded once. Given times hold on every satellite, whatever
/// its rate.
class ComputeTimes {
 public:
  ComputeTimes(MoeModel const& model, ComputeSpec const& spec);

  /// One token through expert `expert` of MoE layer `layer` on `satellite` [ns].
  std::uint64_t expert_ns(std::uint32_t layer, std::uint32_t expert, SatelliteId satellite) const;
  /// Whether expert_ns depends on the layer and the expert, and not on the satellite; else it is the other
  /// way round.
  bool expert_times_given() const { return !spec_.expert_ms.empty(); }
  /// Gateway work of MoE layer `layer` on `satellite` [ns].
  std::uint64_t gateway_ns(std::uint32_t layer, SatelliteId satellite) const;
  /// Dense layers and head, on the gateway of layer 0 [ns].
  std::uint64_t head_ns(SatelliteId satellite) const;

 private:
  double rate(SatelliteId satellite) const;

  MoeModel model_;
  ComputeSpec spec_;
};

}  // namespace spacemoe
