#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "tests/search/searching.hpp"
#include "tests/support/enumeration.hpp"

// Searches must end at the best of all placements of small instances, which are listed here one by one.

namespace spacemoe::testing {
namespace {

using ::testing::TestWithParam;

constexpr double infinite = std::numeric_limits<double>::infinity();

/// Hosts [expert] of a layer.
using Hosts = std::vector<std::uint32_t>;

/// Latencies of layers by listing all draws, straight from the definition.
class ListedDraws {
 public:
  explicit ListedDraws(SearchProblem const& problem) : problem_(problem), nodes_(problem.limits.satellites) {
    std::vector<SatelliteId> all;
    for (std::uint32_t s = 0; s < nodes_; ++s) all.push_back(satellite(s));
    auto const table = problem.backend.path_latencies(problem.slots, all);
    for (std::uint32_t slot = 0; slot < slots(); ++slot) {
      for (std::uint32_t s = 0; s < nodes_; ++s) path_ns_.push_back(table->row(slot, s));
    }
    ActivationWeights const& weights = problem.profiles.front();
    for (std::uint32_t l = 0; l < weights.layers; ++l) {
      std::vector<double> const row(weights.layer(l), weights.layer(l) + weights.experts);
      sets_.push_back(enumerate_sets(problem.scenario.law, row, problem.scenario.model.top_k));
    }
  }

  std::uint32_t nodes() const { return nodes_; }
  std::uint32_t slots() const { return problem_.slots.snapshots; }
  std::map<Picks, double> const& sets(std::uint32_t layer) const { return sets_[layer]; }

  /// Of a layer between a gateway and the next: mean, variance and delivery in every slot.
  CaseTotals layer(std::uint32_t l, std::uint32_t gateway, std::uint32_t next, Hosts const& hosts) const {
    CaseTotals cases;
    for (std::uint32_t slot = 0; slot < slots(); ++slot) {
      double delivered = 0;
      double sum_ns = 0;
      double squares_ns2 = 0;
      for (auto const& [picks, chance] : sets_[l]) {
        double const ns = latency_ns(slot, l, gateway, next, hosts, picks);
        if (ns == infinite) continue;
        delivered += chance;
        sum_ns += chance * ns;
        squares_ns2 += chance * ns * ns;
      }
      double const mean_ns = delivered > 0 ? sum_ns / delivered : 0;
      cases.mean_ns.push_back(mean_ns);
      cases.variance_ns2.push_back(delivered > 0 ? squares_ns2 / delivered - mean_ns * mean_ns : 0);
      cases.delivered.push_back(delivered);
    }
    return cases;
  }

  /// Mean over slots of the way from a gateway to a host, its compute, and the way back.
  double cost_ns(std::uint32_t gateway, std::uint32_t next, std::uint32_t host) const {
    double sum_ns = 0;
    for (std::uint32_t slot = 0; slot < slots(); ++slot) {
      sum_ns += path_ns(slot, gateway, host) + path_ns(slot, host, own() ? gateway : next);
    }
    return sum_ns / slots() + expert_ns(host);
  }

  double gateway_ns(std::uint32_t l, std::uint32_t gateway, std::uint32_t next) const {
    double forward_ns = 0;
    for (std::uint32_t slot = 0; own() && slot < slots(); ++slot) forward_ns += path_ns(slot, gateway, next);
    return fixed_ns(l, gateway) + forward_ns / slots();
  }

 private:
  bool own() const { return problem_.scenario.aggregation == Aggregation::own_gateway; }
  double expert_ns(std::uint32_t host) const {
    return static_cast<double>(problem_.compute.expert_ns(0, 0, satellite(host)));
  }
  double fixed_ns(std::uint32_t l, std::uint32_t gateway) const {
    auto const id = satellite(gateway);
    return static_cast<double>(problem_.compute.gateway_ns(l, id)) +
           (l == 0 ? static_cast<double>(problem_.compute.head_ns(id)) : 0);
  }
  double path_ns(std::uint32_t slot, std::uint32_t a, std::uint32_t b) const {
    Nanoseconds const ns = path_ns_[std::size_t{slot} * nodes_ + a][b];
    return ns == unreachable ? infinite : ns;
  }

