#include "host/evaluation/evaluate.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <tbb/parallel_for.h>

#include "host/evaluation/cell_grid.hpp"
#include "host/evaluation/costs.hpp"
#include "host/evaluation/damage_targets.hpp"
#include "host/evaluation/exact.hpp"
#include "host/evaluation/layer_sampling.hpp"
#include "host/evaluation/planning.hpp"
#include "host/evaluation/quantile_search.hpp"
#include "host/evaluation/summary.hpp"
#include "host/model/routing_tables.hpp"

namespace spacemoe {
namespace {

/// Adds the time until its end to a total.
class Stopwatch {
 public:
  explicit Stopwatch(double& total_s) : total_s_(total_s), start_(Clock::now()) {}
  ~Stopwatch() { total_s_ += std::chrono::duration<double>(Clock::now() - start_).count(); }
  Stopwatch(Stopwatch const&) = delete;
  Stopwatch& operator=(Stopwatch const&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double& total_s_;
  Clock::time_point start_;
};

/// One strategy on its way through the slots.
struct Course {
  Strategy strategy;
  std::vector<Placement> placements;
  CellGrid grid;
  SamplerChoice sampler;
  std::vector<PlacementCosts> costs;  ///< [placement]
  LatencyTally tally;                 ///< cells [placement][slot]
  std::optional<QuantileSearch> quantiles;
  ExactMixture exact;
};

/// Placements that meet the same damage, and the network they meet it in.
struct Scene {
  std::optional<DamagedNetwork> damaged;  ///< where anything is broken
  PathSources sources{{}};
  std::vector<std::vector<std::uint32_t>> placements;  ///< [course]: numbers of its placements
};

/// Path latencies of a scene in a batch of slots.
struct SceneSlots {
  std::shared_ptr<PathTable const> paths;
  std::vector<SlotDamage> state;  ///< [slot], where anything is broken
};

/// Costs of some placements of a strategy in a batch of slots, [slot][placement], and their views.
struct BatchCosts {
  std::vector<SlotCosts> costs;
  std::vector<TokenCell> cells;
  std::vector<std::uint32_t> placement;  ///< [cell]
};

/// Tokens of one call of the backend: enough to keep it busy, few enough that progress shows and an interrupt
/// is heard.
constexpr std::uint64_t tokens_per_round = std::uint64_t{1} << 23;

/// Cells whose exact distributions are held at a time.
constexpr std::size_t exact_cells_at_once = 64;

/// Parts of cells that are sampled in one call.
struct Round {
  std::vector<TokenCell> cells;
  std::vector<std::size_t> origin;  ///< the cell that each is part of
  std::uint64_t tokens = 0;
};

std::vector<Round> rounds(std::span<TokenCell const> cells) {
  std::vector<Round> all(1);
  for (std::size_t c = 0; c < cells.size(); ++c) {
    for (TokenCell left = cells[c]; left.count > 0;) {
      if (all.back().tokens == tokens_per_round) all.emplace_back();
      Round& round = all.back();
      TokenCell part = left;
      part.count =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(left.count, tokens_per_round - round.tokens));
      left.first += part.count;
      left.count -= part.count;
      round.tokens += part.count;
      round.cells.push_back(part);
      round.origin.push_back(c);
    }
  }
  return all;
}

class Evaluator {
 public:
  Evaluator(Scenario const& scenario, Backend& backend, EvaluateOptions const& options)
      : scenario_(scenario),
        backend_(backend),
        options_(options),
        paths_(options.paths ? options.paths : std::make_shared<NetworkPaths>(scenario, 0)),
        routing_(scenario.law, scenario.weights, scenario.model.top_k),
        compute_(scenario.model, scenario.compute) {}

