#include "host/evaluation/costs.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "host/errors.hpp"

namespace spacemoe {
namespace {

/// A cost as kernels take it; `worst_ns` is the most that queueing can make of it.
Nanoseconds narrowed(std::uint64_t cost_ns, std::uint64_t worst_ns, std::uint32_t layer) {
  if (worst_ns >= unreachable) {
    throw ScenarioError({"compute",
                         "layer " + std::to_string(layer) + " can take " + std::to_string(worst_ns) +
                             " ns with its paths and queues; a layer must stay below 2^31 ns (2.1 s)",
                         "raise the compute rates or lower the latencies"});
  }
  return static_cast<Nanoseconds>(cost_ns);
}

/// Compute time on a satellite that may be slower than usual.
std::uint64_t slowed(std::uint64_t compute_ns, SlotDamage const* damage, SatelliteId satellite) {
  if (damage == nullptr || compute_ns == 0) return compute_ns;
  double const slower_ns = static_cast<double>(compute_ns) * damage->slowdown_of(satellite);
  return static_cast<std::uint64_t>(std::llround(std::min(slower_ns, 9e18)));
}

bool works(SatelliteId satellite, SlotDamage const* damage) {
  return damage == nullptr || damage->computes(satellite);
}

/// More than any cost of finite paths.
constexpr std::uint64_t lost_ns = ~std::uint64_t{0};

}  // namespace

PathSources::PathSources(std::vector<SatelliteId> gateways) : ids_(std::move(gateways)) {
  std::ranges::sort(ids_);
  auto const repeated = std::ranges::unique(ids_);
  ids_.erase(repeated.begin(), repeated.end());
}

std::uint32_t PathSources::number(SatelliteId id) const {
  return static_cast<std::uint32_t>(std::ranges::lower_bound(ids_, id) - ids_.begin());
}

void add_gateways(Placement const& placement, std::vector<SatelliteId>& gateways) {
  gateways.insert(gateways.end(), placement.gateway.begin(), placement.gateway.end());
  for (SpareGateway const& spare : placement.spare) gateways.push_back(spare.satellite);
}

/// The gateway of a layer in a slot: the first that works.
struct PlacementCosts::Acting {
  std::size_t number = 0;
  bool works = false;
};

/// The copy of an expert that serves in a slot: of those that work the one of least cost, the first of
/// several.
struct PlacementCosts::Served {
  Copy const* copy;
  std::uint64_t cost_ns = lost_ns;
  std::uint64_t path_ns = lost_ns;
};

PlacementCosts::PlacementCosts(Scenario const& scenario, ComputeTimes const& compute,
                               Placement const& placement, PathSources const& sources)
    : layers_(placement.layers),
      experts_(placement.experts),
      top_k_(scenario.model.top_k),
      own_gateway_(scenario.aggregation == Aggregation::own_gateway),
      replicated_(!placement.replica.empty()) {
  add_gateways(placement, compute);
  for (std::uint32_t l = 0; l < layers_; ++l) add_copies(placement, compute, l);
  first_copy_.push_back(copy_.size());
  for (std::uint32_t l = 0; l < layers_; ++l) add_queries(sources, l);
}

void PlacementCosts::add_gateways(Placement const& placement, ComputeTimes const& compute) {
  layer_.resize(layers_);
  for (std::uint32_t l = 0; l < layers_; ++l) layer_[l].gateway = {placement.gateway[l]};
  for (SpareGateway const& spare : placement.spare) layer_[spare.layer].gateway.push_back(spare.satellite);
  for (std::uint32_t l = 0; l < layers_; ++l) {
    for (SatelliteId const id : layer_[l].gateway) layer_[l].gateway_ns.push_back(compute.gateway_ns(l, id));
  }
  for (SatelliteId const id : layer_[0].gateway) head_ns_.push_back(compute.head_ns(id));
}

void PlacementCosts::add_copies(Placement const& placement, ComputeTimes const& compute,
                                std::uint32_t layer) {
  layer_[layer].first_copy = copy_.size();
  struct Host {
    std::uint16_t number;
    std::uint32_t expert;  ///< one that has a copy there
  };
  std::map<SatelliteId, Host> hosts;
  bool shared = false;
  auto const add = [&](std::uint32_t expert, SatelliteId id) {
    Host const host =
        hosts.try_emplace(id, Host{static_cast<std::uint16_t>(hosts.size()), expert}).first->second;
    shared = shared || host.expert != expert;
    copy_.push_back({id, host.number, compute.expert_ns(layer, expert, id)});
  };
  auto replica = std::ranges::find(placement.replica, layer, &Replica::layer);
  for (std::uint32_t e = 0; e < experts_; ++e) {
    first_copy_.push_back(copy_.size());
    add(e, placement.host_of(layer, e));
    Copy const& own = copy_.back();
    host_.push_back(own.number);
    queue_ns_.push_back(narrowed(own.compute_ns, own.compute_ns, layer));
    for (; replica != placement.replica.end() && replica->layer == layer && replica->expert == e; ++replica) {
      add(e, replica->host);
    }
  }
  shares_hosts_.push_back(shared);
}

std::span<PlacementCosts::Copy const> PlacementCosts::copies(std::uint32_t layer) const {
  std::size_t const end = layer + 1 < layers_ ? layer_[layer + 1].first_copy : copy_.size();
  return std::span(copy_).subspan(layer_[layer].first_copy, end - layer_[layer].first_copy);
}

void PlacementCosts::add_queries(PathSources const& sources, std::uint32_t layer) {
  layer_[layer].first_query = queries_.size();
  for (Copy const& copy : copies(layer)) {
    for (SatelliteId const id : layer_[layer].gateway) queries_.push_back({sources.number(id), copy.host});
    for (SatelliteId const id : layer_[aggregation(layer)].gateway) {
      queries_.push_back({sources.number(id), copy.host});
    }
  }
  if (!own_gateway_) return;
  for (SatelliteId const from : layer_[layer].gateway) {
    for (SatelliteId const to : layer_[next(layer)].gateway) queries_.push_back({sources.number(from), to});
  }
}

std::uint64_t PlacementCosts::path_ns(std::span<Nanoseconds const> paths, std::uint32_t layer,
                                      std::size_t copy, std::span<Acting const> acting) const {
  std::size_t const gateways = layer_[layer].gateway.size();
  std::size_t const width = gateways + layer_[aggregation(layer)].gateway.size();
  auto const of_copy = paths.subspan(layer_[layer].first_query + (copy - layer_[layer].first_copy) * width);
  Nanoseconds const there = of_copy[acting[layer].number];
  Nanoseconds const back = of_copy[gateways + acting[aggregation(layer)].number];
  if (there == unreachable || back == unreachable) return lost_ns;
  return std::uint64_t{there} + back;
}

PlacementCosts::Served PlacementCosts::best_copy(std::span<Nanoseconds const> paths, std::uint32_t layer,
                                                 std::uint32_t expert, std::span<Acting const> acting,
                                                 SlotDamage const* damage) const {
  std::size_t const which = std::size_t{layer} * experts_ + expert;
  Served best{&copy_[first_copy_[which]]};
  for (std::size_t c = first_copy_[which]; c < first_copy_[which + 1]; ++c) {
    if (!works(copy_[c].host, damage)) continue;
    std::uint64_t const path = path_ns(paths, layer, c, acting);
    if (path == lost_ns) continue;
    std::uint64_t const cost = path + slowed(copy_[c].compute_ns, damage, copy_[c].host);
    if (cost < best.cost_ns) best = {&copy_[c], cost, path};
  }
  return best;
}

Nanoseconds PlacementCosts::layer_ns(std::span<Nanoseconds const> paths, std::uint32_t layer,
                                     std::span<Acting const> acting, SlotDamage const* damage,
                                     std::uint64_t slowest_ns) const {
  if (!acting[layer].works || !acting[aggregation(layer)].works) return unreachable;
  Layer const& here = layer_[layer];
  std::size_t const gateway = acting[layer].number;
  std::uint64_t cost = slowed(here.gateway_ns[gateway], damage, here.gateway[gateway]);
  if (own_gateway_) {
    std::size_t const nexts = layer_[next(layer)].gateway.size();
    std::size_t const forwards = here.first_query + copies(layer).size() * 2 * here.gateway.size();
    Nanoseconds const forward = paths[forwards + gateway * nexts + acting[next(layer)].number];
    if (forward == unreachable || !acting[next(layer)].works) return unreachable;
    cost += forward;
  }
  return narrowed(cost, cost + slowest_ns, layer);
}

std::vector<PlacementCosts::Acting> PlacementCosts::acting_gateways(SlotDamage const* damage) const {
  std::vector<Acting> acts(layers_);
  for (std::uint32_t l = 0; l < layers_; ++l) {
    auto const& gateways = layer_[l].gateway;
    auto const first = std::ranges::find_if(gateways, [&](SatelliteId id) { return works(id, damage); });
    if (first != gateways.end()) acts[l] = {static_cast<std::size_t>(first - gateways.begin()), true};
  }
  return acts;
}

SlotCosts PlacementCosts::in_slot(std::span<Nanoseconds const> paths, SlotDamage const* damage) const {
  std::vector<Acting> const acts = acting_gateways(damage);
  SlotCosts costs;
  costs.layer_ns.reserve(layers_);
  costs.expert_ns.reserve(queue_ns_.size());
  if (damage != nullptr || replicated_) {
    costs.serving.emplace();
    // Where no gateway works, it takes as long as without damage: what else loses the token is not its time.
    auto const [first, first_works] = acts[0];
    SlotDamage const* const slower = first_works ? damage : nullptr;
    costs.serving->head_ns = slowed(head_ns_[first], slower, layer_[0].gateway[first]);
  }
  for (std::uint32_t l = 0; l < layers_; ++l) {
    std::uint64_t slowest = 0;
    for (std::uint32_t e = 0; e < experts_; ++e) {
      Served const served = best_copy(paths, l, e, acts, damage);
      bool const lost = served.cost_ns == lost_ns;
      std::uint64_t const queue = lost ? 0 : slowed(served.copy->compute_ns, damage, served.copy->host);
      if (lost) {
        costs.expert_ns.push_back(unreachable);
      } else {
        std::uint64_t const waits =
            shares_hosts_[l] ? (top_k_ - 1) * std::min<std::uint64_t>(queue, unreachable) : 0;
        costs.expert_ns.push_back(narrowed(served.cost_ns, served.cost_ns + waits, l));
        slowest = std::max(slowest, served.cost_ns + waits);
      }
      if (!costs.serving) continue;
      costs.serving->queue_ns.push_back(static_cast<Nanoseconds>(queue));
      costs.serving->host.push_back(served.copy->number);
      costs.serving->path_ns.push_back(lost ? unreachable : static_cast<Nanoseconds>(served.path_ns));
    }
    costs.layer_ns.push_back(layer_ns(paths, l, acts, damage, slowest));
  }
  return costs;
}

SlotWork PlacementCosts::work_in_slot(std::span<Nanoseconds const> paths, SlotDamage const* damage) const {
  std::vector<Acting> const acts = acting_gateways(damage);
  SlotWork work{std::vector<std::optional<SlotWork::Worker>>(layers_),
                std::vector<std::optional<SlotWork::Worker>>(queue_ns_.size())};
  for (std::uint32_t l = 0; l < layers_; ++l) {
    if (!acts[l].works) continue;
    SatelliteId const gateway = layer_[l].gateway[acts[l].number];
    std::uint64_t const head_ns = l == 0 ? head_ns_[acts[l].number] : 0;
    work.gateway[l] = {gateway, slowed(layer_[l].gateway_ns[acts[l].number], damage, gateway) +
                                    slowed(head_ns, damage, gateway)};
    if (!acts[aggregation(l)].works) continue;
    for (std::uint32_t e = 0; e < experts_; ++e) {
      Served const served = best_copy(paths, l, e, acts, damage);
      if (served.cost_ns == lost_ns) continue;
      SatelliteId const host = served.copy->host;
      work.expert[std::size_t{l} * experts_ + e] = {host, slowed(served.copy->compute_ns, damage, host)};
    }
  }
  return work;
}

CostView PlacementCosts::view(SlotCosts const& costs) const {
  if (!costs.serving) {
    return {layers_,   experts_, head_ns_.front(), costs.layer_ns, costs.expert_ns,
            queue_ns_, host_,    shares_hosts_};
  }
  SlotCosts::Serving const& serving = *costs.serving;
  return {layers_,         experts_,         serving.head_ns, costs.layer_ns,
          costs.expert_ns, serving.queue_ns, serving.host,    shares_hosts_};
}

std::uint32_t PlacementCosts::shared_layers() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(shares_hosts_, [](auto shares) { return shares != 0; }));
}

}  // namespace spacemoe