  double latency_ns(std::uint32_t slot, std::uint32_t l, std::uint32_t gateway, std::uint32_t next,
                    Hosts const& hosts, Picks const& picks) const {
    double slowest_ns = 0;
    for (ExpertIndex const e : picks) {
      auto const queue = std::ranges::count_if(picks, [&](auto d) { return hosts[d] == hosts[e]; });
      slowest_ns = std::max(slowest_ns, path_ns(slot, gateway, hosts[e]) +
                                            path_ns(slot, hosts[e], own() ? gateway : next) +
                                            static_cast<double>(queue) * expert_ns(hosts[e]));
    }
    return slowest_ns + fixed_ns(l, gateway) + (own() ? path_ns(slot, gateway, next) : 0);
  }

  SearchProblem const& problem_;
  std::uint32_t nodes_;
  std::vector<std::vector<Nanoseconds>> path_ns_;  ///< [slot][source]
  std::vector<std::map<Picks, double>> sets_;      ///< [layer]
};

bool within_capacity(Hosts const& hosts, std::uint32_t capacity) {
  return std::ranges::all_of(hosts, [&](auto h) { return std::ranges::count(hosts, h) <= capacity; });
}

/// The next of all tuples of numbers below `base`; false after the last.
bool count_up(Hosts& tuple, std::uint32_t base) {
  for (std::uint32_t& number : tuple) {
    number = (number + 1) % base;
    if (number != 0) return true;
  }
  return false;
}

struct Instance {
  std::string name;
  Scenario scenario;
  std::size_t starts_apart = 1;  ///< of so many strategies one is searched from
};

void PrintTo(Instance const& instance, std::ostream* out) {
  *out << instance.name;
}

/// An instance changed.
template <class Change>
Instance with(std::string name, Scenario scenario, Change change, std::size_t starts_apart = 1) {
  change(scenario);
  return {std::move(name), std::move(scenario), starts_apart};
}

// --- One layer: every placement, every objective ---

/// The least objective of all placements of one layer that lose no more than `most_lost`.
double least_of_one_layer_ns(SearchProblem const& problem, Objective const& objective, double most_lost) {
  ListedDraws const draws(problem);
  Scenario const& scenario = problem.scenario;
  double least_ns = infinite;
  for (std::uint32_t gateway = 0; gateway < draws.nodes(); ++gateway) {
    Hosts hosts(scenario.model.experts);
    do {
      bool const on_gateway = std::ranges::find(hosts, gateway) != hosts.end();
      if (!within_capacity(hosts, scenario.capacity)) continue;
      if (on_gateway && !scenario.gateways_host_experts) continue;
      CaseTotals const totals = draws.layer(0, gateway, gateway, hosts);
      if (lost_share(totals) > most_lost + 1e-12) continue;
      least_ns = std::min(least_ns, value_ns(objective, totals));
    } while (count_up(hosts, draws.nodes()));
  }
  return least_ns;
}

Objective of_search(Scenario const& scenario) {
  return search_options(scenario.search).objective;
}

class OneLayerSearch : public TestWithParam<Instance> {};

TEST_P(OneLayerSearch, EndsAtTheBestOfAllPlacements) {
  auto const backend = make_cpu_backend();
  SearchProblem const problem(GetParam().scenario, *backend);
  SearchOptions options = search_options(GetParam().scenario.search);
  options.moves = 20'000;
  bool const priced = options.objective.lost_penalty_ms.has_value();
  double const anything = 1;
  double const least_ns =
      least_of_one_layer_ns(problem, of_search(GetParam().scenario), priced ? anything : 0);
  ASSERT_LT(least_ns, infinite);
  auto const starts = all_starts(problem);
  ASSERT_GE(starts.size(), 2u);
  for (auto const& [strategy, start] : starts) {
    SearchResult const found = searched(problem, start, options);
    EXPECT_NEAR(found.value_ms * 1e6, least_ns, 1.0) << name(strategy);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ring, OneLayerSearch,
    ::testing::Values(
        Instance{"k2", ring_scenario(2)}, Instance{"k3", ring_scenario(3)},
        with("k2_gateway_hosts", ring_scenario(2), [](auto& s) { s.gateways_host_experts = true; }),
        with("k2_two_each", ring_scenario(2), [](auto& s) { s.capacity = 2; }),
        with("k3_two_each_and_gateway", ring_scenario(3),
             [](auto& s) {
               s.capacity = 2;
               s.gateways_host_experts = true;
             }),
        with("k2_own_gateway", ring_scenario(2), [](auto& s) { s.aggregation = Aggregation::own_gateway; }),
        with("k3_conditional_poisson", ring_scenario(3),
             [](auto& s) { s.law = RoutingLaw::conditional_poisson; }),
        with("k2_lossy_priced", ring_scenario(2),
             [](auto& s) {
               s.links.survival = 0.85;
               s.time.slots = 6;
               s.search.lost_penalty_ms = 40;
             }),
        with("k3_lossy_cheap", ring_scenario(3),
             [](auto& s) {
               s.links.survival = 0.8;
               s.time.slots = 6;
               s.search.lost_penalty_ms = 1;
             }),
        with("k3_deviation", ring_scenario(3), [](auto& s) { s.search.objective = "mean+2sd"; }),
        with("k2_worst_lossy", ring_scenario(2),
             [](auto& s) {
               s.links.survival = 0.9;
               s.time.slots = 6;
               s.search.worst_case = true;
               s.search.lost_penalty_ms = 40;
             })),
    [](auto const& test) { return test.param.name; });

// --- Two layers: the mean, by branch and bound ---

/// The least mean [ns] below `limit_ns` of all placements of two layers, where no path is lost. What a tuple
/// of hosts takes is no less than with means of paths and no queues (Jensen), which prunes most of them.
class TwoLayers {
 public:
  TwoLayers(SearchProblem const& problem, double limit_ns)
      : draws_(problem), scenario_(problem.scenario), least_ns_(limit_ns) {}

  double least_ns(std::optional<std::vector<SatelliteId>> const& fixed) {
    for (std::uint32_t g = 0; g < draws_.nodes(); ++g) {
      for (std::uint32_t h = 0; h < draws_.nodes(); ++h) {
        if (!fixed || (satellite(g) == (*fixed)[0] && satellite(h) == (*fixed)[1])) try_gateways(g, h);
      }
    }
    return least_ns_;
  }

 private:
  struct Layer {
    std::uint32_t number, gateway, next;
    double fixed_ns;
    std::vector<double> cost_ns;       ///< [satellite]; infinite where no expert may be
    std::vector<std::uint32_t> cheap;  ///< satellites by rising cost
    double least_ns;                   ///< of any hosts
  };
  struct Choice {
    double mean_ns;
    Hosts hosts;
  };

  void try_gateways(std::uint32_t g, std::uint32_t h) {
    Layer const a = layer(0, g, h);
    Layer const b = layer(1, h, g);
    if (a.least_ns + b.least_ns >= least_ns_) return;
    auto const of_a = choices(a, least_ns_ - b.least_ns);
    auto const of_b = choices(b, least_ns_ - a.least_ns);
    for (Choice const& first : of_a) {
      for (Choice const& second : of_b) {
        if (first.mean_ns + second.mean_ns >= least_ns_) break;
        Hosts both = first.hosts;
        both.insert(both.end(), second.hosts.begin(), second.hosts.end());
        if (within_capacity(both, scenario_.capacity)) least_ns_ = first.mean_ns + second.mean_ns;
      }
    }
  }

  Layer layer(std::uint32_t number, std::uint32_t gateway, std::uint32_t next) const {
    Layer made{number, gateway, next, draws_.gateway_ns(number, gateway, next), {}, {}, infinite};
    for (std::uint32_t s = 0; s < draws_.nodes(); ++s) {
      bool const open = scenario_.gateways_host_experts || (s != gateway && s != next);
      made.cost_ns.push_back(open ? draws_.cost_ns(gateway, next, s) : infinite);
      made.cheap.push_back(s);
    }
    std::ranges::stable_sort(made.cheap, {}, [&](auto s) { return made.cost_ns[s]; });
    Hosts cheapest;
    for (std::uint32_t e = 0; e < scenario_.model.experts; ++e) {
      cheapest.push_back(made.cheap[e / scenario_.capacity]);
    }
    std::ranges::sort(cheapest);
    do {
      made.least_ns = std::min(made.least_ns, bound_ns(made, cheapest));
    } while (std::ranges::next_permutation(cheapest).found);
    return made;
  }

  /// Below what a layer takes with experts on `hosts`, the rest of them anywhere.
  double bound_ns(Layer const& layer, Hosts const& hosts) const {
    double sum_ns = layer.fixed_ns;
    for (auto const& [picks, chance] : draws_.sets(layer.number)) {
      double slowest_ns = 0;
      for (ExpertIndex const e : picks) {
        slowest_ns = std::max(slowest_ns, layer.cost_ns[e < hosts.size() ? hosts[e] : layer.cheap[0]]);
      }
      sum_ns += chance * slowest_ns;
    }
    return sum_ns;
  }

  std::vector<Choice> choices(Layer const& layer, double below_ns) const {
    std::vector<Choice> found;
    Hosts hosts;
    extend(layer, below_ns, hosts, found);
    std::ranges::sort(found, {}, &Choice::mean_ns);
    return found;
  }

  void extend(Layer const& layer, double below_ns, Hosts& hosts, std::vector<Choice>& found) const {
    if (hosts.size() == scenario_.model.experts) {
      CaseTotals const cases = draws_.layer(layer.number, layer.gateway, layer.next, hosts);
      double const mean_ns =
          std::accumulate(cases.mean_ns.begin(), cases.mean_ns.end(), 0.0) / draws_.slots();
      if (mean_ns < below_ns) found.push_back({mean_ns, hosts});
      return;
    }
    for (std::uint32_t const s : layer.cheap) {
      hosts.push_back(s);
      bool const cheap = bound_ns(layer, hosts) < below_ns;
      if (cheap && within_capacity(hosts, scenario_.capacity)) extend(layer, below_ns, hosts, found);
      hosts.pop_back();
      if (!cheap) break;  // neither are those that follow
    }
  }

  ListedDraws draws_;
  Scenario const& scenario_;
  double least_ns_;
};

class TwoLayerSearch : public TestWithParam<Instance> {};

TEST_P(TwoLayerSearch, EndsAtTheBestOfAllPlacements) {
  auto const backend = make_cpu_backend();
  SearchProblem const problem(GetParam().scenario, *backend);
  SearchOptions options = search_options(GetParam().scenario.search);
  std::vector<std::pair<std::string_view, double>> ends;
  double least_ns = infinite;
  auto const starts = all_starts(problem);
  for (std::size_t i = 0; i < starts.size(); i += GetParam().starts_apart) {
    auto const& [strategy, start] = starts[i];
    SearchResult const found = searched(problem, start, options);
    ASSERT_EQ(found.lost, 0);
    double const found_ns = found.value_ms * 1e6;
    if (options.move_gateways) {
      ends.emplace_back(name(strategy), found_ns);
      least_ns = std::min(least_ns, found_ns);
    } else {
      EXPECT_NEAR(found_ns, TwoLayers(problem, found_ns + 1).least_ns(start.gateway), 1.5) << name(strategy);
    }
  }
  if (!options.move_gateways) return;
  double const optimum_ns = TwoLayers(problem, least_ns + 1).least_ns(std::nullopt);
  for (auto const& [start, end_ns] : ends) EXPECT_NEAR(end_ns, optimum_ns, 1.5) << start;
}

auto const fixed_gateways = [](Scenario& scenario) { scenario.search.move_gateways = false; };

INSTANTIATE_TEST_SUITE_P(
    Walker, TwoLayerSearch,
    ::testing::Values(Instance{"k2", walker_scenario(2)}, Instance{"k3", walker_scenario(3)},
                      with("k2_fixed", walker_scenario(2), fixed_gateways),
                      with("k3_fixed", walker_scenario(3), fixed_gateways),
                      with(
                          "k2_own_gateway", walker_scenario(2),
                          [](auto& s) { s.aggregation = Aggregation::own_gateway; }, 3),
                      with(
                          "k2_two_each", walker_scenario(2), [](auto& s) { s.capacity = 2; }, 3),
                      with(
                          "k2_gateways_host", walker_scenario(2),
                          [](auto& s) {
                            s.capacity = 2;
                            s.gateways_host_experts = true;
                          },
                          3),
                      with(
                          "k2_outages", walker_scenario(2),
                          [](auto& s) {
                            s.links.survival = 0.9;
                            s.search.outages = 2;
                          },
                          3)),
    [](auto const& test) { return test.param.name; });

}  // namespace
}  // namespace spacemoe::testing
