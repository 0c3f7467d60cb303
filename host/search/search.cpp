#include "host/search/search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include <tbb/parallel_for.h>

#include "host/search/memory.hpp"

namespace spacemoe {
namespace {

constexpr double ns_per_ms = 1e6;
/// Rounds of annealing, each at one temperature.
constexpr std::uint64_t annealing_rounds = 200;
/// Steps of a round where time is the limit.
constexpr std::uint64_t timed_steps = 20000;
/// Temperatures in mean link latencies, times reach_of_an_expert(): a chain begins where detours of so many
/// links hardly matter, and ends where a hundredth of one does. The coolest chain keeps the shape of a good
/// start, the hottest forgets a bad one (benches/README.md compares).
constexpr std::array hot_links{0.15, 0.3, 0.6, 1.2};
constexpr std::uint32_t chain_count = hot_links.size();
constexpr double cold_links = 0.012;
/// Share of the time or of the moves that goes into annealing.
constexpr double annealing_share = 0.75;
constexpr double annealing_moves_share = 0.9;
/// Temperature of shaking, likewise, and steps of annealing that shake the best placement before it is
/// descended from again: so many, then twice as many, and so on, then from the beginning.
constexpr double shaking_links = 0.6;
constexpr std::uint32_t fewest_shaking_steps = 4;
constexpr std::uint32_t shaking_strengths = 5;
/// Address of the draw that shifts; steps of shaking stay far below.
constexpr std::uint32_t shifting_step = 0xffffffff;
/// How often the best is shaken, and for which share of the moves of all descents, where neither moves nor
/// time are given.
constexpr std::uint32_t usual_shakes = 128;
constexpr std::uint64_t shaken_share = 6;
constexpr std::uint64_t steps_per_place = 30000;
constexpr std::uint64_t fewest_steps = 50000;
constexpr std::uint64_t most_steps = 10000000;
/// Memory for mean paths, with the sums that they are made of.
constexpr std::uint64_t mean_path_bytes = std::uint64_t{1} << 30;
constexpr std::uint32_t gateway_reach = 2;

/// Satellites that may become gateways: all, or as many around the start's gateways as memory allows.
std::vector<SatelliteId> possible_gateways(SearchProblem const& problem, Placement const& start, bool move) {
  std::uint64_t const rows = mean_path_bytes / (12 * std::uint64_t{problem.limits.satellites});
  auto found = within_links(problem.network.wiring(), start.gateway, 0);
  if (!move) return found;
  for (std::uint32_t links = 1;; ++links) {
    auto further = within_links(problem.network.wiring(), start.gateway, links);
    if (further.size() == found.size() || further.size() > rows) return found;
    found = std::move(further);
  }
}

/// Gateways of exact scoring, about: within two links of a gateway of a +Grid are 13 satellites.
std::size_t gateways_scored(SearchProblem const& problem) {
  return std::min<std::size_t>(problem.limits.satellites, 14 * std::size_t{problem.scenario.weights.layers});
}

/// How far a detour to one expert reaches through to its layer: the least where the slowest drawn may be any
/// of many. The square root serves both moves of experts, which gain that share, and those of gateways, which
/// gain all; scaled to 1 at two of eight.
double reach_of_an_expert(MeanModel const& model) {
  double sum = 0;
  for (std::uint32_t l = 0; l < model.layers(); ++l) sum += std::ranges::max(model.rank_share(l));
  return std::sqrt(4 * sum / model.layers());
}

}  // namespace

std::string_view name(SearchStage stage) {
  constexpr std::array<std::string_view, 3> names{"annealing", "descent", "done"};
  return names[static_cast<std::size_t>(stage)];
}

std::string_view name(SearchEnd end) {
  constexpr std::array<std::string_view, 4> names{"local optimum", "moves used up", "time over",
                                                  "interrupted"};
  return names[static_cast<std::size_t>(end)];
}

/// Exact scoring around one placement.
struct Search::Exact {
  Exact(SearchProblem const& problem, SnapshotBatch batch, std::vector<SatelliteId> gateways)
      : slots(std::move(batch)), scorer(problem, slots, std::move(gateways)) {}

