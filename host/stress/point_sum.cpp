#include "host/stress/point_sum.hpp"

#include <algorithm>
#include <limits>

namespace spacemoe {
namespace {

constexpr double ns_per_ms = 1e6;
constexpr double confidence = 0.95;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

double share(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? unknown : static_cast<double>(part) / static_cast<double>(all);
}

double mean_ms(Uint128 sum_ns, std::uint64_t tokens) {
  return tokens == 0 ? unknown : static_cast<double>(sum_ns) / static_cast<double>(tokens) / ns_per_ms;
}

}  // namespace

PointSum::PointSum(std::uint32_t layers, std::uint32_t satellites) : missed_(satellites, 0) {
  sum_.layer_lost.resize(layers);
}

void PointSum::DrawMeans::add(Moments const& moments) {
  if (moments.delivered > 0) mean_ms.push_back(spacemoe::mean_ms(moments.sum_ns, moments.delivered));
  undeliverable.push_back(share(moments.tokens - moments.delivered, moments.tokens));
}

Estimate PointSum::DrawMeans::latency() const {
  if (mean_ms.size() < 2) return {unknown, unknown, unknown};
  return estimate(mean_ms, confidence);
}

Estimate PointSum::DrawMeans::loss() const {
  Estimate const loss = estimate(undeliverable, confidence);
  return {loss.mean, std::max(loss.low, 0.0), std::min(loss.high, 1.0)};
}

void PointSum::add(FateTally const& tally, std::span<double const> missed) {
  sum_ += tally;
  for (std::size_t p = 0; p < loss_policies; ++p) policy_[p].add(tally.policy[p].moments);
  for (std::size_t i = 0; i < missed.size(); ++i) missed_[i] += missed[i];
}

void PointSum::add(Repair const& repair, Moments const& during) {
  during_.add(during);
  repairs_.moved_experts += static_cast<double>(repair.transfers.size());
  repairs_.moved_gateways += repair.moved_gateways;
  repairs_.migrated_bytes += repair.bytes;
  repairs_.migration_s += repair.duration_s();
}

StressPoint PointSum::result() const {
  StressPoint point;
  point.tally = sum_;
  auto const draws = static_cast<double>(policy_[0].undeliverable.size());
  for (std::size_t p = 0; p < loss_policies; ++p) {
    point.delivering[p] = static_cast<std::uint32_t>(policy_[p].mean_ms.size());
    point.mean_ms[p] = policy_[p].latency();
    point.undeliverable[p] = policy_[p].loss();
  }
  Moments const& patient = sum_.policy[static_cast<std::size_t>(LossPolicy::wait)].moments;
  Moments const& dropped = sum_.policy[static_cast<std::size_t>(LossPolicy::drop)].moments;
  point.waited_ms = mean_ms(sum_.waited_ns, patient.delivered);
  point.waiting = share(sum_.waiting, patient.delivered);
  point.detours = share(sum_.detours, dropped.delivered);
  for (std::uint64_t const lost : sum_.layer_lost) point.layer_lost.push_back(share(lost, dropped.tokens));
  point.weakest_layer =
      static_cast<std::uint32_t>(std::ranges::max_element(point.layer_lost) - point.layer_lost.begin());
  auto const worst = std::ranges::max_element(missed_);
  point.weakest_host = satellite(static_cast<std::size_t>(worst - missed_.begin()));
  point.weakest_host_lost = *worst / draws;
  if (during_.undeliverable.empty()) return point;
  point.repair = {repairs_.moved_experts / draws,
                  repairs_.moved_gateways / draws,
                  repairs_.migrated_bytes / draws,
                  repairs_.migration_s / draws,
                  during_.latency(),
                  during_.loss()};
  return point;
}

}  // namespace spacemoe
