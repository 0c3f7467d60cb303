#include "benches/inputs.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

#include "kernels/draw.hpp"

namespace spacemoe::benches {
namespace {

constexpr Seed seed{1};

std::vector<Nanoseconds> random_latencies(std::uint32_t layers, std::uint32_t experts) {
  std::vector<Nanoseconds> latency_ns;
  for (std::uint32_t l = 0; l < layers; ++l) {
    for (std::uint32_t e = 0; e < experts; ++e) {
      Words4 const words = draw(seed, Purpose::expert_placement, l, e, 0);
      latency_ns.push_back(5'000'000 +
                           static_cast<Nanoseconds>(bounded(words.word[0], words.word[1], 60'000'000)));
    }
  }
  return latency_ns;
}

/// Central moment of the given order of a layer whose tokens are all delivered.
double central_moment(LayerDistribution const& layer, int order) {
  double const mean_ns = layer.mean_ns();
  double sum = 0;
  for (auto const& atom : layer.atoms) {
    double power = atom.probability;
    for (int i = 0; i < order; ++i) power *= atom.latency_ns - mean_ns;
    sum += power;
  }
  return sum;
}

PathInput input(std::shared_ptr<Network const> network, std::uint32_t snapshots) {
  constexpr double apart_s = 15;
  std::vector<Snapshot> taken;
  for (std::uint32_t slot = 0; slot < snapshots; ++slot) {
    taken.push_back(network->snapshot(slot, apart_s * slot, Purpose::evaluation_outage));
  }
  SnapshotBatch links = batch(network->wiring(), taken);
  return {std::move(network), std::move(links)};
}

ComputeTimes five_ms() {
  ComputeSpec compute;
  compute.expert_ms = {5};
  return {MoeModel(), compute};
}

}  // namespace

PathInput shell(std::string const& walker, double survival, std::uint32_t snapshots) {
  LinkRules rules;
  rules.seam = Seam::wrap_phased;
  rules.survival = survival;
  Constellation constellation;
  constellation.shells = parse_walker(walker);
  return input(std::make_shared<Network>(std::move(constellation), rules, seed), snapshots);
}

PathInput listed(PathInput const& shell, double survival, std::uint32_t snapshots) {
  Snapshot const snapshot = shell.network->snapshot(0, 0, Purpose::evaluation_outage);
  std::vector<Link> const& wired = shell.network->wiring().links;
  std::vector<ListedLink> links;
  for (std::size_t i = 0; i < wired.size(); ++i) {
    if (snapshot.latency_ns[i] != unreachable)
      links.push_back({wired[i].a, wired[i].b, snapshot.latency_ns[i]});
  }
  LinkRules rules;
  rules.survival = survival;
  return input(std::make_shared<Network>(shell.nodes(), std::move(links), rules, seed), snapshots);
}

PathInput random_graph(std::uint32_t nodes, double share, std::uint32_t snapshots) {
  std::mt19937 random(1);
  auto const threshold = static_cast<std::uint32_t>(share * 4294967296.0);
  std::vector<ListedLink> links;
  for (std::uint32_t a = 0; a < nodes; ++a) {
    for (std::uint32_t b = a + 1; b < nodes; ++b) {
      if (random() >= threshold) continue;
      links.push_back({satellite(a), satellite(b), 1000 + static_cast<Nanoseconds>(random() % 1'000'000)});
    }
  }
  LinkRules rules;
  rules.survival = 0.95;
  return input(std::make_shared<Network>(nodes, std::move(links), rules, seed), snapshots);
}

std::vector<SatelliteId> sources(std::uint32_t nodes, std::uint32_t count) {
  std::vector<std::uint32_t> all(nodes);
  std::iota(all.begin(), all.end(), 0u);
  std::vector<std::uint32_t> chosen;
  std::ranges::sample(all, std::back_inserter(chosen), count == 0 ? nodes : count, std::mt19937(1));
  std::vector<SatelliteId> ids;
  for (std::uint32_t const id : chosen) ids.push_back(satellite(id));
  return ids;
}

SamplingInput::SamplingInput(std::uint32_t layers, std::uint32_t experts, std::uint32_t top_k, double sigma)
    : routing_(RoutingLaw::plackett_luce, log_normal_weights(layers, experts, sigma, seed), top_k),
      weights_(routing_.sampled_weights()),
      layer_ns_(layers),
      expert_ns_(random_latencies(layers, experts)),
      queue_ns_(expert_ns_.size()),
      shares_hosts_(layers) {
  for (std::uint32_t l = 0; l < layers; ++l) {
    for (std::uint32_t e = 0; e < experts; ++e) host_.push_back(static_cast<std::uint16_t>(e));
    laws_.emplace_back(RoutingLaw::plackett_luce, Span(weights_.layer(l), experts), top_k);
  }
  tables_ = std::make_unique<LayerTables>(distributions(), 0);
}

CostView SamplingInput::cost() const {
  return {weights_.layers, weights_.experts, 0, layer_ns_, expert_ns_, queue_ns_, host_, shares_hosts_};
}

std::vector<LayerDistribution> SamplingInput::distributions() const {
  std::vector<LayerDistribution> layers;
  for (std::uint32_t l = 0; l < weights_.layers; ++l) layers.push_back(laws_[l].distribution(cost(), l));
  return layers;
}

ExactMoments SamplingInput::exact_moments() const {
  ExactMoments moments;
  double fourth_cumulant = 0;
  for (auto const& layer : distributions()) {
    double const variance = central_moment(layer, 2);
    moments.mean_ns += layer.mean_ns();
    moments.variance_ns2 += variance;
    fourth_cumulant += central_moment(layer, 4) - 3 * variance * variance;
  }
  moments.fourth_central_ns4 = fourth_cumulant + 3 * moments.variance_ns2 * moments.variance_ns2;
  return moments;
}

SwapInput::SwapInput(SamplingInput const& model)
    : shell_(shell("D:550:53.0:1584/72/39", 1, 64)),
      tables_(RoutingLaw::plackett_luce, model.weights(), model.routing().top_k, five_ms(), shell_.nodes()),
      sources_{satellite(0), satellite(30)} {
  constexpr std::uint32_t swaps = 64;
  std::uint32_t const experts = model.weights().experts;
  auto const places = sources(shell_.nodes(), experts);
  for (std::uint32_t i = 0; i < swaps; ++i) {
    changes_.push_back({0, 0, 1, 30, 0, hosts_.size()});
    hosts_.insert(hosts_.end(), places.begin(), places.end());
    std::swap(hosts_[hosts_.size() - 1 - i % experts], hosts_[changes_.back().first_host]);
  }
}

std::unique_ptr<MoveScorer> SwapInput::scorer(Backend& backend) const {
  return backend.move_scorer(shell_.batch, sources_, tables_);
}

std::vector<Nanoseconds> SwapInput::expert_ns(Backend& backend) const {
  auto const paths = backend.path_latencies(shell_.batch, sources_);
  std::uint32_t const experts = tables_.experts();
  std::vector<Nanoseconds> latencies;
  for (LayerChange const& change : changes_) {
    std::vector<PathQuery> ways;
    for (std::uint32_t e = 0; e < experts; ++e) {
      SatelliteId const host = hosts_[change.first_host + e];
      ways.insert(ways.end(), {{change.gateway, host}, {change.aggregation, host}});
    }
    std::vector<Nanoseconds> const found = paths->gather(ways);  // [slot][expert][way]
    for (std::size_t i = 0; i < found.size(); i += 2) {
      std::size_t const e = i / 2 % experts;
      auto const own_ns =
          tables_.expert_ns()[e] + tables_.satellite_ns()[index(hosts_[change.first_host + e])];
      latencies.push_back(add_latency(add_latency(found[i], found[i + 1]), static_cast<Nanoseconds>(own_ns)));
    }
  }
  return latencies;
}

}  // namespace spacemoe::benches
