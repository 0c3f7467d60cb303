#include "host/search/race_draws.hpp"

#include <algorithm>

#include <tbb/parallel_for.h>

#include "host/evaluation/costs.hpp"

namespace spacemoe {
namespace {

/// Draws held at a time.
constexpr std::size_t draws_at_once = std::size_t{1} << 22;

std::vector<SatelliteId> gateways_of(std::span<Placement const> placements) {
  std::vector<SatelliteId> all;
  for (Placement const& placement : placements) {
    all.insert(all.end(), placement.gateway.begin(), placement.gateway.end());
  }
  return all;
}

/// Whether a layer has the same distribution in two placements.
bool alike(Placement const& a, Placement const& b, std::uint32_t layer) {
  auto const hosts = [&](Placement const& placement) {
    return std::span(placement.host).subspan(std::size_t{layer} * placement.experts, placement.experts);
  };
  return a.gateway[layer] == b.gateway[layer] && a.next_gateway(layer) == b.next_gateway(layer) &&
         std::ranges::equal(hosts(a), hosts(b));
}

void add(std::span<std::uint64_t> totals_ns, std::span<Nanoseconds const> layer_ns) {
  for (std::size_t t = 0; t < layer_ns.size(); ++t) {
    bool const lost = layer_ns[t] == unreachable || totals_ns[t] == RaceDraws::lost;
    totals_ns[t] = lost ? RaceDraws::lost : totals_ns[t] + layer_ns[t];
  }
}

}  // namespace

RaceDraws::RaceDraws(SearchProblem const& problem, SnapshotBatch const& slots, ExactScorer const& scorer,
                     std::span<Placement const> placements)
    : backend_(problem.backend), cases_(scorer.cases()), totals_(placements.size()) {
  find_versions(placements);
  tabulate(problem, slots, scorer, placements);
  add_up();
}

void RaceDraws::find_versions(std::span<Placement const> placements) {
  for (std::uint32_t l = 0; l < placements.front().layers; ++l) {
    std::size_t const first = versions_.size();
    for (std::size_t p = 0; p < placements.size(); ++p) {
      auto const known =
          std::find_if(versions_.begin() + static_cast<std::ptrdiff_t>(first), versions_.end(),
                       [&](Version const& version) {
                         return alike(placements[version.placements.front()], placements[p], l);
                       });
      if (known != versions_.end()) {
        known->placements.push_back(p);
      } else {
        std::vector<double> const row(cases_);
        versions_.push_back({l, {p}, std::vector<std::optional<LayerSteps>>(cases_), {row, row, row}});
      }
    }
  }
}

void RaceDraws::tabulate(SearchProblem const& problem, SnapshotBatch const& slots, ExactScorer const& scorer,
                         std::span<Placement const> placements) {
  PathSources const sources(gateways_of(placements));
  auto const paths = backend_.path_latencies(slots, sources.ids());
  for (std::size_t p = 0; p < placements.size(); ++p) {
    PlacementCosts const costs(problem.scenario, problem.compute, placements[p], sources);
    fixed_ns_.push_back(problem.compute.head_ns(placements[p].gateway.front()));
    std::vector<Nanoseconds> const found = paths->gather(costs.queries());
    std::size_t const per_slot = costs.queries().size();
    tbb::parallel_for(std::uint32_t{0}, slots.snapshots, [&](std::uint32_t s) {
      SlotCosts const in_slot = costs.in_slot(std::span(found).subspan(s * per_slot, per_slot));
      for (Version& version : versions_) {
        if (version.placements.front() != p) continue;
        for (std::size_t profile = 0; profile < problem.profiles.size(); ++profile) {
          LayerLaw const& law = scorer.law(profile, version.layer);
          version.set(profile * slots.snapshots + s, law.distribution(costs.view(in_slot), version.layer));
        }
      }
    });
  }
}

void RaceDraws::Version::set(std::size_t number, LayerDistribution const& distribution) {
  steps[number].emplace(distribution);
  scores.delivered[number] = 1 - distribution.unreachable;
  if (distribution.atoms.empty()) return;
  scores.mean_ns[number] = distribution.mean_ns();
  scores.variance_ns2[number] = distribution.variance_ns2();
}

void RaceDraws::add_up() {
  for (std::size_t p = 0; p < totals_.size(); ++p) {
    auto const fixed_ns = static_cast<double>(fixed_ns_[p]);
    totals_[p] = {std::vector<double>(cases_, fixed_ns), std::vector<double>(cases_),
                  std::vector<double>(cases_, 1.0)};
  }
  for (Version const& version : versions_) {
    for (std::size_t const p : version.placements) {
      for (std::size_t c = 0; c < cases_; ++c) {
        totals_[p].mean_ns[c] += version.scores.mean_ns[c];
        totals_[p].variance_ns2[c] += version.scores.variance_ns2[c];
        totals_[p].delivered[c] *= version.scores.delivered[c];
      }
    }
  }
}

std::vector<std::vector<std::uint64_t>> RaceDraws::draw(Seed seed, std::span<std::uint32_t const> cases,
                                                        std::uint32_t first, std::uint32_t count,
                                                        std::vector<bool> const& wanted) const {
  std::vector<std::vector<std::uint64_t>> totals_ns(placements());
  for (std::size_t p = 0; p < placements(); ++p) {
    if (wanted[p]) totals_ns[p].assign(cases.size() * count, fixed_ns_[p]);
  }
  /// Where draws belong: the version and the place of its case among `cases`.
  struct Owner {
    Version const* version;
    std::size_t at;
  };
  std::vector<CommonDraws> draws;
  std::vector<Owner> owners;
  auto const run = [&] {
    auto const latency_ns = backend_.draw_common(seed, draws);
    for (std::size_t i = 0; i < owners.size(); ++i) {
      for (std::size_t const p : owners[i].version->placements) {
        if (!wanted[p]) continue;
        add(std::span(totals_ns[p]).subspan(owners[i].at * count, count),
            std::span(latency_ns).subspan(i * count, count));
      }
    }
    draws.clear();
    owners.clear();
  };
  for (Version const& version : versions_) {
    if (std::ranges::none_of(version.placements, [&](std::size_t p) { return wanted[p]; })) continue;
    for (std::size_t c = 0; c < cases.size(); ++c) {
      // Slots number the cases here: profiles have words of their own.
      draws.push_back({cases[c], version.layer, first, count, version.steps[cases[c]]->view()});
      owners.push_back({&version, c});
      if (draws.size() * count >= draws_at_once) run();
    }
  }
  if (!draws.empty()) run();
  return totals_ns;
}

}  // namespace spacemoe
