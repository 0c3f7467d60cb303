#include "host/search/layer_windows.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

namespace spacemoe {
namespace {

/// Gateways between two calls of RowsDone.
constexpr std::size_t gateways_at_once = 64;

/// Most steps in which the experts of a layer are counted; more experts are counted several at a time.
constexpr std::size_t most_steps = 16;

/// More than any window.
constexpr double infinite_ns = 1e18;

/// For every window of layers l and l + 1, the greatest sum of the chances that either draws only experts
/// that have a place, when so many places are there for the one, the other, and both together. Places are
/// counted in steps of some, upwards.
class WithinTable {
 public:
  explicit WithinTable(RelaxedLayers const& layers) : windows_(layers.layers()) {
    for (auto const& chance : layers.chance) experts_ = std::max(experts_, chance.size());
    step_ = (experts_ + most_steps - 1) / most_steps;
    steps_ = (experts_ + step_ - 1) / step_;
    sum_.resize((steps_ + 1) * (steps_ + 1) * (2 * steps_ + 1) * windows_);
    std::vector<std::vector<double>> within;
    for (auto const& chance : layers.chance) within.push_back(within_steps(chance));
    for (std::size_t w = 0; w < windows_; ++w) fill(w, within[w], within[(w + 1) % windows_]);
  }

  std::size_t windows() const { return windows_; }
  std::size_t experts() const { return experts_; }

  /// Sums [window].
  double const* at(std::size_t first_places, std::size_t second_places, std::size_t places) const {
    return &sum_[entry(std::min(steps(first_places), steps_), std::min(steps(second_places), steps_),
                       std::min(steps(places), 2 * steps_))];
  }

 private:
  std::size_t steps(std::size_t places) const { return (places + step_ - 1) / step_; }

  std::size_t entry(std::size_t first, std::size_t second, std::size_t both) const {
    return ((first * (steps_ + 1) + second) * (2 * steps_ + 1) + both) * windows_;
  }

  std::vector<double> within_steps(std::vector<double> const& chance) const {
    std::vector<double> within{0.0};
    double sum = 0;
    for (std::size_t m = 0; m < chance.size(); ++m) {
      sum += chance[m];
      if ((m + 1) % step_ == 0) within.push_back(std::min(sum, 1.0));
    }
    within.resize(steps_ + 1, 1.0);
    if (chance.size() % step_ == 0) within[chance.size() / step_] = 1;
    return within;
  }

  void fill(std::size_t window, std::vector<double> const& one, std::vector<double> const& other) {
    for (std::size_t first = 0; first <= steps_; ++first) {
      for (std::size_t second = 0; second <= steps_; ++second) {
        for (std::size_t both = 0; both <= 2 * steps_; ++both) {
          double best = 0;
          for (std::size_t some = 0; some <= std::min(first, both); ++some) {
            best = std::max(best, one[some] + other[std::min(second, both - some)]);
          }
          sum_[entry(first, second, both) + window] = best;
        }
      }
    }
  }

  std::size_t windows_;
  std::size_t experts_ = 0;
  std::size_t step_;   ///< places
  std::size_t steps_;  ///< that hold all experts of a layer
  std::vector<double> sum_;
};

/// A gateway, the next one, and the hosts between them.
struct Pair {
  std::size_t next;
  std::uint64_t least_ns;  ///< of any layer, with what it computes at its gateway
  std::vector<HostCost> hosts;
};

/// Counts the places within reach of two layers as their costs rise together, and adds up the windows' means:
/// a layer whose hosts cost c_h has the mean base + integral over t of 1 - F(hosts with c_h - base <= t), for
/// every base that no c_h is below.
class WindowMeans {
 public:
  WindowMeans(RelaxedLayers const& layers, WithinTable const& within)
      : layers_(layers),
        within_(within),
        met_(layers.satellites, 0),
        sum_(within.windows()),
        least_(within.windows(), infinite_ns) {}

  /// The least costs [window] so far [ns].
  std::vector<double> const& least() const { return least_; }

  double greatest_least() const { return std::ranges::max(least_); }

  void merge(WindowMeans const& other) {
    for (std::size_t w = 0; w < least_.size(); ++w) least_[w] = std::min(least_[w], other.least_[w]);
  }