  Evaluation run() {
    {
      Stopwatch const watch(timing_.total_s);
      std::vector<Course> courses = plan_courses();
      if (options_.exact || std::ranges::any_of(courses, draws_layers)) {
        laws_ = layer_laws(scenario_.law, routing_.sampled_weights(), scenario_.model.top_k);
      }
      sample(courses);
      if (options_.exact_quantiles) search_quantiles(courses);
      collect(courses);
    }
    evaluation_.timing = timing_;
    return std::move(evaluation_);
  }

 private:
  static bool draws_layers(Course const& course) {
    return course.sampler.sampler == Sampler::order_statistic;
  }

  std::vector<Course> plan_courses() {
    Stopwatch const watch(timing_.planning_s);
    std::vector<Course> courses;
    PlacementPlanner planner(scenario_, paths_->planning(), compute_, backend_);
    for (Strategy const strategy : scenario_.strategies) {
      auto placements =
          strategy == Strategy::refined ? std::vector{options_.refine()} : planner.placements(strategy);
      for (Placement& p : placements) p = planner.with_redundancy(std::move(p));
      CellGrid const grid(scenario_.tokens, static_cast<std::uint32_t>(placements.size()),
                          scenario_.time.slots);
      courses.push_back({strategy,
                         std::move(placements),
                         grid,
                         SamplerChoice(),
                         {},
                         empty_tally(grid.cells(), scenario_.weights.layers),
                         {},
                         {}});
      report();
    }
    scenes_ = scenes(courses);
    for (Scene const& scene : scenes_) {
      for (std::size_t c = 0; c < courses.size(); ++c) {
        for (std::uint32_t const p : scene.placements[c]) {
          courses[c].costs.emplace_back(scenario_, compute_, courses[c].placements[p], scene.sources);
        }
      }
    }
    for (auto& course : courses) course.sampler = choose_sampler(scenario_.sampler, sampling_work(course));
    return courses;
  }

  /// One scene for all, unless what is attacked depends on the placement.
  std::vector<Scene> scenes(std::vector<Course> const& courses) const {
    std::vector<Scene> scenes;
    auto const add = [&](DamageTargets const& targets, std::vector<std::vector<std::uint32_t>> placements) {
      Scene& scene = scenes.emplace_back();
      if (!is_whole(scenario_.damage)) {
        scene.damaged.emplace(paths_->network(), scenario_.damage, scenario_.seed, targets);
      }
      std::vector<SatelliteId> gateways;
      for (std::size_t c = 0; c < courses.size(); ++c) {
        for (std::uint32_t const p : placements[c]) add_gateways(courses[c].placements[p], gateways);
      }
      scene.sources = PathSources(std::move(gateways));
      scene.placements = std::move(placements);
    };
    std::vector<std::vector<std::uint32_t>> all(courses.size());
    for (std::size_t c = 0; c < courses.size(); ++c) {
      for (std::uint32_t p = 0; p < courses[c].placements.size(); ++p) {
        all[c].push_back(p);
        if (!has_attack(scenario_.damage)) continue;
        std::vector<std::vector<std::uint32_t>> one(courses.size());
        one[c] = {p};
        add(damage_targets(scenario_, paths_->network(), compute_, courses[c].placements[p], backend_), one);
      }
    }
    if (!has_attack(scenario_.damage)) add({}, std::move(all));
    return scenes;
  }

  SamplingWork sampling_work(Course const& course) const {
    double shared_layers = 0;
    for (auto const& costs : course.costs) shared_layers += costs.shared_layers();
    return {scenario_.law,
            scenario_.weights.layers,
            shared_layers / static_cast<double>(course.costs.size()),
            scenario_.weights.experts,
            scenario_.model.top_k,
            static_cast<double>(scenario_.tokens) / static_cast<double>(course.grid.cells())};
  }

  void sample(std::vector<Course>& courses) {
    for_batches(courses, [&](Course& course, BatchCosts const& batch) {
      for_rounds(batch, [&](Round const& round) { add_round(course, batch, round); });
      if (options_.exact) add_exact(course, batch);
    });
  }

