#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "host/search/annealing.hpp"
#include "host/search/exact_scores.hpp"
#include "host/search/neighbourhood.hpp"
#include "host/search/objective.hpp"

namespace spacemoe {

/// Result of looking at a neighbourhood once.
struct Pass {
  /// The incumbent after some of the accepted moves.
  struct Stage {
    Placement placement;
    MoveCounts counts;  ///< as Descent::take_counts() would give them
  };
  std::uint64_t scored = 0;    ///< moves
  std::uint64_t accepted = 0;  ///< moves
  bool complete = true;        ///< all candidates were scored
  std::vector<Stage> stages;   ///< after the first move, 4 times as many, and so on, and last after all
  bool improved() const { return accepted > 0; }
};

/// Steepest descent on the exact objective: all moves around the incumbent are scored, then taken from the
/// best on, as long as they fit together and the whole gets better with each.
class Descent {
 public:
  /// Of placements that lose more than `most_lost` of their tokens the one that loses less is the better,
  /// unless losses have a price.
  Descent(MeanModel const& model, Wiring const& wiring, Neighbourhood around, Objective objective,
          double most_lost);

  /// Scores at most `budget` moves; stops early, between batches, when `stop` says so.
  Pass pass(Incumbent& incumbent, ExactScorer& scorer, std::uint64_t budget,
            std::function<bool()> const& stop);

  /// The objective [ns], which is to be less than before; far greater where too much is lost.
  double value_ns(CaseTotals const& totals) const;
  /// Whether that is about latency: some tokens arrive, and not too many are lost.
  bool compares_latency(CaseTotals const& totals) const;
  /// Moves since the last call.
  MoveCounts take_counts() { return std::exchange(counts_, {}); }

 private:
  struct Better;

  std::vector<Better> better_moves(Incumbent& incumbent, ExactScorer& scorer,
                                   std::span<Candidate const> candidates) const;
  void take_moves(Incumbent& incumbent, std::span<Better const> better, Pass& pass);
  bool take(Incumbent& incumbent, Better const& move) const;
  bool loses_too_much(double lost) const;
  bool is_better(CaseTotals const& then, CaseTotals const& now) const;

  MeanModel const& model_;
  Wiring const& wiring_;
  Neighbourhood around_;
  Objective objective_;
  double most_lost_;
  MoveCounts counts_;
};

}  // namespace spacemoe
