#include "host/search/exact_scores.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace spacemoe {
namespace {

std::vector<double> copied(std::span<double const> values) {
  return {values.begin(), values.end()};
}

/// Puts the rows [change][slot] of one profile to the others' [change][profile][slot].
void spread(std::vector<double> const& from, std::size_t slots, std::size_t profiles, std::size_t profile,
            std::vector<double>& to) {
  to.resize(from.size() * profiles);
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[(i / slots * profiles + profile) * slots + i % slots] = from[i];
  }
}

}  // namespace

LayerCases ScoredLayers::operator[](std::size_t added) const {
  auto const row = [&](std::vector<double> const& all) {
    return std::span(all).subspan(added * cases, cases);
  };
  return {row(scores.mean_ns), row(scores.variance_ns2), row(scores.delivered)};
}

ExactScorer::ExactScorer(SearchProblem const& problem, SnapshotBatch const& slots,
                         std::vector<SatelliteId> gateways)
    : problem_(problem),
      sources_(std::move(gateways)),
      cases_(std::size_t{slots.snapshots} * problem.profiles.size()) {
  for (auto const& profile : problem.profiles) {
    tables_.push_back(std::make_unique<ScoringTables>(problem.scenario.law, profile,
                                                      problem.scenario.model.top_k, problem.compute,
                                                      problem.limits.satellites));
    scorers_.push_back(problem.backend.move_scorer(slots, sources_.ids(), *tables_.back()));
  }
}

bool ExactScorer::knows(SatelliteId gateway) const {
  return std::ranges::binary_search(sources_.ids(), gateway);
}

void ExactScorer::add(Layout const& layout, std::uint32_t layer) {
  SatelliteId const gateway = layout.gateway(layer);
  SatelliteId const next = layout.placement().next_gateway(layer);
  bool const own = problem_.scenario.aggregation == Aggregation::own_gateway;
  std::uint64_t const head_ns = layer == 0 ? problem_.compute.head_ns(gateway) : 0;
  changes_.push_back({layer, sources_.number(gateway), sources_.number(own ? gateway : next),
                      static_cast<std::uint32_t>(index(next)),
                      problem_.compute.gateway_ns(layer, gateway) + head_ns, hosts_.size()});
  auto const hosts = layout.hosts(layer);
  hosts_.insert(hosts_.end(), hosts.begin(), hosts.end());
}

ScoredLayers ExactScorer::score() {
  ScoredLayers all{cases_, {}};
  std::size_t const profiles = scorers_.size();
  if (profiles == 1) {
    all.scores = scorers_.front()->score(changes_, hosts_);
  } else {
    for (std::size_t p = 0; p < profiles; ++p) {
      LayerScores const one = scorers_[p]->score(changes_, hosts_);
      spread(one.mean_ns, cases_ / profiles, profiles, p, all.scores.mean_ns);
      spread(one.variance_ns2, cases_ / profiles, profiles, p, all.scores.variance_ns2);
      spread(one.delivered, cases_ / profiles, profiles, p, all.scores.delivered);
    }
  }
  changes_.clear();
  hosts_.clear();
  return all;
}

Incumbent::Incumbent(ExactScorer& scorer, Layout layout)
    : layout_(std::move(layout)), rows_(layout_.layers()) {
  std::vector<std::uint32_t> layers(layout_.layers());
  std::iota(layers.begin(), layers.end(), 0u);
  for (std::uint32_t const l : layers) scorer.add(layout_, l);
  ScoredLayers const scored = scorer.score();
  std::vector<LayerCases> scores;
  for (std::uint32_t const l : layers) scores.push_back(scored[l]);
  set(layers, scores);
}

void Incumbent::set(std::span<std::uint32_t const> layers, std::span<LayerCases const> scores) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    rows_[layers[i]] = {copied(scores[i].mean_ns), copied(scores[i].variance_ns2),
                        copied(scores[i].delivered)};
  }
  add_up();
}

void Incumbent::add_up() {
  std::size_t const cases = rows_.front().mean_ns.size();
  totals_ = {std::vector<double>(cases), std::vector<double>(cases), std::vector<double>(cases, 1.0)};
  for (Row const& row : rows_) {
    for (std::size_t c = 0; c < cases; ++c) {
      totals_.mean_ns[c] += row.mean_ns[c];
      totals_.variance_ns2[c] += row.variance_ns2[c];
      totals_.delivered[c] *= row.delivered[c];
    }
  }
}

CaseTotals Incumbent::totals_with(std::span<std::uint32_t const> layers,
                                  std::span<LayerCases const> scores) const {
  CaseTotals totals = totals_;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Row const& before = rows_[layers[i]];
    for (std::size_t c = 0; c < totals.mean_ns.size(); ++c) {
      totals.mean_ns[c] += scores[i].mean_ns[c] - before.mean_ns[c];
      totals.variance_ns2[c] += scores[i].variance_ns2[c] - before.variance_ns2[c];
    }
  }
  for (std::size_t c = 0; c < totals.delivered.size(); ++c) {
    totals.delivered[c] = delivered_with(c, layers, scores);
  }
  return totals;
}

double Incumbent::delivered_with(std::size_t number, std::span<std::uint32_t const> layers,
                                 std::span<LayerCases const> scores) const {
  double delivered = 1;
  // Nothing was lost: the usual case.
  if (totals_.delivered[number] == 1) {
    for (LayerCases const& layer : scores) delivered *= layer.delivered[number];
    return delivered;
  }
  // In the order of add_up(), so that moves that lose as much as before have the same bits.
  for (std::uint32_t l = 0; l < rows_.size(); ++l) {
    auto const changed = static_cast<std::size_t>(std::ranges::find(layers, l) - layers.begin());
    delivered *= changed < layers.size() ? scores[changed].delivered[number] : rows_[l].delivered[number];
  }
  return delivered;
}

}  // namespace spacemoe
