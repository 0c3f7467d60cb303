#include "host/search/descent.hpp"

#include <algorithm>
#include <utility>

#include <tbb/parallel_for.h>

namespace spacemoe {
namespace {

/// Numbers of a batch of scores [layer][case] that are held at a time.
constexpr std::size_t scores_at_once = std::size_t{1} << 21;

/// Moves that make the incumbent better and are kept with their scores.
constexpr std::ptrdiff_t taken_at_most = 1024;

/// Makes even one lost token in 10^9 worse than any latency [ns].
constexpr double lost_scale_ns = 1e24;

/// Gains below this are rounding [ns].
constexpr double least_gain_ns = 0.01;

/// The layers of a move, as rows of the scores.
struct Rows {
  std::vector<std::uint32_t> layers;
  std::size_t first;
};

}  // namespace

/// A move that makes the incumbent better, with the scores of its layers.
struct Descent::Better {
  Candidate const* candidate;
  double value_ns;
  std::vector<std::uint32_t> layers;
  std::vector<double> scores;  ///< [layer][mean, variance, delivered][case]

  std::vector<LayerCases> rows() const {
    std::size_t const cases = scores.size() / layers.size() / 3;
    std::vector<LayerCases> all;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      auto const part = [&](std::size_t j) { return std::span(scores).subspan((3 * i + j) * cases, cases); };
      all.push_back({part(0), part(1), part(2)});
    }
    return all;
  }
};

Descent::Descent(MeanModel const& model, Wiring const& wiring, Neighbourhood around, Objective objective,
                 double most_lost)
    : model_(model),
      wiring_(wiring),
      around_(std::move(around)),
      objective_(objective),
      most_lost_(most_lost) {}

double Descent::value_ns(CaseTotals const& totals) const {
  double const lost = lost_share(totals);
  return loses_too_much(lost) ? lost * lost_scale_ns : spacemoe::value_ns(objective_, totals);
}

bool Descent::loses_too_much(double lost) const {
  return !objective_.lost_penalty_ms && lost > most_lost_;
}

bool Descent::compares_latency(CaseTotals const& totals) const {
  double const lost = lost_share(totals);
  return lost < 1 && !loses_too_much(lost);
}

bool Descent::is_better(CaseTotals const& then, CaseTotals const& now) const {
  // The mean is over delivered tokens: without this, losing the slowest would pay.
  bool const loses_more = !objective_.lost_penalty_ms && lost_share(then) > lost_share(now);
  return !loses_more && value_ns(then) < value_ns(now) - least_gain_ns;
}

Pass Descent::pass(Incumbent& incumbent, ExactScorer& scorer, std::uint64_t budget,
                   std::function<bool()> const& stop) {
  std::vector<Candidate> const all = candidates(incumbent.layout(), model_, wiring_, around_,
                                                [&](SatelliteId id) { return scorer.knows(id); });
  Pass pass;
  std::vector<Better> better;
  // Layers per move vary; two is usual.
  std::size_t const step = std::max<std::size_t>(1, scores_at_once / (2 * scorer.cases()));
  while (pass.scored < all.size() && pass.scored < budget && !stop()) {
    std::size_t const count = std::min({step, all.size() - pass.scored, budget - pass.scored});
    auto some = better_moves(incumbent, scorer, std::span(all).subspan(pass.scored, count));
    std::ranges::move(some, std::back_inserter(better));
    std::ranges::stable_sort(better, {}, &Better::value_ns);
    if (std::ssize(better) > taken_at_most) better.erase(better.begin() + taken_at_most, better.end());
    pass.scored += count;
  }
  pass.complete = pass.scored == all.size();
  for (std::size_t i = 0; i < pass.scored; ++i) ++counts_.tried[static_cast<std::size_t>(all[i].kind)];
  take_moves(incumbent, better, pass);
  return pass;
}

/// Takes moves from the best on, as long as they fit together.
void Descent::take_moves(Incumbent& incumbent, std::span<Better const> better, Pass& pass) {
  std::vector<bool> changed(incumbent.layout().layers());
  std::uint64_t next_stage = 1;
  auto const note = [&] { pass.stages.push_back({incumbent.layout().placement(), counts_}); };
  for (Better const& move : better) {
    // Scores hold only as long as nothing else has changed their layers.
    if (std::ranges::any_of(move.layers, [&](std::uint32_t l) { return changed[l]; })) continue;
    if (!take(incumbent, move)) continue;
    for (std::uint32_t const l : move.layers) changed[l] = true;
    ++pass.accepted;
    ++counts_.accepted[static_cast<std::size_t>(move.candidate->kind)];
    if (pass.accepted != next_stage) continue;
    note();
    next_stage *= 4;
  }
  if (pass.accepted * 4 != next_stage && pass.improved()) note();
}

std::vector<Descent::Better> Descent::better_moves(Incumbent& incumbent, ExactScorer& scorer,
                                                   std::span<Candidate const> candidates) const {
  Layout& layout = incumbent.layout();
  std::vector<Rows> rows;
  for (Candidate const& candidate : candidates) {
    try_again(layout, candidate);
    rows.push_back({{layout.touched().begin(), layout.touched().end()}, scorer.added()});
    for (std::uint32_t const l : layout.touched()) scorer.add(layout, l);
    layout.take_back();
  }
  ScoredLayers const scored = scorer.score();
  std::vector<Better> found(candidates.size());
  tbb::parallel_for(std::size_t{0}, candidates.size(), [&](std::size_t i) {
    std::vector<LayerCases> scores;
    for (std::size_t k = 0; k < rows[i].layers.size(); ++k) scores.push_back(scored[rows[i].first + k]);
    CaseTotals const totals = incumbent.totals_with(rows[i].layers, scores);
    if (!is_better(totals, incumbent.totals())) return;
    found[i] = {&candidates[i], value_ns(totals), rows[i].layers, {}};
    for (LayerCases const& layer : scores) {
      for (auto const& part : {layer.mean_ns, layer.variance_ns2, layer.delivered}) {
        found[i].scores.insert(found[i].scores.end(), part.begin(), part.end());
      }
    }
  });
  std::erase_if(found, [](Better const& move) { return move.candidate == nullptr; });
  return found;
}

/// Takes a move if it still fits and still makes the incumbent better.
bool Descent::take(Incumbent& incumbent, Better const& move) const {
  Layout& layout = incumbent.layout();
  if (!try_again(layout, *move.candidate)) {
    layout.take_back();
    return false;
  }
  auto const rows = move.rows();
  CaseTotals const totals = incumbent.totals_with(move.layers, rows);
  if (!is_better(totals, incumbent.totals())) {
    layout.take_back();
    return false;
  }
  incumbent.set(move.layers, rows);
  layout.keep();
  return true;
}

}  // namespace spacemoe
