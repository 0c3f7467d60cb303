#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/layer_distribution.hpp"
#include "host/model/activation.hpp"
#include "host/model/compute.hpp"
#include "host/network/network.hpp"
#include "host/satellite_id.hpp"
#include "kernels/layer_score.hpp"

namespace spacemoe {

/// Everything that scoring moves needs besides paths: routing laws and compute times.
class ScoringTables {
 public:
  /// `weights` are those that are sampled.
  ScoringTables(RoutingLaw law, ActivationWeights const& weights, std::uint32_t top_k,
                ComputeTimes const& compute, std::uint32_t satellites);

  std::uint32_t layers() const { return static_cast<std::uint32_t>(laws_.size()); }
  std::uint32_t experts() const { return experts_; }
  LayerLaw const& law(std::uint32_t layer) const { return laws_[layer]; }
  LayerLawView view(std::uint32_t layer) const;
  /// Compute that depends on the expert [layer][expert] and that depends on the host [satellite]; add both.
  std::span<std::uint64_t const> expert_ns() const { return expert_ns_; }
  std::span<std::uint64_t const> satellite_ns() const { return satellite_ns_; }

 private:
  std::uint32_t experts_;
  std::vector<LayerLaw> laws_;               ///< [layer]
  std::vector<std::vector<double>> within_;  ///< [layer][set]; empty where there are many experts
  std::vector<std::uint64_t> expert_ns_;
  std::vector<std::uint64_t> satellite_ns_;
};

/// Whether some host has several of a layer's experts, which then queue there.
bool shares_hosts(std::span<SatelliteId const> hosts);

/// The tables, and what a batch says of the paths, which are not there yet; slots are padded to a multiple of
/// `slots_at_once`.
ScoringView pathless_view(ScoringTables const& tables, SnapshotBatch const& batch,
                          std::uint32_t slots_at_once);

/// Path latencies of a change, a row [slot] each.
struct ChangePaths {
  std::vector<Nanoseconds const*> there;  ///< [expert]
  std::vector<Nanoseconds const*> back;   ///< [expert]
  Nanoseconds const* forward = nullptr;
};

/// Scores of one change [slot].
struct ScoreRows {
  double* mean_ns;
  double* variance_ns2;
  double* delivered;
};

/// Scores in each slot of a layer whose experts share hosts, by LayerLaw.
void score_queued(ScoringTables const& tables, LayerChange const& change, std::span<SatelliteId const> hosts,
                  ChangePaths const& paths, std::uint32_t slots, ScoreRows const& rows);

}  // namespace spacemoe
