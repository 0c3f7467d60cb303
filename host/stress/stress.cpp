#include "host/stress/stress.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include <tbb/parallel_for.h>

#include "host/evaluation/cell_grid.hpp"
#include "host/evaluation/damage_targets.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/load.hpp"
#include "host/evaluation/planning.hpp"
#include "host/model/routing_tables.hpp"
#include "host/stress/point_sum.hpp"
#include "host/stress/repair.hpp"

namespace spacemoe {
namespace {

/// A strategy with or without redundancy.
struct Subject {
  std::string name;
  std::vector<Placement> placements;   ///< draws take them in turn
  std::vector<DamageTargets> targets;  ///< [placement], where something is attacked
};

using SlotTable = std::vector<SlotCosts>;  // [slot]

/// A draw: its outages and tokens, one placement of every subject, and what these cost without damage but for
/// slower links, as a path over slower links is no detour.
struct Trial {
  Scenario scenario;
  Network network;
  std::uint32_t number;
  std::vector<Placement const*> placements;  ///< [subject]
  double link_rate;                          ///< level of the damage to it in `whole`
  std::vector<SlotTable> whole;              ///< [subject]
};

/// Placements with their costs in every slot of a damaged network.
struct Costed {
  std::vector<PlacementCosts> placement;
  std::vector<SlotTable> slots;  ///< [placement]

  FateTables fates(std::size_t p, SlotTable const& whole) {
    return FateTables(placement[p], std::move(slots[p]), whole);
  }
};

class Stresser {
 public:
  Stresser(Scenario const& scenario, Backend& backend, StressOptions const& options)
      : scenario_(scenario),
        backend_(backend),
        options_(options),
        routing_(scenario.law, scenario.weights, scenario.model.top_k),
        compute_(scenario.model, scenario.compute),
        laws_(layer_laws(scenario.law, routing_.sampled_weights(), scenario.model.top_k)),
        chance_(inclusion(scenario)),
        tokens_(std::max<std::uint64_t>(1, scenario.tokens / options.draws)),
        counts_(scenario.time.slots) {
    CellGrid const grid(tokens_, 1, scenario.time.slots);
    for (std::uint32_t slot = 0; slot < counts_.size(); ++slot) {
      counts_[slot] = static_cast<std::uint32_t>(grid.tokens(0, slot));
    }
  }

  Stress run() {
    plan();
    points_.assign(options_.families.size() * options_.levels.size() * entries(),
                   PointSum(scenario_.weights.layers, satellites(scenario_)));
    for (std::uint32_t d = 0; d < options_.draws; ++d) run_draw(d);
    return result();
  }

 private:
  /// Subjects, and again as repaired.
  std::size_t entries() const { return subjects_.size() * (options_.repair_bytes ? 2 : 1); }

  void plan() {
    NetworkPaths paths(scenario_, 0);
    PlacementPlanner planner(scenario_, paths.planning(), compute_, backend_);
    std::vector<Subject> redundant;
    for (Strategy const strategy : scenario_.strategies) {
      std::string const label(name(strategy));
      auto bare =
          strategy == Strategy::refined ? std::vector{options_.refine()} : planner.placements(strategy);
      auto more = bare;
      for (Placement& p : more) p = planner.with_redundancy(std::move(p));
      if (more != bare) redundant.push_back({label + " + redundancy", std::move(more), {}});
      subjects_.push_back({label, std::move(bare), {}});
    }
    for (Subject& subject : redundant) subjects_.push_back(std::move(subject));
    if (!has_attack(scenario_.damage) && std::ranges::none_of(options_.families, is_attack)) return;
    for (Subject& subject : subjects_) {
      for (Placement const& p : subject.placements) {
        subject.targets.push_back(damage_targets(scenario_, paths.network(), compute_, p, backend_));
      }
    }
  }

