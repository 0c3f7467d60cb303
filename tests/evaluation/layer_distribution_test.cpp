#include "host/evaluation/layer_distribution.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "host/model/activation.hpp"
#include "host/model/routing_tables.hpp"
#include "tests/support/enumeration.hpp"

namespace spacemoe {
namespace {

constexpr RoutingLaw both_laws[] = {RoutingLaw::plackett_luce, RoutingLaw::conditional_poisson};

/// Costs of one layer, with their storage.
struct Costs {
  std::vector<Nanoseconds> layer_ns{1000};
  std::vector<Nanoseconds> expert_ns;
  std::vector<Nanoseconds> queue_ns;
  std::vector<std::uint16_t> host;
  std::vector<std::uint8_t> shares_hosts{0};

  CostView view() const {
    CostView v;
    v.layers = 1;
    v.experts = static_cast<std::uint32_t>(expert_ns.size());
    v.layer_ns = layer_ns;
    v.expert_ns = expert_ns;
    v.queue_ns = queue_ns;
    v.host = host;
    v.shares_hosts = shares_hosts;
    return v;
  }
};

Costs one_per_host(std::vector<Nanoseconds> expert_ns) {
  Costs costs;
  costs.expert_ns = std::move(expert_ns);
  costs.queue_ns.assign(costs.expert_ns.size(), 77);
  costs.host.resize(costs.expert_ns.size());
  std::iota(costs.host.begin(), costs.host.end(), std::uint16_t{0});
  return costs;
}

/// Latencies from a small range, so that ties are common; some experts unreachable.
Costs random_costs(std::size_t experts, std::mt19937& random, bool with_unreachable) {
  std::vector<Nanoseconds> expert_ns(experts);
  for (auto& c : expert_ns) {
    c = 100 * static_cast<Nanoseconds>(random() % 12);
    if (with_unreachable && random() % 5 == 0) c = unreachable;
  }
  return one_per_host(std::move(expert_ns));
}

/// `hosts` hosts with queues; the experts of a host cost the same unless `uneven`.
Costs random_shared_costs(std::size_t experts, std::size_t hosts, std::mt19937& random, bool with_unreachable,
                          bool uneven) {
  Costs costs = random_costs(experts, random, with_unreachable);
  costs.shares_hosts = {1};
  std::vector<Nanoseconds> host_ns(hosts), host_queue_ns(hosts);
  for (auto& c : host_ns) c = 100 * static_cast<Nanoseconds>(random() % 12);
  for (auto& q : host_queue_ns) q = 100 * static_cast<Nanoseconds>(random() % 6);
  if (with_unreachable) host_ns[0] = unreachable;
  for (std::size_t e = 0; e < experts; ++e) {
    auto const host = random() % hosts;
    costs.host[e] = static_cast<std::uint16_t>(3 * host + 1);  // numbers need not be consecutive
    costs.queue_ns[e] = host_queue_ns[host];
    if (uneven) {
      costs.queue_ns[e] = 100 * static_cast<Nanoseconds>(random() % 6);
    } else {
      costs.expert_ns[e] = host_ns[host];
    }
  }
  return costs;
}

std::vector<double> random_weights(std::size_t experts, double sigma, std::mt19937& random) {
  std::vector<double> weight(experts);
  std::normal_distribution<double> normal;
  for (double& w : weight) w = std::exp(sigma * normal(random));
  return weight;
}

void expect_equal(LayerDistribution const& computed, std::map<Nanoseconds, double> exact,
                  std::string const& what) {
  double lost = 0;
  if (auto const found = exact.find(unreachable); found != exact.end()) {
    lost = found->second;
    exact.erase(found);
  }
  EXPECT_NEAR(computed.unreachable, lost, 1e-9) << what;
  Nanoseconds before = 0;
  double total = computed.unreachable;
  for (auto const& atom : computed.atoms) {
    EXPECT_TRUE(before < atom.latency_ns || &atom == computed.atoms.data()) << what;
    before = atom.latency_ns;
    EXPECT_GT(atom.probability, 0) << what;
    EXPECT_NEAR(atom.probability, exact[atom.latency_ns], 1e-9) << what;
    exact.erase(atom.latency_ns);
    total += atom.probability;
  }
  for (auto const& [latency, probability] : exact)
    EXPECT_LT(probability, 1e-9) << what << " lacks " << latency;
  EXPECT_NEAR(total, 1, 1e-12) << what;
}

void expect_enumerated(RoutingLaw law, std::vector<double> const& weight, std::uint32_t top_k,
                       Costs const& costs, std::string const& what) {
  expect_equal(layer_distribution(law, weight, top_k, costs.view(), 0),
               testing::enumerate_layer(law, weight, top_k, costs.view(), 0),
               what + ", K " + std::to_string(top_k) + ", law " + std::to_string(static_cast<int>(law)));
}

TEST(LayerDistribution, TwoOfThreeByHand) {
  // Weights 2, 1, 1. Plackett-Luce: {0,1} 1/2 * 1/2 + 1/4 * 2/3 = 5/12 = {0,2}, {1,2} 2 * 1/4 * 1/3 = 1/6.
  // Conditional Poisson: 2/5, 2/5, 1/5.
  Costs const costs = one_per_host({10, 20, 30});
  std::vector<double> const weight{2, 1, 1};
  expect_equal(layer_distribution(RoutingLaw::plackett_luce, weight, 2, costs.view(), 0),
               {{1020, 5.0 / 12}, {1030, 7.0 / 12}}, "Plackett-Luce");
  expect_equal(layer_distribution(RoutingLaw::conditional_poisson, weight, 2, costs.view(), 0),
               {{1020, 0.4}, {1030, 0.6}}, "conditional Poisson");
}

TEST(LayerDistribution, QueueByHand) {
  // Experts 0 and 1 on one host: together they take 10 + 25, else the slowest drawn one counts.
  Costs costs = one_per_host({10, 10, 30});
  costs.shares_hosts = {1};
  costs.host = {4, 4, 9};
  costs.queue_ns = {25, 25, 25};
  std::vector<double> const weight{2, 1, 1};
  expect_equal(layer_distribution(RoutingLaw::plackett_luce, weight, 2, costs.view(), 0),
               {{1030, 7.0 / 12}, {1035, 5.0 / 12}}, "Plackett-Luce");
  expect_equal(layer_distribution(RoutingLaw::conditional_poisson, weight, 2, costs.view(), 0),
               {{1030, 0.6}, {1035, 0.4}}, "conditional Poisson");
}

TEST(LayerDistribution, OnePerHostEqualsEnumeration) {
  std::mt19937 random(1);
  for (std::size_t const experts : {1u, 2u, 5u, 8u, 12u}) {
    for (double const sigma : {0.0, 0.8, 2.0, 4.0}) {
      for (std::uint32_t top_k = 1; top_k <= experts; ++top_k) {
        for (RoutingLaw const law : both_laws) {
          auto const weight = random_weights(experts, sigma, random);
          expect_enumerated(law, weight, top_k, random_costs(experts, random, false), "reachable");
          expect_enumerated(law, weight, top_k, random_costs(experts, random, true), "unreachable");
        }
      }
    }
  }
}

TEST(LayerDistribution, SeveralPerHostEqualEnumeration) {
  std::mt19937 random(2);
  for (std::size_t const hosts : {1u, 2u, 3u, 5u}) {
    for (double const sigma : {0.0, 1.0, 4.0}) {
      for (std::uint32_t const top_k : {1u, 2u, 3u, 5u, 9u, 10u}) {
        for (RoutingLaw const law : both_laws) {
          auto const weight = random_weights(10, sigma, random);
          for (bool const uneven : {false, true}) {
            for (bool const lossy : {false, true}) {
              expect_enumerated(law, weight, top_k, random_shared_costs(10, hosts, random, lossy, uneven),
                                std::to_string(hosts) + " hosts");
            }
          }
        }
      }
    }
  }
}

TEST(LayerDistribution, ZeroWeightsAreNeverDrawn) {
  std::mt19937 random(3);
  for (RoutingLaw const law : both_laws) {
    for (std::uint32_t const top_k : {1u, 3u, 5u}) {
      auto weight = random_weights(9, 1, random);
      for (std::size_t const e : {0u, 3u, 4u, 8u}) weight[e] = 0;
      expect_enumerated(law, weight, top_k, random_costs(9, random, true), "zeros");
      expect_enumerated(law, weight, top_k, random_shared_costs(9, 4, random, false, true), "zeros, shared");
    }
  }
}

TEST(LayerDistribution, TinyWeightOfTheMostExpensiveExpertLosesNothing) {
  for (double const tiny : {1e-3, 1e-6, 1e-9, 1e-12}) {
    for (RoutingLaw const law : both_laws) {
      Costs costs = one_per_host({10, 20, 30, 40, 50, 60});
      // Three draws from three light experts and two heavier ones: a light one is nearly always needed.
      std::vector<double> const weight{tiny * 3, 1, 2, tiny * 2, tiny, tiny};
      expect_enumerated(law, weight, 3, costs, "tiny");
      expect_enumerated(law, weight, 4, costs, "tiny");
      costs.shares_hosts = {1};
      costs.host = {0, 1, 1, 0, 2, 2};
      expect_enumerated(law, weight, 3, costs, "tiny, shared");
    }
  }
}

TEST(LayerDistribution, ScaleOfWeightsDoesNotMatter) {
  std::mt19937 random(4);
  auto const weight = random_weights(12, 1, random);
  for (double const scale : {1e-6, 1e3, 1e12}) {
    auto scaled = weight;
    for (double& w : scaled) w *= scale;
    for (auto const& costs :
         {random_costs(12, random, true), random_shared_costs(12, 4, random, false, false)}) {
      for (RoutingLaw const law : both_laws) {
        auto const exact = testing::enumerate_layer(law, weight, 4, costs.view(), 0);
        expect_equal(layer_distribution(law, scaled, 4, costs.view(), 0), exact, "scaled");
      }
    }
  }
}

TEST(LayerDistribution, SeveralOnTheirOwnHostsEqualOnePerHost) {
  std::mt19937 random(5);
  for (RoutingLaw const law : both_laws) {
    for (std::uint32_t const top_k : {2u, 8u, 16u}) {
      auto const weight = random_weights(128, 1.2, random);
      Costs costs = random_costs(128, random, true);
      for (auto& c : costs.expert_ns) c = c == unreachable ? c : static_cast<Nanoseconds>(random() % 100000);
      auto const alone = layer_distribution(law, weight, top_k, costs.view(), 0);
      costs.shares_hosts = {1};
      auto const shared = layer_distribution(law, weight, top_k, costs.view(), 0);
      std::map<Nanoseconds, double> exact{{unreachable, alone.unreachable}};
      for (auto const& atom : alone.atoms) exact[atom.latency_ns] = atom.probability;
      expect_equal(shared, exact, "K " + std::to_string(top_k));
    }
  }
}

TEST(LayerDistribution, EqualWeightsOfManyExpertsAreHypergeometric) {
  for (std::uint32_t const experts : {128u, 384u}) {
    for (std::uint32_t const top_k : {2u, 8u, 32u}) {
      std::vector<Nanoseconds> expert_ns(experts);
      for (std::uint32_t e = 0; e < experts; ++e) expert_ns[e] = 10 * ((e * 37) % experts + 1);
      Costs const costs = one_per_host(expert_ns);
      // P(all K within the first m) = C(m, K) / C(E, K).
      std::map<Nanoseconds, double> exact;
      double before = 0;
      for (std::uint32_t m = 1; m <= experts; ++m) {
        double within = 1;
        for (std::uint32_t k = 0; k < top_k; ++k) within *= std::max(0.0, double(m) - k) / (experts - k);
        exact[1000 + 10 * m] = within - before;
        before = within;
      }
      for (RoutingLaw const law : both_laws) {
        expect_equal(layer_distribution(law, std::vector<double>(experts, 2.5), top_k, costs.view(), 0),
                     exact, std::to_string(experts) + " experts");
      }
    }
  }
}

/// P(the K first arrivals are the K named ones within `fast`) by Simpson's rule in log t on a fine grid:
/// another substitution and another rule than the one under test.
double within_by_simpson(std::vector<double> const& weight, std::vector<bool> const& fast,
                         std::uint32_t top_k) {
  double total = 0, lightest = INFINITY, rest = 0;
  for (std::size_t e = 0; e < weight.size(); ++e) {
    total += weight[e];
    lightest = std::min(lightest, weight[e]);
    rest += fast[e] ? 0 : weight[e];
  }
  double const low = std::log(1e-9 / total);
  double const high = std::log(40 / lightest);
  int const steps = 6000;
  double sum = 0;
  for (int i = 0; i <= steps; ++i) {
    double const t = std::exp(low + (high - low) * i / steps);
    std::vector<double> arrived(top_k + 1, 0.0);  // the last entry: top_k or more
    arrived[0] = 1;
    for (std::size_t e = 0; e < weight.size(); ++e) {
      if (!fast[e]) continue;
      double const p = -std::expm1(-weight[e] * t);
      arrived[top_k] += arrived[top_k - 1] * p;
      for (std::size_t k = top_k - 1; k > 0; --k) arrived[k] += (arrived[k - 1] - arrived[k]) * p;
      arrived[0] -= arrived[0] * p;
    }
    double const rule = i == 0 || i == steps ? 1 : (i % 2 == 1 ? 4 : 2);
    sum += rule * arrived[top_k] * rest * std::exp(-rest * t) * t;
  }
  return sum * (high - low) / steps / 3;
}

TEST(LayerDistribution, ManySkewedExpertsEqualAFinerRule) {
  std::mt19937 random(6);
  for (std::uint32_t const experts : {128u, 384u}) {
    for (std::uint32_t const top_k : {8u, 16u}) {
      for (double const sigma : {1.0, 4.0}) {
        auto const weight = random_weights(experts, sigma, random);
        std::vector<Nanoseconds> expert_ns(experts);
        for (auto& c : expert_ns) c = static_cast<Nanoseconds>(random() % 1000000);
        Costs const costs = one_per_host(expert_ns);
        auto const computed = layer_distribution(RoutingLaw::plackett_luce, weight, top_k, costs.view(), 0);
        for (Nanoseconds const limit : {300000u, 700000u, 900000u, 970000u}) {
          double served = 0;
          for (auto const& atom : computed.atoms)
            served += atom.latency_ns <= limit + 1000 ? atom.probability : 0;
          std::vector<bool> fast(experts);
          for (std::size_t e = 0; e < experts; ++e) fast[e] = expert_ns[e] <= limit;
          EXPECT_NEAR(served, within_by_simpson(weight, fast, top_k), 1e-9)
              << experts << ' ' << top_k << ' ' << sigma;
        }
      }
    }
  }
}

TEST(LayerDistribution, ManySharedExpertsAgreeWithSampling) {
  std::mt19937 random(7);
  std::uint32_t const experts = 96;
  std::uint32_t const tokens = 100000;
  for (RoutingLaw const law : both_laws) {
    ActivationWeights const weights{1, experts, random_weights(experts, 1.2, random)};
    RoutingTables const tables(law, weights, 8);
    auto const sampled = tables.sampled_weights();
    Costs costs = random_shared_costs(experts, 16, random, false, false);
    costs.expert_ns[3] = unreachable;
    auto const exact = layer_distribution(law, sampled.weight, 8, costs.view(), 0);
    double delivered = 0, sum = 0;
    std::vector<ExpertIndex> picks(8);
    for (std::uint32_t token = 0; token < tokens; ++token) {
      draw_experts(tables.view(), Seed{5}, 0, token, 0, picks);
      auto const latency = layer_latency(costs.view(), 0, picks);
      if (latency == unreachable) continue;
      ++delivered;
      sum += latency;
    }
    double const lost_error = std::sqrt(exact.unreachable * (1 - exact.unreachable) / tokens);
    EXPECT_LT(std::abs(1 - delivered / tokens - exact.unreachable), 4 * lost_error);
    EXPECT_LT(std::abs(sum / delivered - exact.mean_ns()), 4 * std::sqrt(exact.variance_ns2() / delivered));
  }
}

TEST(LayerDistribution, HeaviestOnNearestBeatsEveryOtherOrder) {
  std::vector<Nanoseconds> const nearest_first{4000, 4700, 5100, 7000, 7300, 9000, 12000, 15000};
  std::vector<double> const heaviest_first{3.1, 1.9, 1.4, 1.1, 0.8, 0.45, 0.2, 0.05};
  for (RoutingLaw const law : both_laws) {
    for (std::uint32_t const top_k : {1u, 2u, 4u, 7u}) {
      LayerLaw const layer_law(law, heaviest_first, top_k);
      Costs costs = one_per_host(nearest_first);
      double const sorted_mean = layer_law.distribution(costs.view(), 0).mean_ns();
      double least = INFINITY;
      std::uint32_t orders = 0;
      do {
        ++orders;
        least = std::min(least, layer_law.distribution(costs.view(), 0).mean_ns());
      } while (std::next_permutation(costs.expert_ns.begin(), costs.expert_ns.end()));
      EXPECT_EQ(orders, 40320u);
      EXPECT_GE(least, sorted_mean * (1 - 1e-12)) << "K " << top_k;
    }
  }
}

TEST(LayerDistribution, MomentsByHand) {
  LayerDistribution distribution;
  distribution.atoms = {{10, 0.25}, {30, 0.25}};
  distribution.unreachable = 0.5;
  EXPECT_EQ(distribution.mean_ns(), 20);
  EXPECT_EQ(distribution.variance_ns2(), 100);
}

TEST(LayerDistribution, UnreachableGatewayLosesEverything) {
  Costs costs = one_per_host({10, 20});
  costs.layer_ns = {unreachable};
  for (RoutingLaw const law : both_laws) {
    auto const distribution = layer_distribution(law, std::vector<double>{1, 2}, 1, costs.view(), 0);
    EXPECT_EQ(distribution.unreachable, 1);
    EXPECT_TRUE(distribution.atoms.empty());
    EXPECT_TRUE(std::isnan(distribution.mean_ns()));
  }
}

TEST(LayerDistribution, ReadsTheCostsOfItsLayer) {
  Costs costs = one_per_host({10, 20, 30, 40});
  CostView view = costs.view();
  view.layers = 2;
  view.experts = 2;
  std::vector<Nanoseconds> const layer_ns{1, 2};
  std::vector<std::uint8_t> const shares_hosts{0, 1};
  std::vector<std::uint16_t> const host{0, 1, 0, 0};
  view.layer_ns = layer_ns;
  view.shares_hosts = shares_hosts;
  view.host = host;
  std::vector<double> const weight{1, 3};
  expect_equal(layer_distribution(RoutingLaw::plackett_luce, weight, 1, view, 0), {{11, 0.25}, {21, 0.75}},
               "0");
  expect_equal(layer_distribution(RoutingLaw::plackett_luce, weight, 2, view, 1), {{2 + 40 + 77, 1}}, "1");
}

/// Chance of each expert from the chances of all sets.
std::vector<double> enumerated_inclusion(RoutingLaw law, std::vector<double> const& weight,
                                         std::uint32_t top_k) {
  std::vector<double> chance(weight.size(), 0.0);
  for (auto const& [picks, probability] : testing::enumerate_sets(law, weight, top_k)) {
    for (ExpertIndex const e : picks) chance[e] += probability;
  }
  return chance;
}

void expect_inclusion(RoutingLaw law, std::vector<double> const& weight, std::uint32_t top_k,
                      std::vector<double> const& exact) {
  auto const chance = LayerLaw(law, weight, top_k).inclusion();
  ASSERT_EQ(chance.size(), exact.size());
  for (std::size_t e = 0; e < exact.size(); ++e) {
    EXPECT_NEAR(chance[e], exact[e], 1e-9) << e << " of " << exact.size() << ", K " << top_k;
    EXPECT_LE(chance[e], 1);
  }
}

TEST(Inclusion, EqualsEnumeration) {
  std::mt19937 random(8);
  for (RoutingLaw const law : both_laws) {
    for (std::size_t const experts : {1u, 2u, 5u, 8u, 12u}) {
      for (double const sigma : {0.0, 0.8, 4.0}) {
        for (std::uint32_t top_k = 1; top_k <= experts; ++top_k) {
          auto const weight = random_weights(experts, sigma, random);
          expect_inclusion(law, weight, top_k, enumerated_inclusion(law, weight, top_k));
        }
      }
    }
    std::vector<double> const with_zeros{0, 3, 0, 1, 2, 0.5, 0};
    expect_inclusion(law, with_zeros, 3, enumerated_inclusion(law, with_zeros, 3));
  }
}

TEST(Inclusion, HasClosedFormsForOneForAllAndForEqualWeights) {
  for (RoutingLaw const law : both_laws) {
    expect_inclusion(law, {3, 0, 1, 4}, 1, {0.375, 0, 0.125, 0.5});
    expect_inclusion(law, {3, 0, 1, 4}, 3, {1, 0, 1, 1});
    for (std::uint32_t const top_k : {2u, 8u, 32u}) {
      expect_inclusion(law, std::vector<double>(384, 2.5), top_k, std::vector<double>(384, top_k / 384.0));
    }
  }
}

TEST(Inclusion, OfManySkewedExpertsSumsToTheNumberDrawn) {
  std::mt19937 random(9);
  for (RoutingLaw const law : both_laws) {
    for (std::uint32_t const top_k : {2u, 8u, 32u}) {
      auto const weight = random_weights(256, 3, random);
      auto const chance = LayerLaw(law, weight, top_k).inclusion();
      EXPECT_NEAR(std::accumulate(chance.begin(), chance.end(), 0.0), top_k, 1e-9);
      for (std::size_t e = 1; e < weight.size(); ++e) {  // the heavier is never drawn less
        EXPECT_GE((chance[e] - chance[e - 1]) * (weight[e] - weight[e - 1]), -1e-9);
      }
    }
  }
}

TEST(LayerDistribution, RefusesTooFewPositiveWeights) {
  EXPECT_THROW(LayerLaw(RoutingLaw::plackett_luce, std::vector<double>{1, 0, 2}, 3), std::logic_error);
}

}  // namespace
}  // namespace spacemoe
