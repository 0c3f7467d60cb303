#include "host/search/lower_bound.hpp"

#include <algorithm>
#include <numeric>

#include "host/search/closed_walk.hpp"
#include "host/search/hop_counts.hpp"
#include "host/search/layer_windows.hpp"
#include "host/search/mean_paths.hpp"
#include "host/search/priced_hosts.hpp"
#include "host/search/relaxed_layers.hpp"

namespace spacemoe {
namespace {

constexpr double ns_per_ms = 1e6;

/// Sources whose paths are found at a time.
constexpr std::size_t sources_at_once = 256;

/// Counts rows of work and says how many are done.
class Rows {
 public:
  Rows(LowerBoundOptions const& options, std::uint64_t total) : options_(options), total_(total) {}

  void operator()(std::uint64_t rows) {
    done_ += rows;
    if (options_.progress) options_.progress(done_, total_);
  }
  void finish() {
    if (done_ < total_) (*this)(total_ - done_);
  }

 private:
  LowerBoundOptions const& options_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
};

/// Satellites that some slot's links join, directly or not, have the same number.
std::vector<std::size_t> parts_ever_linked(SnapshotBatch const& batch) {
  Wiring const& wiring = *batch.wiring;
  std::vector<std::size_t> parent(wiring.nodes);
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  auto const root = [&](std::size_t node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  };
  for (std::uint32_t snapshot = 0; snapshot < batch.snapshots; ++snapshot) {
    SlotLinks const links = batch.slot(snapshot);
    for (std::size_t entry = 0; entry < links.latency_ns.size(); ++entry) {
      if (links.latency_ns[entry] == unreachable) continue;
      std::size_t const node = entry % wiring.nodes;
      parent[root(node)] = root(links.neighbors(static_cast<std::uint32_t>(entry / wiring.nodes))[node]);
    }
  }
  for (std::size_t node = 0; node < parent.size(); ++node) parent[node] = root(node);
  return parent;
}

/// The least chance that some expert of positive weight is drawn.
double least_drawn(RelaxedLayers const& layers) {
  double least = 1;
  for (auto const& chance : layers.chance) least = std::min(least, chance.back());
  return least;
}

/// The loss that a bound must reckon with: a placement that uses a path which is lost in some slot loses the
/// tokens that draw its expert there, so that a smaller allowance is none.
double usable_loss(RelaxedLayers const& layers, SnapshotBatch const& slots, double allowed_loss) {
  return allowed_loss < least_drawn(layers) / slots.snapshots * rounding_margin ? 0 : allowed_loss;
}

/// Mean paths from `sources`, without those that a placement may not use.
Ways usable_ways(RelaxedLayers const& layers, SnapshotBatch const& slots,
                 std::span<SatelliteId const> sources, Backend& backend, double allowed_loss, Rows& rows) {
  bool const may_lose = allowed_loss > 0;
  bool const may_part = least_drawn(layers) <= allowed_loss;
  auto const part = parts_ever_linked(slots);
  Ways ways(sources.size(), layers.satellites, !may_lose);
  for (std::size_t first = 0; first < sources.size(); first += sources_at_once) {
    auto const some = sources.subspan(first, std::min(sources_at_once, sources.size() - first));
    MeanPaths const mean(slots, backend, some, may_lose ? ignore_lost : forbid_lost);
    for (std::size_t s = 0; s < some.size(); ++s) {
      auto const from = mean.from(static_cast<std::uint32_t>(s));
      auto const to = ways.from(first + s);
      for (std::size_t node = 0; node < to.size(); ++node) {
        bool const parted = part[node] != part[index(some[s])];
        to[node] = parted && !may_part ? unreachable : from[node];
      }
    }
    rows(some.size());
  }
  return ways;
}

/// What no token can exceed as long as no layer reaches 2^31 ns, with paths that are lost counted as 0.
double greatest_token_ns(RelaxedLayers const& layers) {
  double const most_compute = static_cast<double>(std::ranges::max(layers.satellite_ns));
  double sum = static_cast<double>(std::ranges::max(layers.head_ns));
  for (std::uint32_t l = 0; l < layers.layers(); ++l) {
    auto const first = layers.fixed_ns.begin() + l * std::ptrdiff_t{layers.satellites};
    sum += static_cast<double>(*std::max_element(first, first + layers.satellites)) + most_compute;
    sum += (layers.own_gateway ? 3.0 : 2.0) * unreachable;
  }
  return sum;
}

/// A bound over delivered tokens from one over all tokens, where lost paths count as 0: with a share x of
/// them lost, bound <= (1 - x) J + x greatest, and x is anything up to the allowed loss.
double over_delivered(double bound_ns, double allowed_loss, double greatest_ns) {
  if (allowed_loss >= 1) return 0;
  return std::max(0.0, std::min(bound_ns, (bound_ns - allowed_loss * greatest_ns) / (1 - allowed_loss)));
}

std::vector<SatelliteId> all_satellites(std::uint32_t count) {
  std::vector<SatelliteId> all;
  for (std::uint32_t s = 0; s < count; ++s) all.push_back(satellite(s));
  return all;
}

struct Found {
  double mean_ns;
  std::string kind;
};

void keep_greater(std::optional<double> mean_ns, std::string const& kind, std::optional<Found>& found) {
  if (mean_ns && (!found || *mean_ns > found->mean_ns)) found = {*mean_ns, kind};
}

std::optional<Found> for_free_gateways(RelaxedLayers const& layers, SnapshotBatch const& slots,
                                       Backend& backend, double loss, LowerBoundOptions const& options) {
  Rows rows(options, 4 * std::uint64_t{layers.satellites});
  Ways const ways = usable_ways(layers, slots, all_satellites(layers.satellites), backend, loss, rows);
  auto const done = [&](std::uint64_t count) { rows(count); };
  PairBounds const pairs(layers, ways, options.matrix_bytes, done);
  auto const walk = best_closed_walk(layers, pairs, done);
  if (!walk) return std::nullopt;
  std::optional<Found> found{{static_cast<double>(*walk), "closed walk"}};
  keep_greater(windows_of_two(layers, ways, pairs, options.matrix_bytes, done), "windows of 2 layers", found);
  keep_greater(hop_counts(layers, slots), "hop counts", found);
  rows.finish();
  return found;
}

std::optional<Found> for_fixed_gateways(RelaxedLayers const& layers, SnapshotBatch const& slots,
                                        Backend& backend, double loss, LowerBoundOptions const& options) {
  auto const& gateways = *options.fixed_gateways;
  Rows rows(options, gateways.size() + price_rounds);
  Ways const ways = usable_ways(layers, slots, gateways, backend, loss, rows);
  std::vector<std::size_t> numbers;
  for (SatelliteId const g : gateways) numbers.push_back(index(g));
  auto const mean = priced_hosts(layers, ways, numbers, [&](std::uint64_t count) { rows(count); });
  std::optional<Found> found;
  keep_greater(mean, "prices of places", found);
  return found;
}

std::optional<Found> best_bound(RelaxedLayers const& layers, SnapshotBatch const& slots, Backend& backend,
                                double loss, LowerBoundOptions const& options) {
  if (options.fixed_gateways) return for_fixed_gateways(layers, slots, backend, loss, options);
  std::uint64_t const pairs = std::uint64_t{layers.satellites} * layers.satellites;
  if (pairs * sizeof(Nanoseconds) <= options.matrix_bytes)
    return for_free_gateways(layers, slots, backend, loss, options);
  std::optional<Found> found;
  keep_greater(hop_counts(layers, slots), "hop counts", found);
  return found;
}

}  // namespace

LowerBound lower_bound(Scenario const& scenario, SnapshotBatch const& planning_slots,
                       ComputeTimes const& compute, ScoringTables const& tables, Backend& backend,
                       LowerBoundOptions const& options) {
  RelaxedLayers const layers = relaxed_layers(scenario, compute, tables);
  double const loss = usable_loss(layers, planning_slots, options.allowed_loss);
  auto const found = best_bound(layers, planning_slots, backend, loss, options);
  if (!found) {
    return {
        std::nullopt, "",
        loss > 0 ? "no gateway ever reaches enough hosts" : "no gateway reaches enough hosts in every slot"};
  }
  double const mean_ns = over_delivered(found->mean_ns, loss, greatest_token_ns(layers));
  if (mean_ns <= 0) return {std::nullopt, "", "so many tokens may be lost that the others may cost nothing"};
  return {mean_ns / ns_per_ms, found->kind, ""};
}

}  // namespace spacemoe
