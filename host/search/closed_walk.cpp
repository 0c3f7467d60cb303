#include "host/search/closed_walk.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>

namespace spacemoe {
namespace {

/// Rows between two calls of RowsDone.
constexpr std::size_t rows_at_once = 64;

/// Costs beyond so many times those of the hosts around a single gateway are clipped: walks that stay there
/// are always closed.
constexpr std::uint64_t clipping = 2;

/// Chance that the slowest drawn expert is the m-th, where the first m are drawn together as often as in any
/// of the layers.
std::vector<double> common_chance(RelaxedLayers const& layers, std::vector<std::uint32_t> const& members) {
  std::size_t experts = 0;
  for (std::uint32_t const l : members) experts = std::max(experts, layers.chance[l].size());
  std::vector<double> within(experts, 0.0);
  for (std::uint32_t const l : members) {
    double sum = 0;
    for (std::size_t m = 0; m < experts; ++m) {
      sum = m + 1 < layers.chance[l].size() ? sum + layers.chance[l][m] : 1.0;
      within[m] = std::max(within[m], sum);
    }
  }
  std::vector<double> chance(experts);
  std::adjacent_difference(within.begin(), within.end(), chance.begin());
  return chance;
}

/// Rank of the slowest drawn expert, on average.
double mean_rank(std::vector<double> const& chance) {
  double mean = 0;
  for (std::size_t m = 0; m < chance.size(); ++m) mean += static_cast<double>(m) * chance[m];
  return mean;
}

/// Layers in classes of like chances, as many as `classes` at most.
std::vector<std::vector<std::uint32_t>> classes_of(RelaxedLayers const& layers, std::uint64_t classes) {
  std::vector<std::uint32_t> order(layers.layers());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(
      order, [&](auto a, auto b) { return mean_rank(layers.chance[a]) < mean_rank(layers.chance[b]); });
  std::vector<std::vector<std::uint32_t>> members;
  std::uint64_t const most = std::clamp<std::uint64_t>(classes, 1, order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    bool const same = i > 0 && layers.chance[order[i]] == layers.chance[order[i - 1]];
    if (members.empty() || (!same && members.size() <= i * most / order.size())) members.emplace_back();
    members.back().push_back(order[i]);
  }
  return members;
}

constexpr std::uint64_t infinite_ns = no_limit_ns;

/// Below the mean that a double holds: its rounding is far less than a tenth of a nanosecond.
Nanoseconds rounded_down(double mean_ns) {
  return mean_ns < unreachable ? static_cast<Nanoseconds>(std::max(0.0, mean_ns - 0.1)) : unreachable;
}

/// The work of a thread on walks from one gateway.
class WalksFrom {
 public:
  WalksFrom(RelaxedLayers const& layers, PairBounds const& pairs, std::span<std::uint64_t const> rest_ns)
      : layers_(layers),
        pairs_(pairs),
        rest_ns_(rest_ns),
        cost_(layers.satellites),
        next_(layers.satellites) {}

  /// Cost of the best closed walk from `start` where it is less than `known_ns`; at least that otherwise.
  std::uint64_t best(std::size_t start, std::uint64_t known_ns) {
    std::ranges::fill(cost_, infinite_ns);
    reached_.assign(1, start);
    cost_[start] = layers_.head_ns[start];
    std::uint32_t const last = layers_.layers() - 1;
    for (std::uint32_t l = 0; l < last; ++l) step(l, known_ns);
    std::uint64_t best = infinite_ns;
    for (std::size_t const g : reached_) {
      Nanoseconds const home = pairs_.from(last, g)[start];
      if (home != unreachable) best = std::min(best, cost_[g] + layers_.fixed(last, g) + home);
    }
    return best;
  }

 private:
  void step(std::uint32_t layer, std::uint64_t known_ns) {
    std::ranges::fill(next_, infinite_ns);
    for (std::size_t const g : reached_) {
      std::uint64_t const before = cost_[g] + layers_.fixed(layer, g);
      auto const row = pairs_.from(layer, g);
      for (std::size_t b = 0; b < row.size(); ++b) {
        std::uint64_t const offered = row[b] == unreachable ? infinite_ns : before + row[b];
        next_[b] = std::min(next_[b], offered);
      }
    }
    std::swap(cost_, next_);
    reached_.clear();
    for (std::size_t b = 0; b < cost_.size(); ++b) {
      if (cost_[b] + rest_ns_[layer + 1] < known_ns) reached_.push_back(b);
    }
  }

