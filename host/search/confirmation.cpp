#include "host/search/confirmation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <tbb/parallel_for.h>

#include "host/search/comparison.hpp"
#include "host/search/race_draws.hpp"

namespace spacemoe {
namespace {

constexpr double ns_per_ms = 1e6;
constexpr std::uint32_t groups = 32;
/// Tokens of the tail that each group begins with.
constexpr double tail_tokens = 8;
constexpr std::size_t worst_cases = 8;

/// The objective over some tokens, which are reordered; NaN without tokens.
double sampled_ns(Objective const& objective, std::vector<std::uint64_t>& latency_ns) {
  if (latency_ns.empty()) return std::numeric_limits<double>::quiet_NaN();
  auto const count = static_cast<double>(latency_ns.size());
  // Levels are rounded: 0.9 * 10 may be a little more than 9.
  auto const rank = static_cast<std::ptrdiff_t>(std::ceil(objective.level * count * (1 - 1e-12)));
  auto const at = latency_ns.begin() + std::max<std::ptrdiff_t>(rank, 1) - 1;
  std::nth_element(latency_ns.begin(), at, latency_ns.end());
  auto const quantile_ns = static_cast<double>(*at);
  if (objective.measure == Measure::quantile) return quantile_ns;
  std::uint64_t const excess_ns =
      std::accumulate(at, latency_ns.end(), std::uint64_t{0},
                      [&](std::uint64_t sum, std::uint64_t x) { return sum + x - *at; });
  return quantile_ns + static_cast<double>(excess_ns) / (count * (1 - objective.level));
}

/// The cases that matter: all, or the worst few of every contender.
std::vector<std::uint32_t> racing_cases(RaceDraws const& draws, Objective const& objective) {
  std::vector<std::uint32_t> all(draws.cases());
  std::iota(all.begin(), all.end(), 0u);
  if (!objective.worst_case || all.size() <= worst_cases) return all;
  std::set<std::uint32_t> chosen;
  for (std::size_t p = 0; p < draws.placements(); ++p) {
    CaseTotals const& totals = draws.totals(p);
    std::vector<double> value(all.size());
    for (std::uint32_t const c : all) {
      CaseTotals const one{{totals.mean_ns[c]}, {totals.variance_ns2[c]}, {totals.delivered[c]}};
      if (totals.delivered[c] > 0) value[c] = value_ns(objective, one);
    }
    std::vector<std::uint32_t> order = all;
    std::ranges::stable_sort(order, std::greater(), [&](std::uint32_t c) { return value[c]; });
    chosen.insert(order.begin(), order.begin() + worst_cases);
  }
  return {chosen.begin(), chosen.end()};
}

/// Contenders and the tokens that they have drawn.
class Race {
 public:
  Race(RaceDraws const& draws, Objective const& objective, RaceRules const& rules, Seed seed)
      : draws_(draws),
        objective_(objective),
        seed_(seed),
        cases_(racing_cases(draws, objective)),
        racing_(draws.placements(), true),
        confirmed_(draws.placements(), false),
        value_ns_(draws.placements(), std::vector<double>(groups + 1)) {
    plan(rules);
  }

  RaceResult run();

 private:
  /// Tokens [first, first + groups * per_group) of every case.
  struct Round {
    std::uint32_t first;
    std::uint32_t per_group;
    std::vector<std::vector<std::uint64_t>> latency_ns;  ///< [contender][case][group][token]
  };

  void plan(RaceRules const& rules);
  void evaluate();
  double sampled(std::size_t contender, std::uint32_t group) const;
  void gather(std::size_t contender, std::uint32_t group, std::size_t at,
              std::vector<std::uint64_t>& latency_ns) const;
  bool better(std::size_t one, std::size_t other) const;
  std::size_t leader() const;
  void judge();
  bool over() const;

  double whole_ns(std::size_t contender) const { return value_ns_[contender][groups]; }

