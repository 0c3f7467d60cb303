#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/search/exact_scores.hpp"
#include "host/search/objective.hpp"
#include "host/search/problem.hpp"

namespace spacemoe {

/// How placements race.
struct RaceRules {
  /// Chance of a wrong verdict in a race, at most: Bonferroni over pairs of contenders and rounds.
  double error_rate = 0.01;
  /// Tokens per contender at first and at most. Each group begins with some of the tail, so that it may be
  /// more at first; where there are very many cases it is a token per group and case.
  std::uint64_t first_tokens = std::uint64_t{1} << 14;
  std::uint64_t most_tokens = std::uint64_t{1} << 20;
};

/// What a race came to.
struct RaceResult {
  std::size_t winner = 0;        ///< 0, the incumbent, unless another was confirmed to be better
  std::uint64_t tokens = 0;      ///< drawn per contender
  std::vector<double> value_ns;  ///< [contender] the sampled objective, when it was last drawn
};

/// Whether value_ns() takes cases for normal under this objective: a screen, which samples must confirm.
bool is_screened(Objective const& objective);

/// Contenders, the incumbent first, race on common tokens, equally many in each case and never drawn before
/// under this seed; rounds double them. One is better than another where it is so in all tokens together, and
/// where Student's interval of the mean difference between 32 groups of tokens says so. Who is worse than the
/// leader drops out; who is better than the incumbent is confirmed, and the best of these wins. Where nothing
/// is told apart the incumbent stays. Of the worst case, only those are drawn that are among some contender's
/// 8 worst by value_ns(). The same result on every backend and number of threads.
RaceResult race(SearchProblem const& problem, SnapshotBatch const& slots, ExactScorer const& scorer,
                Objective const& objective, std::span<Placement const> contenders, Seed seed,
                RaceRules const& rules = {});

}  // namespace spacemoe
