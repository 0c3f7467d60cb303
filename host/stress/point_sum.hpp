#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "host/stress/repair.hpp"
#include "host/stress/stress.hpp"

namespace spacemoe {

/// Adds up the draws of one point.
class PointSum {
 public:
  PointSum(std::uint32_t layers, std::uint32_t satellites);

  /// `missed` [satellite]: experts that a token is expected to miss there.
  void add(FateTally const& tally, std::span<double const> missed);
  /// `during` are the tokens that came while weights were on their way.
  void add(Repair const& repair, Moments const& during);

  StressPoint result() const;

 private:
  struct DrawMeans {
    std::vector<double> mean_ms;        ///< of draws that deliver
    std::vector<double> undeliverable;  ///< of all draws

    void add(Moments const& moments);
    Estimate latency() const;
    Estimate loss() const;
  };

  FateTally sum_;
  std::array<DrawMeans, loss_policies> policy_;
  std::vector<double> missed_;  ///< [satellite], over all draws
  DrawMeans during_;
  RepairFigures repairs_;  ///< sums over draws
};

}  // namespace spacemoe