  SnapshotBatch slots;
  ExactScorer scorer;
  std::optional<Descent> descent;
  std::optional<Incumbent> incumbent;
};

Search::Search(SearchProblem const& problem, Placement start, SearchOptions const& options)
    : problem_(problem),
      start_(std::move(start)),
      options_(options),
      effort_(exact_effort(problem, gateways_scored(problem))),
      begun_(Clock::now()) {
  model_ = std::make_unique<MeanModel>(problem_, possible_gateways(problem_, start_, options_.move_gateways));
  heat_ns_ = mean_link_ns(problem_.slots) * reach_of_an_expert(*model_);
  for (std::uint32_t c = 0; c < chain_count; ++c) {
    chains_.push_back(std::make_unique<Annealing>(*model_, problem_.network.wiring(), options_.move_gateways,
                                                  problem_.scenario.seed, c, start_, problem_.limits));
    state_.chains.push_back({start_, start_});
  }
  state_.best = start_;
}

Search::~Search() = default;

bool Search::fits(SearchState const& state) const {
  auto const fits_one = [&](Placement const& placement) {
    return placement.layers == start_.layers && placement.experts == start_.experts &&
           placement.gateway.size() == start_.gateway.size() && placement.host.size() == start_.host.size() &&
           problems(placement, problem_.limits).empty();
  };
  bool const chains = state.chains.size() == chains_.size() &&
                      std::ranges::all_of(state.chains, [&](SearchState::Chain const& chain) {
                        return fits_one(chain.current) && fits_one(chain.best);
                      });
  bool const descending = state.stage != SearchStage::descent || fits_one(state.descending);
  return chains && descending && fits_one(state.best);
}

void Search::resume(SearchState state) {
  state_ = std::move(state);
  elapsed_before_s_ = state_.elapsed_s;
  for (std::size_t c = 0; c < chains_.size(); ++c) {
    chains_[c]->resume(state_.chains[c].current, state_.chains[c].best);
  }
  if (state_.stage == SearchStage::descent) begin_descent();
}

double Search::elapsed_s() const {
  return elapsed_before_s_ + std::chrono::duration<double>(Clock::now() - begun_).count();
}

std::uint64_t Search::annealing_steps() const {
  std::uint64_t const places = std::uint64_t{start_.layers} * (start_.experts + 1);
  std::uint64_t const usual = std::clamp(places * steps_per_place, fewest_steps, most_steps);
  if (!options_.moves) return usual;
  return static_cast<std::uint64_t>(static_cast<double>(*options_.moves) * annealing_moves_share) /
         chain_count;
}

double Search::progress() const {
  if (state_.stage == SearchStage::done) return 1;
  if (options_.time_s) return std::min(1.0, elapsed_s() / *options_.time_s);
  if (state_.stage == SearchStage::annealing) {
    return annealing_share * static_cast<double>(state_.rounds) / static_cast<double>(annealing_rounds);
  }
  double const descended = std::min(state_.descended, chain_count);
  return annealing_share +
         (1 - annealing_share) * (descended + state_.descended) / (2 * chain_count + usual_shakes);
}

bool Search::step() {
  if (end_ || state_.stage == SearchStage::done) return false;
  if (options_.time_s && elapsed_s() >= *options_.time_s) {
    end_ = SearchEnd::time;
  } else if (state_.stage == SearchStage::annealing) {
    anneal();
  } else {
    descend();
  }
  state_.elapsed_s = elapsed_s();
  return !end_ && state_.stage != SearchStage::done;
}

void Search::anneal() {
  double const share = options_.time_s
                           ? elapsed_s() / (annealing_share * *options_.time_s)
                           : static_cast<double>(state_.rounds) / static_cast<double>(annealing_rounds);
  if (share >= 1) {
    begin_descents();
    return;
  }
  std::uint64_t const total = annealing_steps();
  auto const step_of = [&](std::uint64_t round) {
    return options_.time_s ? round * timed_steps : total * round / annealing_rounds;
  };
  std::uint64_t const first = step_of(state_.rounds);
  std::uint64_t const count = step_of(state_.rounds + 1) - first;
  tbb::parallel_for(std::size_t{0}, chains_.size(), [&](std::size_t c) {
    chains_[c]->run(first, count, heat_ns_ * hot_links[c] * std::pow(cold_links / hot_links[c], share));
  });
  ++state_.rounds;
  double best_ns = chains_.front()->best_ns();
  for (std::size_t c = 0; c < chains_.size(); ++c) {
    state_.counts += chains_[c]->take_counts();
    state_.chains[c] = {chains_[c]->current(), chains_[c]->best()};
    best_ns = std::min(best_ns, chains_[c]->best_ns());
  }
  note(best_ns);
}

void Search::note(double value_ns) {
  state_.trace.push_back({state_.stage, state_.counts, elapsed_s(), value_ns / ns_per_ms});
}

Placement Search::with_sorted_experts(Placement const& placement) const {
  Layout layout(placement, problem_.limits);
  for (std::uint32_t l = 0; l < layout.layers(); ++l) sort_experts(layout, *model_, l);
  return layout.placement();
}

/// Sorts the chains by what they came to, their experts on their best hosts.
void Search::begin_descents() {
  std::vector<std::size_t> order(chains_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t c) { return chains_[c]->best_ns(); });
  std::vector<SearchState::Chain> sorted;
  for (std::size_t const c : order) {
    Placement const best = with_sorted_experts(chains_[c]->best());
    sorted.push_back({best, best});
  }
  state_.chains = std::move(sorted);
  state_.stage = SearchStage::descent;
  state_.descending = state_.chains.front().best;
  begin_descent();
}

