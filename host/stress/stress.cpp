#include "host/stress/stress.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <tbb/parallel_for.h>

#include "host/evaluation/cell_grid.hpp"
#include "host/evaluation/damage_targets.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/load.hpp"
#include "host/evaluation/planning.hpp"
#include "host/model/routing_tables.hpp"

namespace spacemoe {
namespace {

constexpr double ns_per_ms = 1e6;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// A strategy with or without redundancy.
struct Subject {
  std::string name;
  std::vector<Placement> placements;   ///< draws take them in turn
  std::vector<DamageTargets> targets;  ///< [placement], where something is attacked
};

/// Figures of every draw of a point.
struct Draws {
  FateTally sum;
  std::array<std::vector<double>, loss_policies> mean_ms;
  std::array<std::vector<double>, loss_policies> undeliverable;
  std::vector<std::uint64_t> unreachable_slots;  ///< [layer][expert], over all draws
};

double mean_ms(Moments const& moments) {
  return static_cast<double>(moments.sum_ns) / static_cast<double>(moments.delivered) / ns_per_ms;
}

double share(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? unknown : static_cast<double>(part) / static_cast<double>(all);
}

class Stresser {
 public:
  Stresser(Scenario const& scenario, Backend& backend, StressOptions const& options)
      : scenario_(scenario),
        backend_(backend),
        options_(options),
        routing_(scenario.law, scenario.weights, scenario.model.top_k),
        compute_(scenario.model, scenario.compute),
        chance_(inclusion(scenario)) {
    tokens_ = std::max<std::uint64_t>(1, scenario.tokens / options.draws);
  }

  Stress run() {
    plan();
    points_.resize(options_.families.size() * options_.levels.size() * subjects_.size());
    for (auto& point : points_) {
      point.sum.layer_lost.resize(scenario_.weights.layers);
      point.unreachable_slots.resize(chance_.size());
    }
    for (std::uint32_t d = 0; d < options_.draws; ++d) run_draw(d);
    return result();
  }

 private:
  using SlotTable = std::vector<SlotCosts>;  // [slot]

  void plan() {
    NetworkPaths paths(scenario_, 0);
    PlacementPlanner planner(scenario_, paths.planning(), compute_, backend_);
    std::vector<Subject> redundant;
    for (Strategy const strategy : scenario_.strategies) {
      std::string const label(name(strategy));
      auto bare =
          strategy == Strategy::refined ? std::vector{options_.refine()} : planner.placements(strategy);
      if (!is_none(scenario_.redundancy) && strategy != Strategy::file) {
        auto& more = redundant.emplace_back(Subject{label + " + redundancy", {}, {}});
        for (Placement const& p : bare) {
          more.placements.push_back(planner.with_redundancy(scenario_.redundancy, p));
        }
      }
      subjects_.push_back({label, std::move(bare), {}});
    }
    for (Subject& subject : redundant) subjects_.push_back(std::move(subject));
    if (std::ranges::none_of(options_.families, is_attack)) return;
    for (Subject& subject : subjects_) {
      for (Placement const& p : subject.placements) {
        subject.targets.push_back(damage_targets(scenario_, paths.network(), compute_, p, backend_));
      }
    }
  }

  void run_draw(std::uint32_t number) {
    Scenario drawn = scenario_;
    drawn.seed = fresh_seed(scenario_.seed, FreshDraws::stress, number);
    Network const network = make_network(drawn);
    std::vector<Placement const*> placements;
    for (Subject const& subject : subjects_) {
      placements.push_back(&subject.placements[number % subject.placements.size()]);
    }
    std::vector<SatelliteId> gateways;
    for (Placement const* p : placements) add_gateways(*p, gateways);
    PathSources const sources(std::move(gateways));
    std::vector<PlacementCosts> costs;
    for (Placement const* p : placements) costs.emplace_back(drawn, compute_, *p, sources);

    auto const whole = tables(drawn, network, {}, {}, sources, costs);
    for (std::size_t f = 0; f < options_.families.size(); ++f) {
      for (std::size_t level = 0; level < options_.levels.size(); ++level) {
        Damage damage = scenario_.damage;
        damage[options_.families[f]] = options_.levels[level];
        damage.draw = number;
        run_level(drawn, network, damage, f, level, sources, costs, whole);
        ++done_;
        if (options_.progress) {
          options_.progress(done_, options_.draws * options_.families.size() * options_.levels.size());
        }
      }
    }
  }

  void run_level(Scenario const& drawn, Network const& network, Damage const& damage, std::size_t family,
                 std::size_t level, PathSources const& sources, std::vector<PlacementCosts> const& costs,
                 std::vector<SlotTable> const& whole) {
    bool const attack = has_attack(damage);
    std::vector<SlotTable> all;
    if (!attack) all = tables(drawn, network, damage, {}, sources, costs);
    for (std::size_t s = 0; s < subjects_.size(); ++s) {
      if (attack) {
        Subject const& subject = subjects_[s];
        auto one = tables(drawn, network, damage, subject.targets[damage.draw % subject.targets.size()],
                          sources, std::span(costs).subspan(s, 1));
        all.resize(subjects_.size());
        all[s] = std::move(one.front());
      }
      FateTables const fates(costs[s], std::move(all[s]), whole[s]);
      FateTally const tally = sample_fates(routing_.view(), view(fates), drawn.seed, counts());
      add(points_[(family * options_.levels.size() + level) * subjects_.size() + s], tally,
          fates.unreachable_slots());
    }
  }