  void run_draw(std::uint32_t number) {
    Scenario drawn = scenario_;
    drawn.seed = fresh_seed(scenario_.seed, FreshDraws::stress, number);
    Network network = make_network(drawn);
    Trial trial{std::move(drawn), std::move(network), number, {}, 0, {}};
    for (Subject const& subject : subjects_) {
      trial.placements.push_back(&subject.placements[number % subject.placements.size()]);
    }
    trial.whole = whole_costs(trial, 0);
    for (std::size_t f = 0; f < options_.families.size(); ++f) {
      for (std::size_t level = 0; level < options_.levels.size(); ++level) {
        Damage damage = scenario_.damage;
        damage[options_.families[f]] = options_.levels[level];
        damage.draw = number;
        if (damage[DamageFamily::link_rate] != trial.link_rate) {
          trial.whole = whole_costs(trial, damage[DamageFamily::link_rate]);
          trial.link_rate = damage[DamageFamily::link_rate];
        }
        run_level(trial, damage, &points_[(f * options_.levels.size() + level) * entries()]);
        ++done_;
        if (options_.progress) {
          options_.progress(done_, options_.draws * options_.families.size() * options_.levels.size());
        }
      }
    }
  }

  std::vector<SlotTable> whole_costs(Trial const& trial, double link_rate) {
    Damage slower;
    slower[DamageFamily::link_rate] = link_rate;
    return costed(trial, DamagedNetwork(trial.network, slower, scenario_.seed), trial.placements).slots;
  }

  /// Attacked, every subject has a network of its own. Damage is drawn from the scenario's own seed, so that
  /// an evaluation finds the same by its number.
  void run_level(Trial const& trial, Damage const& damage, PointSum* points) {
    std::vector<std::size_t> all(subjects_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    if (!has_attack(damage)) {
      run_subjects(trial, DamagedNetwork(trial.network, damage, scenario_.seed), all, points);
      return;
    }
    for (std::size_t s = 0; s < subjects_.size(); ++s) {
      Subject const& subject = subjects_[s];
      DamageTargets const& targets = subject.targets[trial.number % subject.targets.size()];
      run_subjects(trial, DamagedNetwork(trial.network, damage, scenario_.seed, targets),
                   std::span(all).subspan(s, 1), points);
    }
  }

  void run_subjects(Trial const& trial, DamagedNetwork const& damaged, std::span<std::size_t const> subjects,
                    PointSum* points) {
    std::vector<Placement const*> placements;
    for (std::size_t const s : subjects) placements.push_back(trial.placements[s]);
    Costed broken = costed(trial, damaged, placements);
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      FateTables const fates = broken.fates(i, trial.whole[subjects[i]]);
      add(trial, fates, *placements[i], points[subjects[i]]);
    }
    if (options_.repair_bytes) run_repairs(trial, damaged, subjects, points + subjects_.size());
  }

  void run_repairs(Trial const& trial, DamagedNetwork const& damaged, std::span<std::size_t const> subjects,
                   PointSum* points) {
    Remains const remains(trial.scenario, trial.network, damaged);
    RepairContext const context{trial.scenario, compute_, laws_, chance_, backend_};
    std::vector<Repair> repairs;
    std::vector<Placement> underway;  // with new gateways, but the old hosts
    for (std::size_t const s : subjects) {
      repairs.push_back(repaired(context, remains, *trial.placements[s], *options_.repair_bytes));
      underway.push_back(repairs.back().placement);
      underway.back().host = trial.placements[s]->host;
    }
    std::vector<Placement const*> both;
    for (Repair const& repair : repairs) both.push_back(&repair.placement);
    for (Placement const& placement : underway) both.push_back(&placement);
    Costed costs = costed(trial, damaged, both);
    for (std::size_t i = 0; i < repairs.size(); ++i) {
      PointSum& point = points[subjects[i]];
      point.add(repairs[i], moving(trial, repairs[i], costs, i, repairs.size() + i));
      FateTables const fates = costs.fates(i, trial.whole[subjects[i]]);
      add(trial, fates, repairs[i].placement, point);
    }
  }