  RaceDraws const& draws_;
  Objective const& objective_;
  Seed seed_;
  std::vector<std::uint32_t> cases_;
  std::vector<bool> racing_;
  std::vector<bool> confirmed_;
  std::vector<std::vector<double>> value_ns_;  ///< [contender][group], and last that of all groups together
  std::vector<Round> rounds_;
  std::uint32_t first_per_group_ = 0;
  std::uint32_t most_rounds_ = 1;
  double level_ = 0;  ///< of an interval
};

void Race::plan(RaceRules const& rules) {
  auto const cases = static_cast<double>(cases_.size());
  double const of_tail = tail_tokens / (1 - objective_.level) / (objective_.worst_case ? 1 : cases);
  double const wanted = std::max(static_cast<double>(rules.first_tokens) / groups / cases, of_tail);
  double const most = std::max(1.0, std::floor(static_cast<double>(rules.most_tokens) / groups / cases));
  first_per_group_ = static_cast<std::uint32_t>(std::clamp(std::ceil(wanted), 1.0, most));
  for (double reach = 2.0 * first_per_group_; reach <= most; reach *= 2) ++most_rounds_;
  auto const count = static_cast<double>(racing_.size());
  double const verdicts = count * (count - 1) / 2 * most_rounds_;
  level_ = 1 - rules.error_rate / verdicts;
}

RaceResult Race::run() {
  std::uint32_t drawn = 0;
  while (rounds_.size() < most_rounds_ && !over()) {
    std::uint32_t const per_group = rounds_.empty() ? first_per_group_ : drawn / groups;
    rounds_.push_back({drawn, per_group, draws_.draw(seed_, cases_, drawn, groups * per_group, racing_)});
    drawn += groups * per_group;
    evaluate();
    judge();
  }
  RaceResult result{leader(), std::uint64_t{drawn} * cases_.size(), {}};
  if (!confirmed_[result.winner]) result.winner = 0;
  for (std::size_t c = 0; c < racing_.size(); ++c) result.value_ns.push_back(whole_ns(c));
  return result;
}

void Race::gather(std::size_t contender, std::uint32_t group, std::size_t at,
                  std::vector<std::uint64_t>& latency_ns) const {
  for (Round const& round : rounds_) {
    auto const all = std::span(round.latency_ns[contender]);
    std::size_t const count = std::size_t{round.per_group};
    auto const some = group == groups ? all.subspan(at * groups * count, groups * count)
                                      : all.subspan((at * groups + group) * count, count);
    std::ranges::copy_if(some, std::back_inserter(latency_ns),
                         [](std::uint64_t latency) { return latency != RaceDraws::lost; });
  }
}

double Race::sampled(std::size_t contender, std::uint32_t group) const {
  double const lost_ns =
      lost_share(draws_.totals(contender)) * objective_.lost_penalty_ms.value_or(0) * ns_per_ms;
  std::vector<std::uint64_t> latency_ns;
  double worst_ns = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t at = 0; at < cases_.size(); ++at) {
    gather(contender, group, at, latency_ns);
    if (!objective_.worst_case) continue;
    worst_ns = std::fmax(worst_ns, sampled_ns(objective_, latency_ns));
    latency_ns.clear();
  }
  return lost_ns + (objective_.worst_case ? worst_ns : sampled_ns(objective_, latency_ns));
}

/// Values of all groups, and of all tokens.
void Race::evaluate() {
  std::size_t const figures = groups + 1;
  tbb::parallel_for(std::size_t{0}, racing_.size() * figures, [&](std::size_t i) {
    std::size_t const contender = i / figures;
    if (!racing_[contender]) return;
    value_ns_[contender][i % figures] = sampled(contender, static_cast<std::uint32_t>(i % figures));
  });
}

/// Whether a contender is told to be better than another: in the mean of the groups, beyond its error, and in
/// all tokens together.
bool Race::better(std::size_t one, std::size_t other) const {
  if (!(whole_ns(one) < whole_ns(other))) return false;
  std::vector<double> difference_ns;
  for (std::uint32_t g = 0; g < groups; ++g) difference_ns.push_back(value_ns_[one][g] - value_ns_[other][g]);
  return estimate(difference_ns, level_).high < 0;
}

/// The best of those that are confirmed, or else of all.
std::size_t Race::leader() const {
  std::size_t best = 0;
  for (std::size_t c = 1; c < racing_.size(); ++c) {
    if (!racing_[c] || confirmed_[c] < confirmed_[best]) continue;
    if (confirmed_[c] > confirmed_[best] || whole_ns(c) < whole_ns(best)) best = c;
  }
  return best;
}

void Race::judge() {
  for (std::size_t c = 1; c < racing_.size(); ++c) {
    if (racing_[c] && better(c, 0)) confirmed_[c] = true;
  }
  std::size_t const best = leader();
  for (std::size_t c = 1; c < racing_.size(); ++c) {
    if (racing_[c] && better(best, c)) racing_[c] = false;
  }
}

/// Whether nothing is left to tell: no contender but the incumbent, or a confirmed one alone.
bool Race::over() const {
  std::size_t const left = static_cast<std::size_t>(std::count(racing_.begin() + 1, racing_.end(), true));
  return left == 0 || (left == 1 && confirmed_[leader()]);
}

}  // namespace

bool is_screened(Objective const& objective) {
  return objective.measure == Measure::quantile || objective.measure == Measure::tail_mean;
}

RaceResult race(SearchProblem const& problem, SnapshotBatch const& slots, ExactScorer const& scorer,
                Objective const& objective, std::span<Placement const> contenders, Seed seed,
                RaceRules const& rules) {
  RaceDraws const draws(problem, slots, scorer, contenders);
  return Race(draws, objective, rules, seed).run();
}

}  // namespace spacemoe