  /// Costs of placements in all slots: [placement][slot].
  std::vector<SlotTable> tables(Scenario const& drawn, Network const& network, Damage const& damage,
                                DamageTargets const& targets, PathSources const& sources,
                                std::span<PlacementCosts const> costs) {
    // Damage is drawn from the scenario's own seed, so that an evaluation finds the same by its number.
    DamagedNetwork const damaged(network, damage, scenario_.seed, targets);
    std::uint32_t const slots = drawn.time.slots;
    std::vector<SlotTable> all(costs.size(), SlotTable(slots));
    std::uint32_t const step = slots_per_batch(drawn, {});
    for (std::uint32_t first = 0; first < slots; first += step) {
      std::uint32_t const count = std::min(step, slots - first);
      DamagedSlots const taken =
          damaged_snapshots(drawn, network, damaged, first, count, Purpose::evaluation_outage);
      auto const paths = backend_.path_latencies(taken.batch, sources.ids());
      for (std::size_t p = 0; p < costs.size(); ++p) {
        auto const queries = costs[p].queries();
        auto const found = paths->gather(queries);
        tbb::parallel_for(std::uint32_t{0}, count, [&](std::uint32_t i) {
          all[p][first + i] =
              costs[p].in_slot(std::span(found).subspan(i * queries.size(), queries.size()), &taken.state[i]);
        });
      }
    }
    return all;
  }

  FateView view(FateTables const& fates) const {
    double const slot_ns = span_s(scenario_) / scenario_.time.slots * 1e9;
    return fates.view(static_cast<std::uint64_t>(slot_ns),
                      static_cast<std::uint64_t>(options_.penalty_ms * ns_per_ms));
  }

  std::vector<std::uint32_t> counts() const {
    CellGrid const grid(tokens_, 1, scenario_.time.slots);
    std::vector<std::uint32_t> count;
    for (std::uint32_t slot = 0; slot < scenario_.time.slots; ++slot) {
      count.push_back(static_cast<std::uint32_t>(grid.tokens(0, slot)));
    }
    return count;
  }

  static void add(Draws& draws, FateTally const& tally, std::vector<std::uint32_t> const& slots) {
    draws.sum += tally;
    for (std::size_t p = 0; p < loss_policies; ++p) {
      Moments const& moments = tally.policy[p].moments;
      if (moments.delivered > 0) draws.mean_ms[p].push_back(mean_ms(moments));
      draws.undeliverable[p].push_back(share(moments.tokens - moments.delivered, moments.tokens));
    }
    for (std::size_t e = 0; e < slots.size(); ++e) draws.unreachable_slots[e] += slots[e];
  }

  StressPoint summarized(Draws&& draws, Subject const& subject) const {
    constexpr double confidence = 0.95;
    StressPoint point;
    point.tally = std::move(draws.sum);
    for (std::size_t p = 0; p < loss_policies; ++p) {
      auto const& means = draws.mean_ms[p];
      point.delivering[p] = static_cast<std::uint32_t>(means.size());
      point.mean_ms[p] = means.size() < 2 ? Estimate{unknown, unknown, unknown} : estimate(means, confidence);
      point.undeliverable[p] = estimate(draws.undeliverable[p], confidence);
    }
    auto const& patient = point.tally.policy[static_cast<std::size_t>(LossPolicy::wait)].moments;
    point.waited_ms = patient.delivered == 0 ? unknown
                                             : static_cast<double>(point.tally.waited_ns) /
                                                   static_cast<double>(patient.delivered) / ns_per_ms;
    point.waiting = share(point.tally.waiting, patient.delivered);
    point.detours = share(point.tally.detours, point.tally.policy[0].moments.delivered);
    for (std::uint64_t const lost : point.tally.layer_lost) {
      point.layer_lost.push_back(share(lost, point.tally.policy[0].moments.tokens));
    }
    point.weakest_layer =
        static_cast<std::uint32_t>(std::ranges::max_element(point.layer_lost) - point.layer_lost.begin());
    set_weakest_host(point, draws.unreachable_slots, subject);
    return point;
  }

  /// Of a random strategy, the hosts of its first placement stand for all.
  void set_weakest_host(StressPoint& point, std::vector<std::uint64_t> const& slots,
                        Subject const& subject) const {
    std::vector<double> missed(satellites(scenario_), 0);
    double const all = static_cast<double>(options_.draws) * scenario_.time.slots;
    for (std::size_t e = 0; e < slots.size(); ++e) {
      missed[index(subject.placements.front().host[e])] += chance_[e] * static_cast<double>(slots[e]) / all;
    }
    auto const worst = std::ranges::max_element(missed);
    point.weakest_host = satellite(static_cast<std::size_t>(worst - missed.begin()));
    point.weakest_host_lost = *worst;
  }

  Stress result() {
    Stress stress{options_.families, options_.levels, {}, options_.draws, tokens_, options_.penalty_ms, {}};
    for (Subject const& subject : subjects_) stress.placements.push_back(subject.name);
    for (std::size_t i = 0; i < points_.size(); ++i) {
      stress.point.push_back(summarized(std::move(points_[i]), subjects_[i % subjects_.size()]));
    }
    return stress;
  }

  Scenario const& scenario_;
  Backend& backend_;
  StressOptions const& options_;
  RoutingTables routing_;
  ComputeTimes compute_;
  std::vector<double> chance_;  ///< [layer][expert]: of being drawn
  std::uint64_t tokens_;        ///< per draw and placement
  std::vector<Subject> subjects_;
  std::vector<Draws> points_;  ///< [family][level][subject]
  std::uint64_t done_ = 0;
};

}  // namespace

Stress stress(Scenario const& scenario, Backend& backend, StressOptions const& options) {
  return Stresser(scenario, backend, options).run();
}

}  // namespace spacemoe