  void add(std::size_t gateway, Pair const& first, Pair const& second) {
    double const least_of_pairs = static_cast<double>(first.least_ns + second.least_ns);
    best_.assign(within_.windows(), least_of_pairs);
    for (bool const same_base : {true, false}) {
      integrate(gateway, first, second, same_base);
      bool higher = true;
      for (std::size_t w = 0; w < best_.size(); ++w) {
        auto const window = static_cast<std::uint32_t>(w);
        std::uint32_t const after = (window + 1) % layers_.layers();
        double const fixed =
            static_cast<double>(layers_.fixed(window, gateway) + layers_.fixed(after, first.next));
        best_[w] = std::max(best_[w], sum_[w] + fixed);
        higher = higher && best_[w] >= least_[w];
      }
      if (higher) return;
    }
    for (std::size_t w = 0; w < best_.size(); ++w) least_[w] = std::min(least_[w], best_[w]);
  }

 private:
  /// Goes through the hosts of one pair, without a satellite that may not host.
  struct Reach {
    std::span<HostCost const> left;
    std::uint32_t without;
    double base_ns = 0;
    std::size_t places = 0;

    void skip() {
      if (!left.empty() && left.front().satellite == without) left = left.subspan(1);
    }
    double next_ns() const {
      return left.empty() ? infinite_ns : static_cast<double>(left.front().ns) - base_ns;
    }
  };

  Reach reach(Pair const& pair, std::size_t other_gateway) const {
    Reach reach{pair.hosts, layers_.gateways_host_experts ? layers_.satellites
                                                          : static_cast<std::uint32_t>(other_gateway)};
    reach.skip();
    return reach;
  }

  void integrate(std::size_t gateway, Pair const& first, Pair const& second, bool same_base) {
    std::array<Reach, 2> layer{reach(first, second.next), reach(second, gateway)};
    double const one = layer[0].next_ns();
    double const other = layer[1].next_ns();
    layer[0].base_ns = same_base ? std::min(one, other) : one;
    layer[1].base_ns = same_base ? std::min(one, other) : other;
    std::ranges::fill(sum_, layer[0].base_ns + layer[1].base_ns);
    ++round_;
    std::size_t places = 0;
    double reached_ns = 0;
    while (places < 2 * within_.experts()) {
      Reach& nearer = layer[0].next_ns() <= layer[1].next_ns() ? layer[0] : layer[1];
      double const step_ns = nearer.next_ns() - reached_ns;
      if (step_ns > 0) add_step(step_ns, within_.at(layer[0].places, layer[1].places, places));
      if (nearer.left.empty()) return;
      reached_ns += std::max(step_ns, 0.0);
      std::uint32_t const host = nearer.left.front().satellite;
      nearer.left = nearer.left.subspan(1);
      nearer.skip();
      nearer.places += layers_.capacity;
      if (met_[host] != round_) places += layers_.capacity;
      met_[host] = round_;
    }
  }

  void add_step(double step_ns, double const* within) {
    for (std::size_t w = 0; w < sum_.size(); ++w) sum_[w] += step_ns * (2 - within[w]);
  }

  RelaxedLayers const& layers_;
  WithinTable const& within_;
  std::vector<std::uint64_t> met_;  ///< [satellite]: round in which it was counted
  std::uint64_t round_ = 0;
  std::vector<double> sum_;    ///< [window]
  std::vector<double> best_;   ///< [window]
  std::vector<double> least_;  ///< [window]
};

/// Least cost [next gateway] over all layers from a gateway, with what it computes there.
std::vector<std::uint64_t> least_from(RelaxedLayers const& layers, PairBounds const& pairs,
                                      std::size_t gateway) {
  std::vector<std::uint64_t> least(layers.satellites, no_limit_ns);
  for (std::uint32_t l = 0; l < layers.layers(); ++l) {
    auto const row = pairs.from(l, gateway);
    std::uint64_t const fixed = layers.fixed(l, gateway);
    for (std::size_t next = 0; next < row.size(); ++next) {
      if (row[next] != unreachable) least[next] = std::min(least[next], fixed + row[next]);
    }
  }
  return least;
}

class Windows {
 public:
  Windows(RelaxedLayers const& layers, Ways const& ways, PairBounds const& pairs)
      : layers_(layers),
        ways_(ways),
        pairs_(pairs),
        within_(layers),
        count_((2 * within_.experts() + layers.capacity - 1) / layers.capacity + 1) {}

