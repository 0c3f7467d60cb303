#include "host/search/priced_hosts.hpp"

#include <algorithm>
#include <numeric>

#include <tbb/parallel_for.h>

namespace spacemoe {
namespace {

/// Hosts of a layer that are told apart, in multiples of those that it fills; the others count as the last
/// one, free of charge.
constexpr std::size_t hosts_told_apart = 6;

/// Rounds without a better bound after which prices move by half.
constexpr std::uint32_t patience = 8;

/// First step of the prices: what they are hoped to gain, in parts of the bound.
constexpr double first_hope = 0.05;

/// A layer that takes the places of least cost and price.
class PricedLayer {
 public:
  PricedLayer(RelaxedLayers const& layers, std::uint32_t layer, std::vector<HostCost> hosts, bool others)
      : chance_(layers.chance[layer]),
        hosts_(std::move(hosts)),
        copies_(std::min<std::size_t>(layers.capacity, chance_.size())) {
    if (others) others_ns_ = static_cast<double>(hosts_.back().ns);
  }

  /// Least mean [ns] plus prices [satellite] of the places taken, which are kept.
  double solve(std::span<double const> price) {
    std::size_t const experts = chance_.size();
    std::vector<double> best(experts + 1, infinite_ns);
    best[0] = 0;
    took_.assign(hosts_.size() * copies_ * (experts + 1), 0);
    std::uint8_t* took = took_.data();
    for (HostCost const& host : hosts_) {
      for (std::size_t copy = 0; copy < copies_; ++copy, took += experts + 1) {
        take(static_cast<double>(host.ns), price[host.satellite], best, took);
      }
    }
    // Experts after the m-th may all be on hosts that are not told apart.
    double rest = 0;
    last_ = experts;
    double least = best[experts];
    for (std::size_t m = experts; others_ns_ > 0 && m-- > 0;) {
      rest += chance_[m] * others_ns_;
      if (best[m] + rest < least) {
        least = best[m] + rest;
        last_ = m;
      }
    }
    return least;
  }

  /// Adds the places that the last solution took.
  void add_taken(std::span<double> taken) const {
    std::size_t const row = chance_.size() + 1;
    std::size_t m = last_;
    for (std::size_t place = hosts_.size() * copies_; place-- > 0 && m > 0;) {
      if (took_[place * row + m] == 0) continue;
      taken[hosts_[place / copies_].satellite] += 1;
      --m;
    }
  }

  static constexpr double infinite_ns = 1e18;

 private:
  void take(double cost_ns, double price, std::vector<double>& best, std::uint8_t* took) const {
    for (std::size_t m = chance_.size(); m > 0; --m) {
      double const with = best[m - 1] + chance_[m - 1] * cost_ns + price;
      if (with < best[m]) {
        best[m] = with;
        took[m] = 1;
      }
    }
  }

  std::span<double const> chance_;
  std::vector<HostCost> hosts_;
  std::size_t copies_;
  double others_ns_ = 0;            ///< 0: there are none
  std::vector<std::uint8_t> took_;  ///< [place][experts placed]
  std::size_t last_ = 0;            ///< experts on hosts that are told apart
};

std::vector<PricedLayer> priced_layers(RelaxedLayers const& layers, Ways const& ways,
                                       std::span<std::size_t const> gateways) {
  std::vector<PricedLayer> priced;
  for (std::uint32_t l = 0; l < layers.layers(); ++l) {
    std::uint32_t const after = (l + 1) % layers.layers();
    std::size_t const count = hosts_told_apart * most_hosts(layers) + gateways.size();
    std::vector<HostCost> hosts;
    HostsAround(layers, gateways[l], ways.from(l))
        .nearest(gateways[after], ways.from(after), count, no_limit_ns, hosts);
    bool const others = hosts.size() == count;
    if (!layers.gateways_host_experts) {
      std::erase_if(hosts, [&](HostCost const& host) {
        return std::ranges::find(gateways, std::size_t{host.satellite}) != gateways.end();
      });
    }
    priced.emplace_back(layers, l, std::move(hosts), others);
  }
  return priced;
}

/// Moves prices towards a bound that is `hope_ns` higher, up where places are taken too often.
void move_prices(std::vector<double> const& taken, double capacity, double hope_ns,
                 std::vector<double>& price) {
  double norm = 0;
  for (std::size_t s = 0; s < price.size(); ++s) {
    double const excess = taken[s] - capacity;
    if (excess > 0 || price[s] > 0) norm += excess * excess;
  }
  if (norm == 0) return;
  for (std::size_t s = 0; s < price.size(); ++s) {
    price[s] = std::max(0.0, price[s] + hope_ns / norm * (taken[s] - capacity));
  }
}

}  // namespace

std::optional<double> priced_hosts(RelaxedLayers const& layers, Ways const& ways,
                                   std::span<std::size_t const> gateways, RowsDone const& done) {
  auto priced = priced_layers(layers, ways, gateways);
  double fixed = static_cast<double>(layers.head_ns[gateways[0]]);
  for (std::uint32_t l = 0; l < layers.layers(); ++l)
    fixed += static_cast<double>(layers.fixed(l, gateways[l]));

  auto const capacity = static_cast<double>(layers.capacity);
  std::vector<double> price(layers.satellites, 0.0);
  std::vector<double> layer_ns(priced.size());
  double best = 0;
  double hope = first_hope;
  std::uint32_t without_gain = 0;
  for (std::uint32_t round = 0; round < price_rounds; ++round) {
    tbb::parallel_for(std::size_t{0}, priced.size(),
                      [&](std::size_t l) { layer_ns[l] = priced[l].solve(price); });
    double const paid = capacity * std::accumulate(price.begin(), price.end(), 0.0);
    double const bound = fixed + std::accumulate(layer_ns.begin(), layer_ns.end(), 0.0) - paid;
    if (std::ranges::max(layer_ns) >= PricedLayer::infinite_ns) return std::nullopt;
    without_gain = bound > best ? 0 : without_gain + 1;
    best = std::max(best, bound);
    if (without_gain == patience) {
      hope /= 2;
      without_gain = 0;
    }
    std::vector<double> taken(price.size(), 0.0);
    for (auto const& layer : priced) layer.add_taken(taken);
    move_prices(taken, capacity, best - bound + hope * best, price);
    done(1);
  }
  return best * rounding_margin;
}

}  // namespace spacemoe
