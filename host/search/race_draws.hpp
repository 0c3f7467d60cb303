#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/evaluation/layer_steps.hpp"
#include "host/search/exact_scores.hpp"
#include "host/search/objective.hpp"
#include "host/search/problem.hpp"

namespace spacemoe {

/// Placements as their tokens are drawn: every layer by its exact distribution in every case
/// ([profile][slot]), on words that all placements share. A layer that several have alike is worked out and
/// drawn once.
class RaceDraws {
 public:
  /// Laws come from `scorer`, paths from `slots`, which may be fewer than the problem's. Everything given
  /// must outlive it. Throws ScenarioError when a layer could take 2^31 ns or more.
  RaceDraws(SearchProblem const& problem, SnapshotBatch const& slots, ExactScorer const& scorer,
            std::span<Placement const> placements);

  std::size_t placements() const { return totals_.size(); }
  std::size_t cases() const { return cases_; }
  /// Exact moments and chances of delivery of a placement.
  CaseTotals const& totals(std::size_t placement) const { return totals_[placement]; }

  /// Token latencies [wanted placement][case of `cases`][token], for tokens [first, first + count) of each
  /// case; `lost` where one does not arrive. Placements that are not wanted stay empty.
  std::vector<std::vector<std::uint64_t>> draw(Seed seed, std::span<std::uint32_t const> cases,
                                               std::uint32_t first, std::uint32_t count,
                                               std::vector<bool> const& wanted) const;
  static constexpr std::uint64_t lost = ~std::uint64_t{0};

 private:
  /// A layer that some placements have alike.
  struct Version {
    std::uint32_t layer;
    std::vector<std::size_t> placements;           ///< the first is the one that it is taken from
    std::vector<std::optional<LayerSteps>> steps;  ///< [case]
    CaseTotals scores;

    void set(std::size_t number, LayerDistribution const& distribution);
  };

  void find_versions(std::span<Placement const> placements);
  void tabulate(SearchProblem const& problem, SnapshotBatch const& slots, ExactScorer const& scorer,
                std::span<Placement const> placements);
  void add_up();

  Backend& backend_;
  std::size_t cases_;
  std::vector<Version> versions_;
  std::vector<std::uint64_t> fixed_ns_;  ///< [placement]
  std::vector<CaseTotals> totals_;       ///< [placement]
};

}  // namespace spacemoe