/// Scores the placement from which a descent goes on, and the start, with which its losses are compared.
void Search::begin_descent() {
  std::vector<SatelliteId> gateways = state_.descending.gateway;
  if (options_.move_gateways) gateways = within_links(problem_.network.wiring(), gateways, gateway_reach);
  std::erase_if(gateways, [&](SatelliteId id) { return !model_->knows(id); });
  gateways.insert(gateways.end(), start_.gateway.begin(), start_.gateway.end());
  exact_.reset();  // its memory is counted on once
  exact_ = std::make_unique<Exact>(problem_, problem_.some_slots(effort_.slots), std::move(gateways));
  Neighbourhood around;
  around.gateways = options_.move_gateways;
  around.links = gateway_reach;
  around.most = effort_.neighbours;
  around.ring = problem_.ring;
  Incumbent const start(exact_->scorer, Layout(start_, problem_.limits));
  exact_->descent.emplace(*model_, problem_.network.wiring(), around, options_.objective,
                          lost_share(start.totals()));
  if (state_.best == start_) state_.best_ns = exact_->descent->value_ns(start.totals());
  exact_->incumbent.emplace(exact_->scorer, Layout(state_.descending, problem_.limits));
}

void Search::descend() {
  std::uint64_t const most =
      options_.moves ? *options_.moves : state_.moves() - state_.descent_moves + effort_.moves;
  // After shaking the placement is none to keep: it is raced where the descent ends.
  bool const sampled = is_screened(options_.objective) && state_.descended < chain_count &&
                       exact_->descent->compares_latency(exact_->incumbent->totals());
  Pass const pass =
      exact_->descent->pass(*exact_->incumbent, exact_->scorer, most - std::min(most, state_.moves()),
                            [&] { return options_.time_s && elapsed_s() >= *options_.time_s; });
  MoveCounts counts = exact_->descent->take_counts();
  bool const improved = sampled && pass.improved() ? confirm(pass, counts) : pass.improved();
  state_.counts += counts;
  state_.descent_moves += pass.scored;
  Placement const& descended = exact_->incumbent->layout().placement();
  bool const gateways_moved = descended.gateway != state_.descending.gateway;
  state_.descending = descended;
  // A screened objective counts once a race has confirmed it, which is where the descent ends.
  double const value_ns = exact_->descent->value_ns(exact_->incumbent->totals());
  if (!is_screened(options_.objective)) note(std::min(state_.best_ns, value_ns));
  if (!pass.complete) {
    end_ = options_.time_s ? SearchEnd::time : SearchEnd::moves;
    end_descent(false);
  } else if (!improved) {
    end_descent(true);
  } else if (gateways_moved) {
    begin_descent();  // their surroundings are others now
  }
}

