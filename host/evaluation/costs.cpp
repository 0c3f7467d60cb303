#include "host/evaluation/costs.hpp"

#include <algorithm>
#include <map>
#include <string>

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

}  // namespace

PathSources::PathSources(std::vector<SatelliteId> gateways) : ids_(std::move(gateways)) {
  std::ranges::sort(ids_);
  auto const repeated = std::ranges::unique(ids_);
  ids_.erase(repeated.begin(), repeated.end());
}

std::uint32_t PathSources::number(SatelliteId id) const {
  return static_cast<std::uint32_t>(std::ranges::lower_bound(ids_, id) - ids_.begin());
}

PlacementCosts::PlacementCosts(Scenario const& scenario, ComputeTimes const& compute,
                               Placement const& placement, PathSources const& sources)
    : layers_(placement.layers),
      experts_(placement.experts),
      top_k_(scenario.model.top_k),
      own_gateway_(scenario.aggregation == Aggregation::own_gateway),
      head_ns_(compute.head_ns(placement.gateway.front())) {
  for (std::uint32_t l = 0; l < layers_; ++l) {
    SatelliteId const gateway = placement.gateway[l];
    SatelliteId const aggregation = own_gateway_ ? gateway : placement.next_gateway(l);
    gateway_ns_.push_back(compute.gateway_ns(l, gateway));
    std::map<SatelliteId, std::uint16_t> hosts;
    for (std::uint32_t e = 0; e < experts_; ++e) {
      SatelliteId const host = placement.host_of(l, e);
      host_.push_back(hosts.try_emplace(host, static_cast<std::uint16_t>(hosts.size())).first->second);
      compute_ns_.push_back(compute.expert_ns(l, e, host));
      queue_ns_.push_back(narrowed(compute_ns_.back(), compute_ns_.back(), l));
      queries_.push_back({sources.number(gateway), host});
      queries_.push_back({sources.number(aggregation), host});
    }
    shares_hosts_.push_back(hosts.size() < experts_);
    if (own_gateway_) queries_.push_back({sources.number(gateway), placement.next_gateway(l)});
  }
}

SlotCosts PlacementCosts::in_slot(std::span<Nanoseconds const> paths) const {
  SlotCosts costs;
  costs.layer_ns.reserve(layers_);
  costs.expert_ns.reserve(compute_ns_.size());
  std::size_t path = 0;
  for (std::uint32_t l = 0; l < layers_; ++l) {
    std::uint64_t slowest = 0;
    for (std::uint32_t e = 0; e < experts_; ++e) {
      std::size_t const expert = costs.expert_ns.size();
      Nanoseconds const there = paths[path++];
      Nanoseconds const back = paths[path++];
      if (there == unreachable || back == unreachable) {
        costs.expert_ns.push_back(unreachable);
        continue;
      }
      std::uint64_t const cost = std::uint64_t{there} + compute_ns_[expert] + back;
      std::uint64_t const worst =
          cost + (shares_hosts_[l] ? (top_k_ - 1) * std::uint64_t{queue_ns_[expert]} : 0);
      costs.expert_ns.push_back(narrowed(cost, worst, l));
      slowest = std::max(slowest, worst);
    }
    Nanoseconds const forward = own_gateway_ ? paths[path++] : 0;
    costs.layer_ns.push_back(forward == unreachable
                                 ? unreachable
                                 : narrowed(gateway_ns_[l] + forward, gateway_ns_[l] + forward + slowest, l));
  }
  return costs;
}

CostView PlacementCosts::view(SlotCosts const& costs) const {
  return {layers_, experts_, head_ns_, costs.layer_ns, costs.expert_ns, queue_ns_, host_, shares_hosts_};
}

std::uint32_t PlacementCosts::shared_layers() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(shares_hosts_, [](auto shares) { return shares != 0; }));
}

}  // namespace spacemoe