  /// Draws the same tokens again, as their addresses say, and keeps those around the quantiles.
  void search_quantiles(std::vector<Course>& courses) {
    for (auto& course : courses) course.quantiles.emplace(course.tally.histogram);
    for_batches(courses, [&](Course& course, BatchCosts const& batch) {
      for_rounds(batch, [&](Round const& round) { search_round(course, round); });
    });
  }

  /// Calls work(course, costs of its cells in some slots) for all slots.
  template <class Work>
  void for_batches(std::vector<Course>& courses, Work work) {
    std::uint32_t const slots = scenario_.time.slots;
    std::uint32_t const step = slots_per_batch(scenario_, options_);
    for (std::uint32_t first = 0; first < slots; first += step) {
      std::uint32_t const count = std::min(step, slots - first);
      for (Scene const& scene : scenes_) {
        SceneSlots const slots_of_scene = scene_slots(scene, first, count);
        for (std::size_t c = 0; c < courses.size(); ++c) {
          if (scene.placements[c].empty()) continue;
          BatchCosts const batch = batch_costs(courses[c], scene.placements[c], slots_of_scene, first, count);
          work(courses[c], batch);
        }
      }
    }
  }

  SceneSlots scene_slots(Scene const& scene, std::uint32_t first, std::uint32_t count) {
    if (scene.damaged) {
      DamagedSlots slots;
      {
        Stopwatch const watch(timing_.snapshots_s);
        slots = damaged_snapshots(scenario_, paths_->network(), *scene.damaged, first, count,
                                  Purpose::evaluation_outage);
      }
      Stopwatch const watch(timing_.paths_s);
      return {backend_.path_latencies(slots.batch, scene.sources.ids()), std::move(slots.state)};
    }
    auto const sources = scene.sources.ids();
    if (auto kept = paths_->find(first, count, sources)) return {kept, {}};
    SnapshotBatch batch;
    {
      Stopwatch const watch(timing_.snapshots_s);
      batch = snapshots(scenario_, paths_->network(), first, count, Purpose::evaluation_outage);
    }
    Stopwatch const watch(timing_.paths_s);
    std::shared_ptr<PathTable const> table = backend_.path_latencies(batch, sources);
    paths_->keep(first, count, sources, table);
    return {table, {}};
  }

  BatchCosts batch_costs(Course const& course, std::vector<std::uint32_t> const& placements,
                         SceneSlots const& slots, std::uint32_t first, std::uint32_t count) {
    Stopwatch const watch(timing_.costs_s);
    BatchCosts batch{std::vector<SlotCosts>(count * placements.size()), {}, {}};
    std::vector<PathQuery> queries;
    std::vector<std::size_t> first_query;  // [placement]
    for (std::uint32_t const p : placements) {
      first_query.push_back(queries.size());
      auto const more = course.costs[p].queries();
      queries.insert(queries.end(), more.begin(), more.end());
    }
    std::vector<Nanoseconds> const found = slots.paths->gather(queries);
    tbb::parallel_for(std::size_t{0}, batch.costs.size(), [&](std::size_t i) {
      std::size_t const slot = i / placements.size();
      std::size_t const p = i % placements.size();
      PlacementCosts const& costs = course.costs[placements[p]];
      auto const paths =
          std::span(found).subspan(slot * queries.size() + first_query[p], costs.queries().size());
      batch.costs[i] = costs.in_slot(paths, slots.state.empty() ? nullptr : &slots.state[slot]);
    });
    for (std::size_t i = 0; i < batch.costs.size(); ++i) {
      auto const slot = static_cast<std::uint32_t>(first + i / placements.size());
      std::uint32_t const placement = placements[i % placements.size()];
      batch.cells.push_back({slot, static_cast<std::uint32_t>(course.grid.first_token(placement, slot)),
                             static_cast<std::uint32_t>(course.grid.tokens(placement, slot)),
                             course.costs[placement].view(batch.costs[i])});
      batch.placement.push_back(placement);
    }
    return batch;
  }