  /// Empty where that takes too much memory.
  std::optional<std::vector<double>> least(std::uint64_t bytes, RowsDone const& done) {
    WindowMeans known = known_windows();
    std::uint64_t const room = bytes / (count_ * sizeof(HostCost));
    if (known.greatest_least() >= infinite_ns || !collect_pairs(known.greatest_least(), room))
      return std::nullopt;
    tbb::enumerable_thread_specific<WindowMeans> means(known);
    for (std::size_t first = 0; first < layers_.satellites; first += gateways_at_once) {
      std::size_t const end = std::min<std::size_t>(first + gateways_at_once, layers_.satellites);
      tbb::parallel_for(first, end, [&](std::size_t g) { add_from(g, means.local()); });
      done(end - first);
    }
    for (WindowMeans const& part : means) known.merge(part);
    return known.least();
  }

 private:
  /// Windows that stay at the gateway where a layer costs least, or leave it: an upper bound of what is
  /// sought.
  WindowMeans known_windows() {
    std::size_t best = 0;
    for (std::size_t g = 0; g < layers_.satellites; ++g) {
      row_least_.push_back(std::ranges::min(least_from(layers_, pairs_, g)));
      if (row_least_[g] < row_least_[best]) best = g;
    }
    auto const least = least_from(layers_, pairs_, best);
    auto const stay = static_cast<std::size_t>(std::ranges::min_element(least) - least.begin());
    WindowMeans means(layers_, within_);
    Pair const first = pair(HostsAround(layers_, best, ways_.from(best)), stay, least[stay]);
    auto const onward = least_from(layers_, pairs_, stay);
    HostsAround const around(layers_, stay, ways_.from(stay));
    for (std::size_t next = 0; next < layers_.satellites; ++next) {
      if (closes(best, next) && onward[next] < no_limit_ns)
        means.add(best, first, pair(around, next, onward[next]));
    }
    return means;
  }

  /// Whether a window may lead from one gateway to the other: two layers are a closed walk.
  bool closes(std::size_t from, std::size_t to) const { return layers_.layers() > 2 || from == to; }

  Pair pair(HostsAround const& around, std::size_t next, std::uint64_t least_ns) const {
    Pair pair{next, least_ns, {}};
    around.nearest(next, ways_.from(next), count_, no_limit_ns, pair.hosts);
    return pair;
  }

  /// Pairs that may be part of a window below `limit_ns`, by rising cost; false where these are too many.
  bool collect_pairs(double limit_ns, std::uint64_t room) {
    std::uint64_t const least = std::ranges::min(row_least_);
    std::uint64_t const most = static_cast<std::uint64_t>(limit_ns) - least;
    std::vector<std::vector<std::uint32_t>> next(layers_.satellites);
    std::uint64_t found = 0;
    for (std::size_t g = 0; g < layers_.satellites; ++g) {
      auto const row = least_from(layers_, pairs_, g);
      for (std::uint32_t to = 0; to < row.size(); ++to) {
        if (row[to] <= most) next[g].push_back(to);
      }
      found += next[g].size();
      if (found > room) return false;
    }
    pairs_from_.resize(layers_.satellites);
    tbb::parallel_for(std::size_t{0}, next.size(), [&](std::size_t g) {
      auto const row = least_from(layers_, pairs_, g);
      HostsAround const around(layers_, g, ways_.from(g));
      for (std::uint32_t const to : next[g]) pairs_from_[g].push_back(pair(around, to, row[to]));
      std::ranges::stable_sort(pairs_from_[g], {}, &Pair::least_ns);
    });
    return true;
  }

  void add_from(std::size_t gateway, WindowMeans& means) const {
    for (Pair const& first : pairs_from_[gateway]) {
      for (Pair const& second : pairs_from_[first.next]) {
        if (static_cast<double>(first.least_ns + second.least_ns) >= means.greatest_least()) break;
        if (closes(gateway, second.next)) means.add(gateway, first, second);
      }
    }
  }

  RelaxedLayers const& layers_;
  Ways const& ways_;
  PairBounds const& pairs_;
  WithinTable within_;
  std::size_t count_;                          ///< hosts of a pair that may matter
  std::vector<std::uint64_t> row_least_;       ///< [gateway]
  std::vector<std::vector<Pair>> pairs_from_;  ///< [gateway]
};

}  // namespace

std::optional<double> windows_of_two(RelaxedLayers const& layers, Ways const& ways, PairBounds const& pairs,
                                     std::uint64_t bytes, RowsDone const& done) {
  if (layers.layers() < 2) return std::nullopt;
  auto const least = Windows(layers, ways, pairs).least(bytes, done);
  if (!least) return std::nullopt;
  // Every layer is in two windows.
  double const sum = std::accumulate(least->begin(), least->end(), 0.0) / 2;
  return (sum + static_cast<double>(std::ranges::min(layers.head_ns))) * rounding_margin;
}

}  // namespace spacemoe
