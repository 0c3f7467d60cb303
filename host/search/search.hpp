#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "host/search/annealing.hpp"
#include "host/search/comparison.hpp"
#include "host/search/confirmation.hpp"
#include "host/search/descent.hpp"
#include "host/search/exact_effort.hpp"
#include "host/search/exact_scores.hpp"
#include "host/search/objective.hpp"
#include "host/search/problem.hpp"

namespace spacemoe {

/// Most moves that may be asked for.
inline constexpr std::uint64_t most_search_moves = 1'000'000'000'000;

struct SearchOptions {
  Objective objective;
  bool move_gateways = true;
  /// Moves that are tried; empty: so many as the size of the problem suggests. With a time, no limit but
  /// time.
  std::optional<std::uint64_t> moves;
  std::optional<double> time_s;
};

enum class SearchStage : std::uint8_t {
  annealing,  ///< on mean path latencies, several chains side by side
  descent,    ///< on the exact objective, from the best of every chain, then from the best of all or a chain,
              ///< shaken
  done,
};

enum class SearchEnd : std::uint8_t { local_optimum, moves, time, interrupted };
std::string_view name(SearchStage stage);
std::string_view name(SearchEnd end);

/// The objective after some moves.
struct TracePoint {
  SearchStage stage;
  MoveCounts counts;  ///< moves so far
  double elapsed_s;
  double value_ms;  ///< of the best so far; when annealing, by the mean model
};

/// Where a search is: enough to go on from.
struct SearchState {
  struct Chain {
    Placement current;
    Placement best;
  };
  SearchStage stage = SearchStage::annealing;
  std::uint64_t rounds = 0;         ///< of annealing that are over
  std::vector<Chain> chains;        ///< best first once annealing is over; then what descents made of them
  std::uint32_t descended = 0;      ///< chains and shaken placements that have been descended from
  Placement descending;             ///< where the next one has come to
  std::uint64_t descent_moves = 0;  ///< scored so far
  Placement best;                   ///< of the start and the ends of descents
  double best_ns = 0;               ///< its exact objective, once a descent has begun
  /// No move that is scored makes it better; under a screened objective, none of which a race confirms that.
  bool local_optimum = false;
  MoveCounts counts;
  std::vector<TracePoint> trace;
  double elapsed_s = 0;

  std::uint64_t moves() const { return counts.all_tried(); }
};

/// A screened objective of a result and its start, on common tokens.
struct SampledResult {
  std::uint64_t tokens = 0;  ///< per placement
  double start_ms = 0;
  double value_ms = 0;
};

/// Whether a placement is better than its start where neither was planned.
struct Verdict {
  bool better = false;
  std::uint32_t draws = 0;  ///< of outages, half a slot later, that it took
  Estimate difference_ms;   ///< of the objective, found - start, with the interval that decided
};

struct SearchResult {
  Placement placement;
  double start_ms = 0;  ///< the objective, planned
  double value_ms = 0;
  double start_mean_ms = 0;  ///< mean latency, planned
  double mean_ms = 0;
  double start_lost = 0;  ///< share of lost tokens, planned
  double lost = 0;
  /// Of the last race, which the result won, or else it is the start. Under screened objectives only.
  std::optional<SampledResult> sampled;
  /// Of verified(); until then nothing is.
  Verdict verdict;
  SearchEnd end{};
  std::uint32_t slots = 0;          ///< on which moves were scored exactly
  std::uint32_t final_slots = 0;    ///< on which the figures above were
  std::uint32_t planned_slots = 0;  ///< of so many, outages of one slot counted apart
  std::uint64_t neighbours = 0;     ///< most moves that are scored around a placement
  SearchState state;
};

/// A search, round by round. The same problem, start, options and seed give the same rounds, whatever the
/// backend and the number of threads, unless time limits it.
class Search {
 public:
  Search(SearchProblem const& problem, Placement start, SearchOptions const& options);
  ~Search();

  /// Whether a state may be one of this search: as many chains, and placements of its shape that keep the
  /// rules.
  bool fits(SearchState const& state) const;
  /// Goes on from another search's state, which fits; call before the first step.
  void resume(SearchState state);
  /// Takes a round of annealing or a pass of descent; false when there is nothing left to do.
  bool step();
  /// Ends the search early; the best so far is kept.
  void interrupt() { end_ = SearchEnd::interrupted; }
  SearchState const& state() const { return state_; }
  /// Share of the work that is done.
  double progress() const;

  /// The best placement, which is the start where nothing better was found; ends the search.
  SearchResult result();

 private:
  using Clock = std::chrono::steady_clock;
  struct Exact;

  std::uint64_t annealing_steps() const;
  double elapsed_s() const;
  void anneal();
  void begin_descents();
  void begin_descent();
  void descend();
  bool confirm(Pass const& pass, MoveCounts& counts);
  void end_descent(bool local_optimum);
  bool shakes_again() const;
  Placement shaken();
  Placement with_sorted_experts(Placement const& placement) const;
  RaceResult race(Exact const& exact, std::span<Placement const> contenders, FreshDraws use,
                  std::size_t number) const;
  void note(double value_ns);

  SearchProblem const& problem_;
  Placement start_;
  SearchOptions options_;
  double heat_ns_ = 0;  ///< unit of temperature
  ExactEffort effort_;
  std::unique_ptr<MeanModel> model_;
  std::vector<std::unique_ptr<Annealing>> chains_;
  std::unique_ptr<Exact> exact_;
  SearchState state_;
  std::optional<SearchEnd> end_;
  Clock::time_point begun_;
  double elapsed_before_s_ = 0;
};

/// Mean latency [ns] of the links of all slots, by which temperatures are measured.
double mean_link_ns(SnapshotBatch const& slots);

}  // namespace spacemoe