  RelaxedLayers const& layers_;
  PairBounds const& pairs_;
  std::span<std::uint64_t const> rest_ns_;
  std::vector<std::uint64_t> cost_;
  std::vector<std::uint64_t> next_;
  std::vector<std::size_t> reached_;
};

/// What layers from l on cost at least [l], and 0 at the end; and the gateway where all layers together cost
/// least.
struct LeastCosts {
  std::vector<std::uint64_t> rest_ns;
  std::size_t best_gateway;
};

LeastCosts least_costs(RelaxedLayers const& layers, PairBounds const& pairs) {
  LeastCosts least{std::vector<std::uint64_t>(layers.layers() + std::size_t{1}, 0), 0};
  std::vector<std::uint64_t> whole(layers.satellites, 0);
  for (std::uint32_t l = layers.layers(); l-- > 0;) {
    std::uint64_t layer_ns = infinite_ns;
    for (std::size_t g = 0; g < layers.satellites; ++g) {
      Nanoseconds const way = std::ranges::min(pairs.from(l, g));
      std::uint64_t const cost = way == unreachable ? infinite_ns : layers.fixed(l, g) + way;
      layer_ns = std::min(layer_ns, cost);
      whole[g] = std::min(whole[g] + cost, infinite_ns);
    }
    least.rest_ns[l] = std::min(least.rest_ns[l + 1] + layer_ns, infinite_ns);
  }
  least.best_gateway = static_cast<std::size_t>(std::ranges::min_element(whole) - whole.begin());
  return least;
}

}  // namespace

PairBounds::PairBounds(RelaxedLayers const& layers, Ways const& ways, std::uint64_t bytes,
                       RowsDone const& done)
    : satellites_(layers.satellites), class_(layers.layers()) {
  std::size_t const entries = std::size_t{satellites_} * satellites_;
  for (auto const& members : classes_of(layers, bytes / (entries * sizeof(Nanoseconds)))) {
    for (std::uint32_t const l : members) class_[l] = static_cast<std::uint32_t>(chance_.size());
    chance_.push_back(common_chance(layers, members));
    matrix_.emplace_back(entries);
  }
  std::vector<HostCost> hosts;
  limit_ns_ = no_limit_ns;
  for (std::size_t g = 0; g < satellites_; ++g) {
    HostsAround const hosts_around(layers, g, ways.from(g));
    hosts_around.nearest(g, ways.from(g), most_hosts(layers), no_limit_ns, hosts);
    if (hosts.size() == most_hosts(layers)) limit_ns_ = std::min(limit_ns_, clipping * hosts.back().ns);
  }
  for (std::size_t first = 0; first < satellites_; first += rows_at_once) {
    std::size_t const end = std::min<std::size_t>(first + rows_at_once, satellites_);
    tbb::parallel_for(first, end, [&](std::size_t g) { fill_rows(layers, ways, g); });
    done(end - first);
  }
}

/// Where outputs meet at the next gateway, costs are the same in both directions.
void PairBounds::fill_rows(RelaxedLayers const& layers, Ways const& ways, std::size_t gateway) {
  HostsAround const around(layers, gateway, ways.from(gateway));
  auto const limit_ns = static_cast<double>(limit_ns_);
  std::size_t const count = most_hosts(layers);
  std::vector<HostCost> hosts;
  for (std::size_t next = layers.own_gateway ? 0 : gateway; next < satellites_; ++next) {
    bool const far = ways.shortest() && ways.from(gateway)[next] > limit_ns_;
    hosts.clear();
    if (!far) around.nearest(next, ways.from(next), count, limit_ns_, hosts);
    for (std::size_t c = 0; c < chance_.size(); ++c) {
      double const mean =
          hosts.empty() ? limit_ns : slowest_drawn_ns(chance_[c], hosts, layers.capacity, limit_ns);
      matrix_[c][gateway * satellites_ + next] = rounded_down(mean);
      if (!layers.own_gateway) matrix_[c][next * satellites_ + gateway] = rounded_down(mean);
    }
  }
}

std::optional<std::uint64_t> best_closed_walk(RelaxedLayers const& layers, PairBounds const& pairs,
                                              RowsDone const& done) {
  LeastCosts const least = least_costs(layers, pairs);
  std::uint64_t known = WalksFrom(layers, pairs, least.rest_ns).best(least.best_gateway, infinite_ns);
  tbb::enumerable_thread_specific<WalksFrom> walks(std::cref(layers), std::cref(pairs), least.rest_ns);
  for (std::size_t first = 0; first < layers.satellites; first += rows_at_once) {
    std::size_t const end = std::min<std::size_t>(first + rows_at_once, layers.satellites);
    known = tbb::parallel_reduce(
        tbb::blocked_range<std::size_t>(first, end), known,
        [&](auto const& range, std::uint64_t best) {
          for (std::size_t g = range.begin(); g < range.end(); ++g) {
            best = std::min(best, walks.local().best(g, best));
          }
          return best;
        },
        [](std::uint64_t a, std::uint64_t b) { return std::min(a, b); });
    done(end - first);
  }
  return known < infinite_ns ? std::optional(known) : std::nullopt;
}

}  // namespace spacemoe