  /// Tokens that come while the weights of a repair are on their way; `after` and `before` number its costs.
  Moments moving(Trial const& trial, Repair const& repair, Costed const& costs, std::size_t after,
                 std::size_t before) const {
    double const whole_s = std::max(repair.duration_s(), 1e-9);
    std::vector<std::uint32_t> arrival(chance_.size(), 0);
    for (Transfer const& transfer : repair.transfers) {
      arrival[std::size_t{transfer.layer} * scenario_.weights.experts + transfer.expert] =
          static_cast<std::uint32_t>(std::llround(transfer.arrival_s / whole_s * 0xffffffff));
    }
    std::vector<MovingView> views;
    for (std::uint32_t slot = 0; slot < counts_.size(); ++slot) {
      views.push_back({costs.placement[before].view(costs.slots[before][slot]),
                       costs.placement[after].view(costs.slots[after][slot]), arrival});
    }
    return sample_moving(routing_.view(), views, trial.scenario.seed, counts_);
  }

  void add(Trial const& trial, FateTables const& fates, Placement const& placement, PointSum& point) const {
    FateTally const tally = sample_fates(routing_.view(), view(fates), trial.scenario.seed, counts_);
    auto const slots = fates.missing_slots();
    std::vector<double> missed(satellites(scenario_), 0);
    for (std::size_t e = 0; e < slots.size(); ++e) {
      missed[index(placement.host[e])] += chance_[e] * slots[e] / scenario_.time.slots;
    }
    point.add(tally, missed);
  }

  Costed costed(Trial const& trial, DamagedNetwork const& damaged,
                std::span<Placement const* const> placements) {
    std::vector<SatelliteId> gateways;
    for (Placement const* p : placements) add_gateways(*p, gateways);
    PathSources const sources(std::move(gateways));
    Costed all;
    for (Placement const* p : placements) {
      all.placement.emplace_back(trial.scenario, compute_, *p, sources);
      all.slots.emplace_back(scenario_.time.slots);
    }
    std::uint32_t const step = slots_per_batch(scenario_, {});
    for (std::uint32_t first = 0; first < scenario_.time.slots; first += step) {
      std::uint32_t const count = std::min(step, scenario_.time.slots - first);
      DamagedSlots const taken =
          damaged_snapshots(trial.scenario, trial.network, damaged, first, count, Purpose::evaluation_outage);
      auto const paths = backend_.path_latencies(taken.batch, sources.ids());
      for (std::size_t p = 0; p < placements.size(); ++p) {
        PlacementCosts const& costs = all.placement[p];
        auto const queries = costs.queries();
        auto const found = paths->gather(queries);
        tbb::parallel_for(std::uint32_t{0}, count, [&](std::uint32_t i) {
          all.slots[p][first + i] =
              costs.in_slot(std::span(found).subspan(i * queries.size(), queries.size()), &taken.state[i]);
        });
      }
    }
    return all;
  }

  FateView view(FateTables const& fates) const {
    double const slot_ns = span_s(scenario_) / scenario_.time.slots * 1e9;
    return fates.view(static_cast<std::uint64_t>(slot_ns),
                      static_cast<std::uint64_t>(options_.penalty_ms * 1e6));
  }

  Stress result() const {
    Stress stress{options_.families, options_.levels, {}, options_.draws, tokens_, options_.penalty_ms, {}};
    for (Subject const& subject : subjects_) stress.placements.push_back(subject.name);
    if (options_.repair_bytes) {
      for (Subject const& subject : subjects_) stress.placements.push_back(subject.name + ", repaired");
    }
    for (PointSum const& point : points_) stress.point.push_back(point.result());
    return stress;
  }

  Scenario const& scenario_;
  Backend& backend_;
  StressOptions const& options_;
  RoutingTables routing_;
  ComputeTimes compute_;
  std::vector<LayerLaw> laws_;         ///< [layer]
  std::vector<double> chance_;         ///< [layer][expert]: of being drawn
  std::uint64_t tokens_;               ///< per draw and placement
  std::vector<std::uint32_t> counts_;  ///< [slot]: tokens
  std::vector<Subject> subjects_;
  std::vector<PointSum> points_;  ///< [family][level][subject, then subject as repaired]
  std::uint64_t done_ = 0;
};

}  // namespace

Stress stress(Scenario const& scenario, Backend& backend, StressOptions const& options) {
  return Stresser(scenario, backend, options).run();
}

}  // namespace spacemoe
