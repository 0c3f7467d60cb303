#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/layer_distribution.hpp"
#include "host/evaluation/layer_tables.hpp"
#include "host/evaluation/scoring_tables.hpp"
#include "host/model/activation.hpp"
#include "host/model/routing_tables.hpp"
#include "host/network/network.hpp"
#include "kernels/token.hpp"

namespace spacemoe::benches {

/// A network and snapshots of it, 15 s apart.
struct PathInput {
  std::shared_ptr<Network const> network;
  SnapshotBatch batch;

  std::uint32_t nodes() const { return network->wiring().nodes; }
};

/// A shell given as `D:550:53.0:1584/72/39`, its seam linked to the phase-continuous partner; each link is up
/// with probability `survival`. Several shells are joined by `+`.
PathInput shell(std::string const& walker, double survival, std::uint32_t snapshots = 1);

/// The links of the first snapshot as a list, so that nothing is known of planes and rings; each link is up
/// with probability `survival`.
PathInput listed(PathInput const& shell, double survival = 1, std::uint32_t snapshots = 1);

/// Nodes of which any two are linked with probability `share`, by random latencies [1, 1001) us; 5 % of the
/// links are down.
PathInput random_graph(std::uint32_t nodes, double share, std::uint32_t snapshots);

/// `count` satellites at random, by rising id; all of them for 0.
std::vector<SatelliteId> sources(std::uint32_t nodes, std::uint32_t count);

/// Moments of the latency of a token.
struct ExactMoments {
  double mean_ns = 0;
  double variance_ns2 = 0;
  double fourth_central_ns4 = 0;
};

/// A model on hosts whose latencies [5, 65) ms are drawn by address, with everything that both samplers need.
class SamplingInput {
 public:
  /// Plackett-Luce with log-normal weights of the given sigma.
  SamplingInput(std::uint32_t layers, std::uint32_t experts, std::uint32_t top_k, double sigma);

  std::uint32_t layers() const { return weights_.layers; }
  /// The weights that are sampled, after rounding to integers. [layer][expert]
  ActivationWeights const& weights() const { return weights_; }
  std::span<Nanoseconds const> expert_ns() const { return expert_ns_; }
  RoutingView routing() const { return routing_.view(); }
  LayerTablesView tables() const { return tables_->view(); }
  LayerLaw const& law(std::uint32_t layer) const { return laws_[layer]; }
  CostView cost() const;

  std::vector<LayerDistribution> distributions() const;
  ExactMoments exact_moments() const;

 private:
  RoutingTables routing_;
  ActivationWeights weights_;
  std::vector<Nanoseconds> layer_ns_;
  std::vector<Nanoseconds> expert_ns_;
  std::vector<Nanoseconds> queue_ns_;
  std::vector<std::uint16_t> host_;
  std::vector<std::uint8_t> shares_hosts_;
  std::vector<LayerLaw> laws_;
  std::unique_ptr<LayerTables> tables_;
};

/// Swaps of two experts' hosts in the first layer of a model, in 64 slots of a shell of 1584 satellites.
class SwapInput {
 public:
  explicit SwapInput(SamplingInput const& model);

  std::uint32_t slots() const { return shell_.batch.snapshots; }
  std::uint32_t swaps() const { return static_cast<std::uint32_t>(changes_.size()); }
  /// Its tables are those of this input, which must live on.
  std::unique_ptr<MoveScorer> scorer(Backend& backend) const;
  LayerScores scores(MoveScorer const& scorer) const { return scorer.score(changes_, hosts_); }
  /// Latency of each expert after each swap. [swap][slot][expert]
  std::vector<Nanoseconds> expert_ns(Backend& backend) const;

 private:
  PathInput shell_;
  ScoringTables tables_;
  std::vector<SatelliteId> sources_;
  std::vector<LayerChange> changes_;
  std::vector<SatelliteId> hosts_;
};

}  // namespace spacemoe::benches
