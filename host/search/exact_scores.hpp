#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "host/evaluation/costs.hpp"
#include "host/search/layout.hpp"
#include "host/search/objective.hpp"
#include "host/search/problem.hpp"

namespace spacemoe {

/// Scores of layers, exactly, in every case: [profile][slot].
struct LayerCases {
  std::span<double const> mean_ns;
  std::span<double const> variance_ns2;
  std::span<double const> delivered;
};

/// Scores of several layers.
struct ScoredLayers {
  std::size_t cases = 0;
  LayerScores scores;  ///< [layer added][case]

  LayerCases operator[](std::size_t added) const;
};

/// Gathers layers as moves leave them and scores them together behind the backend line.
class ExactScorer {
 public:
  /// `gateways` are the satellites that may be gateways of what is scored. `slots` must outlive it.
  ExactScorer(SearchProblem const& problem, SnapshotBatch const& slots, std::vector<SatelliteId> gateways);

  std::size_t cases() const { return cases_; }
  bool knows(SatelliteId gateway) const;
  LayerLaw const& law(std::size_t profile, std::uint32_t layer) const { return tables_[profile]->law(layer); }
  /// Adds a layer as it is now; the first one's gateway also works at the head.
  void add(Layout const& layout, std::uint32_t layer);
  std::size_t added() const { return changes_.size(); }
  /// Scores of all that was added since the last time.
  ScoredLayers score();

 private:
  SearchProblem const& problem_;
  PathSources sources_;
  std::vector<std::unique_ptr<ScoringTables>> tables_;  ///< [profile]
  std::vector<std::unique_ptr<MoveScorer>> scorers_;    ///< [profile]
  std::size_t cases_;
  std::vector<LayerChange> changes_;
  std::vector<SatelliteId> hosts_;
};

/// A layout with the exact scores of its layers.
class Incumbent {
 public:
  Incumbent(ExactScorer& scorer, Layout layout);

  Layout& layout() { return layout_; }
  Layout const& layout() const { return layout_; }
  CaseTotals const& totals() const { return totals_; }
  /// Totals when some layers have other scores.
  CaseTotals totals_with(std::span<std::uint32_t const> layers, std::span<LayerCases const> scores) const;
  void set(std::span<std::uint32_t const> layers, std::span<LayerCases const> scores);

 private:
  /// A layer's scores.
  struct Row {
    std::vector<double> mean_ns, variance_ns2, delivered;
  };

  void add_up();
  double delivered_with(std::size_t number, std::span<std::uint32_t const> layers,
                        std::span<LayerCases const> scores) const;

  Layout layout_;
  std::vector<Row> rows_;  ///< [layer]
  CaseTotals totals_;
};

}  // namespace spacemoe