/// Goes back to the stage of a pass that a race confirms to be the best; false where it is the beginning.
bool Search::confirm(Pass const& pass, MoveCounts& counts) {
  std::vector<Placement> contenders{state_.descending};
  for (Pass::Stage const& stage : pass.stages) contenders.push_back(stage.placement);
  std::size_t const winner = race(*exact_, contenders, FreshDraws::pass_race, state_.trace.size()).winner;
  counts.accepted = winner == 0 ? MoveCounts{}.accepted : pass.stages[winner - 1].counts.accepted;
  if (winner != pass.stages.size()) {
    exact_->incumbent.emplace(exact_->scorer, Layout(contenders[winner], problem_.limits));
  }
  return winner > 0;
}

/// Of one use, every race has a number of its own: no two share tokens.
RaceResult Search::race(Exact const& exact, std::span<Placement const> contenders, FreshDraws use,
                        std::size_t number) const {
  return spacemoe::race(problem_, exact.slots, exact.scorer, options_.objective, contenders,
                        fresh_seed(problem_.scenario.seed, use, static_cast<std::uint32_t>(number)));
}

/// Keeps what the descent has come to where it is the best so far, and goes on to the next chain.
void Search::end_descent(bool local_optimum) {
  double const value_ns = exact_->descent->value_ns(exact_->incumbent->totals());
  bool better = value_ns < state_.best_ns;
  if (better && is_screened(options_.objective) && std::isfinite(state_.best_ns)) {
    std::array const contenders{state_.best, state_.descending};
    better = race(*exact_, contenders, FreshDraws::descent_race, state_.descended).winner == 1;
  }
  if (better) {
    state_.best = state_.descending;
    state_.best_ns = value_ns;
    state_.local_optimum = local_optimum;
  }
  if (is_screened(options_.objective)) note(state_.best_ns);
  if (state_.descended < chain_count) state_.chains[state_.descended].best = state_.descending;
  exact_.reset();
  ++state_.descended;
  if (end_) return;
  if (state_.descended < state_.chains.size()) {
    state_.descending = state_.chains[state_.descended].best;
    begin_descent();
  } else if (shakes_again()) {
    state_.descending = shaken();
    begin_descent();
  } else {
    state_.stage = SearchStage::done;
  }
}

/// Whether the best is to be shaken once more, after all chains. The budget of moves ends a descent itself.
bool Search::shakes_again() const {
  if (state_.descent_moves == 0) return false;  // there is nothing to move
  if (options_.moves || options_.time_s) return true;
  return state_.descended < chain_count + usual_shakes && state_.descent_moves < effort_.moves / shaken_share;
}

