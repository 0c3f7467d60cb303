#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/evaluation/scenario.hpp"
#include "host/model/activation.hpp"
#include "host/model/compute.hpp"
#include "host/search/layout.hpp"
#include "host/search/mean_paths.hpp"
#include "host/search/problem.hpp"

namespace spacemoe {

/// What layers take as if every path always took its mean: with hosts by rising cost c_1 <= ... <= c_E and
/// the heaviest expert on the nearest, sum over m of c_m * P(the slowest drawn is the m-th). Quick to work
/// out, and a little less than the true mean, as the maximum is convex. Each of several experts on a host is
/// charged the queue that it can expect.
class MeanModel {
 public:
  /// Of all profiles and planning slots of a search.
  MeanModel(SearchProblem const& problem, std::span<SatelliteId const> gateways);
  /// `paths` are from the satellites that may be gateways; `weights` are those that are sampled.
  MeanModel(Scenario const& scenario, ComputeTimes const& compute, ActivationWeights const& weights,
            std::span<SatelliteId const> gateways, MeanPaths paths);

  std::uint32_t layers() const { return static_cast<std::uint32_t>(order_.size()); }
  std::uint32_t satellites() const { return paths_.nodes(); }
  /// P(the slowest drawn is the m-th nearest) [m].
  std::span<double const> rank_share(std::uint32_t layer) const { return rank_share_[layer]; }
  /// Experts, heaviest first.
  std::span<std::uint32_t const> by_falling_weight(std::uint32_t layer) const { return order_[layer]; }

  /// Whether a satellite may be a gateway.
  bool knows(SatelliteId gateway) const { return source_[index(gateway)] != no_source; }
  /// From a gateway.
  double path_ns(SatelliteId gateway, SatelliteId to) const {
    return static_cast<double>(paths_.from(source_[index(gateway)])[index(to)]);
  }
  /// Where the outputs of a layer meet.
  SatelliteId aggregation(Layout const& layout, std::uint32_t layer) const;
  /// There, compute and back [ns] for a lone expert of a layer on `host`.
  double host_ns(SatelliteId gateway, SatelliteId aggregation, SatelliteId host) const {
    return path_ns(gateway, host) + path_ns(aggregation, host) + compute_ns_[index(host)];
  }
  /// Queue [ns] that every expert must expect for each other one of its layer on its host.
  double queue_ns(SatelliteId host) const { return compute_ns_[index(host)] * meets_; }
  /// What a layer takes besides its experts [ns]: its gateway, the way on from it, and the head.
  double gateway_ns(Layout const& layout, std::uint32_t layer) const;

  /// There, queue, compute and back [ns] for an expert where it is.
  double expert_ns(Layout const& layout, ExpertSlot expert) const;
  /// Costs [ns] of a layer's experts in rising order, and `order`, any order of them, in that of the costs:
  /// the nearer it was, the quicker.
  void cost_experts(Layout const& layout, std::uint32_t layer, std::span<std::uint32_t> order,
                    std::span<double> cost_ns) const;
  /// Mean latency [ns] of a layer by the rising costs of its experts.
  double layer_ns(Layout const& layout, std::uint32_t layer, std::span<double const> cost_ns) const;

 private:
  static constexpr std::uint32_t no_source = 0xffffffff;

  bool own_gateway_;
  double meets_;  ///< chance that another expert is drawn, too
  MeanPaths paths_;
  std::vector<std::uint32_t> source_;              ///< [satellite]: row of the paths
  std::vector<double> compute_ns_;                 ///< [satellite]
  std::vector<double> gateway_ns_;                 ///< [layer][satellite]
  std::vector<double> head_ns_;                    ///< [satellite]
  std::vector<std::vector<double>> rank_share_;    ///< [layer][m]
  std::vector<std::vector<std::uint32_t>> order_;  ///< [layer][m]
};

/// Orders experts by their costs `of_expert`, from a nearly right order, and gives the costs in that order.
void sort_by_cost(std::span<double const> of_expert, std::span<std::uint32_t> order,
                  std::span<double> sorted);

}  // namespace spacemoe
