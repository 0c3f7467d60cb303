#include "host/search/mean_model.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "host/evaluation/layer_distribution.hpp"

namespace spacemoe {
namespace {

std::vector<std::uint32_t> falling(std::span<double const> weight) {
  std::vector<std::uint32_t> order(weight.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::uint32_t e) { return weight[e]; });
  return order;
}

/// P(the slowest drawn is the m-th), where the expert `order[m]` is the m-th fastest: the law's distribution
/// of latencies that tell the ranks.
std::vector<double> shares_of_ranks(LayerLaw const& law, std::span<std::uint32_t const> order) {
  std::vector<Nanoseconds> rank(order.size());
  for (std::size_t m = 0; m < order.size(); ++m) rank[order[m]] = static_cast<Nanoseconds>(m);
  std::array<Nanoseconds, 1> const at_gateway{0};
  std::array<std::uint8_t, 1> const shares_hosts{0};
  std::vector<std::uint16_t> const host(order.size());
  CostView const cost{1,           static_cast<std::uint32_t>(order.size()), 0, at_gateway, rank, rank, host,
                      shares_hosts};
  std::vector<double> share(order.size());
  for (auto const& atom : law.distribution(cost, 0).atoms) share[atom.latency_ns] = atom.probability;
  return share;
}

}  // namespace

MeanModel::MeanModel(Scenario const& scenario, ComputeTimes const& compute, ActivationWeights const& weights,
                     std::span<SatelliteId const> gateways, MeanPaths paths)
    : own_gateway_(scenario.aggregation == Aggregation::own_gateway),
      meets_(weights.experts > 1 ? (scenario.model.top_k - 1.0) / (weights.experts - 1.0) : 0.0),
      paths_(std::move(paths)),
      source_(paths_.nodes(), no_source) {
  for (std::uint32_t i = 0; i < gateways.size(); ++i) source_[index(gateways[i])] = i;
  for (std::uint32_t l = 0; l < weights.layers; ++l) {
    std::span<double const> const row(weights.layer(l), weights.experts);
    order_.push_back(falling(row));
    LayerLaw const law(scenario.law, Span<double const>(row.data(), weights.experts), scenario.model.top_k);
    rank_share_.push_back(shares_of_ranks(law, order_.back()));
    for (std::uint32_t s = 0; s < satellites(); ++s) {
      gateway_ns_.push_back(static_cast<double>(compute.gateway_ns(l, satellite(s))));
    }
  }
  for (std::uint32_t s = 0; s < satellites(); ++s) {
    compute_ns_.push_back(static_cast<double>(compute.expert_ns(0, 0, satellite(s))));
    head_ns_.push_back(static_cast<double>(compute.head_ns(satellite(s))));
  }
}

SatelliteId MeanModel::aggregation(Layout const& layout, std::uint32_t layer) const {
  return own_gateway_ ? layout.gateway(layer) : layout.placement().next_gateway(layer);
}

double MeanModel::gateway_ns(Layout const& layout, std::uint32_t layer) const {
  std::size_t const gateway = index(layout.gateway(layer));
  double ns = gateway_ns_[layer * std::size_t{satellites()} + gateway];
  if (own_gateway_) ns += path_ns(layout.gateway(layer), layout.placement().next_gateway(layer));
  if (layer == 0) ns += head_ns_[gateway];
  return ns;
}

void MeanModel::cost_experts(Layout const& layout, std::uint32_t layer, std::span<std::uint32_t> order,
                             std::span<double> cost_ns) const {
  SatelliteId const gateway = layout.gateway(layer);
  SatelliteId const back = aggregation(layout, layer);
  auto const hosts = layout.hosts(layer);
  bool const alone = layout.limits().capacity == 1;
  for (std::uint32_t m = 0; m < order.size(); ++m) {
    std::uint32_t const expert = order[m];
    SatelliteId const host = hosts[expert];
    double cost = host_ns(gateway, back, host);
    if (!alone) {
      auto const mates = std::ranges::count_if(layout.experts_on(host),
                                               [&](ExpertSlot e) { return layout.layer(e) == layer; });
      cost += static_cast<double>(mates - 1) * queue_ns(host);
    }
    std::uint32_t at = m;
    for (; at > 0 && cost_ns[at - 1] > cost; --at) {
      cost_ns[at] = cost_ns[at - 1];
      order[at] = order[at - 1];
    }
    cost_ns[at] = cost;
    order[at] = expert;
  }
}

double MeanModel::layer_ns(Layout const& layout, std::uint32_t layer, std::span<double const> cost_ns) const {
  double sum_ns = gateway_ns(layout, layer);
  auto const share = rank_share(layer);
  for (std::size_t m = 0; m < share.size(); ++m) sum_ns += cost_ns[m] * share[m];
  return sum_ns;
}

}  // namespace spacemoe