/// The best, every third time what a chain came to, after some hot steps of annealing, and every other time
/// somewhere else on the shell; its experts are on their best hosts.
Placement Search::shaken() {
  std::uint32_t const shake = state_.descended - chain_count;
  Placement const& before =
      shake % 3 == 2 ? state_.chains[shake / 3 % state_.chains.size()].best : state_.best;
  Layout layout(before, problem_.limits);
  if (problem_.ring && options_.move_gateways && shake % 2 == 1) {
    Words4 const words = draw(problem_.scenario.seed, Purpose::search, shifting_step, 0, state_.descended);
    shift_all(layout, *problem_.ring, words.word[0] % problem_.ring->planes,
              words.word[1] % problem_.ring->satellites_per_plane);
    bool const known =
        std::ranges::all_of(layout.placement().gateway, [&](SatelliteId id) { return model_->knows(id); });
    if (!known) layout.take_back();
  }
  Annealing shaking(*model_, problem_.network.wiring(), options_.move_gateways, problem_.scenario.seed,
                    state_.descended, layout.placement(), problem_.limits);
  std::uint64_t const steps = std::uint64_t{fewest_shaking_steps} << shake % shaking_strengths;
  std::uint64_t const left =
      options_.moves ? *options_.moves - std::min(*options_.moves, state_.moves()) : steps;
  shaking.run(0, std::min(steps, left), heat_ns_ * shaking_links);
  state_.counts += shaking.take_counts();
  return with_sorted_experts(shaking.current());
}

SearchResult Search::result() {
  if (state_.stage == SearchStage::annealing) begin_descents();
  if (exact_) end_descent(false);
  std::vector<SatelliteId> gateways = start_.gateway;
  gateways.insert(gateways.end(), state_.best.gateway.begin(), state_.best.gateway.end());
  Exact all(problem_, problem_.some_slots(effort_.final_slots), gateways);
  Incumbent const start(all.scorer, Layout(start_, problem_.limits));
  Incumbent best(all.scorer, Layout(state_.best, problem_.limits));
  Descent const judge(*model_, problem_.network.wiring(), {}, options_.objective, lost_share(start.totals()));
  SearchResult result;
  bool better = judge.value_ns(best.totals()) < judge.value_ns(start.totals());
  if (better && is_screened(options_.objective) && judge.compares_latency(start.totals())) {
    Exact const some(problem_, problem_.some_slots(effort_.slots), std::move(gateways));
    std::array const contenders{start_, state_.best};
    RaceResult const last = race(some, contenders, FreshDraws::result_race, 0);
    better = last.winner == 1;
    result.sampled = {last.tokens, last.value_ns[0] / ns_per_ms, last.value_ns[last.winner] / ns_per_ms};
  }
  Incumbent const& kept = better ? best : start;
  result.placement = kept.layout().placement();
  result.start_ms = value_ns(options_.objective, start.totals()) / ns_per_ms;
  result.value_ms = value_ns(options_.objective, kept.totals()) / ns_per_ms;
  result.start_mean_ms = value_ns({}, start.totals()) / ns_per_ms;
  result.mean_ms = value_ns({}, kept.totals()) / ns_per_ms;
  result.start_lost = lost_share(start.totals());
  result.lost = lost_share(kept.totals());
  result.end = end_.value_or(SearchEnd::local_optimum);
  result.slots = effort_.slots;
  result.final_slots = effort_.final_slots;
  result.planned_slots = problem_.slots.snapshots;
  result.neighbours = effort_.neighbours;
  result.state = state_;
  return result;
}

double search_bytes(Scenario const& scenario) {
  double const nodes = satellites(scenario);
  double const gateways = std::min(nodes, static_cast<double>(mean_path_bytes) / (12 * nodes));
  double const slots = static_cast<double>(scenario.time.slots) * scenario.search.outages;
  return 12 * gateways * nodes + exact_table_bytes + 2 * 16 * nodes * slots;
}

double mean_link_ns(SnapshotBatch const& slots) {
  double sum = 0;
  double count = 0;
  for (Nanoseconds const latency : slots.latency_ns) {
    if (latency == unreachable) continue;
    sum += latency;
    ++count;
  }
  return count > 0 ? sum / count : 1;
}

}  // namespace spacemoe