  template <class Work>
  void for_rounds(BatchCosts const& batch, Work work) {
    for (Round const& round : rounds(batch.cells)) {
      {
        Stopwatch const watch(timing_.sampling_s);
        work(round);
      }
      tokens_done_ += round.tokens;
      report();
    }
  }

  void add_round(Course& course, BatchCosts const& batch, Round const& round) {
    LatencyTally const part = draws_layers(course)
                                  ? sample_by_layers(backend_, laws_, scenario_.seed, round.cells)
                                  : backend_.sample_tokens(routing_.view(), scenario_.seed, round.cells);
    for (std::size_t i = 0; i < round.cells.size(); ++i) {
      std::uint32_t const placement = batch.placement[round.origin[i]];
      course.tally.cell[course.grid.cell(placement, round.cells[i].slot)] += part.cell[i];
    }
    add_counts(course.tally, part);
  }

  void search_round(Course& course, Round const& round) {
    std::vector<std::uint32_t> const bins = course.quantiles->bins();
    course.quantiles->offer(draws_layers(course)
                                ? find_by_layers(backend_, laws_, scenario_.seed, round.cells, bins)
                                : backend_.find_tokens(routing_.view(), scenario_.seed, round.cells, bins));
  }

  void add_exact(Course& course, BatchCosts const& batch) {
    std::span<TokenCell const> const all = batch.cells;
    for (std::size_t first = 0; first < all.size(); first += exact_cells_at_once) {
      {
        Stopwatch const watch(timing_.exact_s);
        auto const some = all.subspan(first, std::min(exact_cells_at_once, all.size() - first));
        std::vector<ExactCell> cells(some.size());
        tbb::parallel_for(std::size_t{0}, some.size(), [&](std::size_t i) {
          double const share = some[i].count / static_cast<double>(scenario_.tokens);
          cells[i] = exact_cell(laws_, some[i].cost, share);
        });
        course.exact.add(cells);
      }
      report();
    }
  }

  void report() const {
    std::uint64_t const passes = options_.exact_quantiles ? 2 : 1;
    std::uint64_t const tokens = scenario_.tokens * scenario_.strategies.size() * passes;
    if (options_.progress) options_.progress(tokens_done_, tokens);
  }

  void collect(std::vector<Course>& courses) {
    evaluation_.slots = scenario_.time.slots;
    evaluation_.layers = scenario_.weights.layers;
    evaluation_.experts = scenario_.weights.experts;
    evaluation_.backend = backend_.name();
    for (auto& course : courses) {
      StrategyResult result;
      result.strategy = course.strategy;
      result.placements = std::move(course.placements);
      result.sampler = std::move(course.sampler);
      result.tally = std::move(course.tally);
      summarize(result, scenario_.time.slots);
      if (course.quantiles && result.delivered > 0) set_quantiles(result, course.quantiles->quantiles_ns());
      if (options_.exact) result.exact = course.exact.result();
      evaluation_.strategies.push_back(std::move(result));
    }
    compare_to_best(evaluation_.strategies);
  }

  Scenario const& scenario_;
  Backend& backend_;
  EvaluateOptions const& options_;
  std::shared_ptr<NetworkPaths> paths_;
  RoutingTables routing_;
  std::vector<LayerLaw> laws_;  ///< [layer], of the weights that are sampled; where needed
  ComputeTimes compute_;
  std::vector<Scene> scenes_;
  std::uint64_t tokens_done_ = 0;
  Timing timing_;
  Evaluation evaluation_;
};

}  // namespace

Evaluation evaluate(Scenario const& scenario, Backend& backend, EvaluateOptions const& options) {
  return Evaluator(scenario, backend, options).run();
}

}  // namespace spacemoe
