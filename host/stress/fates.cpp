#include "host/stress/fates.hpp"

#include <utility>

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include "kernels/bins.hpp"

namespace spacemoe {
namespace {

FateTally empty_fates(std::uint32_t layers) {
  FateTally tally;
  tally.layer_lost.resize(layers);
  return tally;
}

void add_token(Moments& moments, std::uint64_t latency_ns) {
  ++moments.tokens;
  if (latency_ns == undeliverable) return;
  ++moments.delivered;
  moments.sum_ns += latency_ns;
  moments.sum_squares_ns2 += Uint128{latency_ns} * latency_ns;
}

void add_latency_to(FateTally::Policy& policy, std::uint64_t latency_ns) {
  add_token(policy.moments, latency_ns);
  if (latency_ns != undeliverable) ++policy.histogram[bin_of(latency_ns)];
}

void add_fate(FateTally& tally, TokenFate const& fate) {
  auto const of = [&](LossPolicy policy) -> FateTally::Policy& {
    return tally.policy[static_cast<std::size_t>(policy)];
  };
  add_latency_to(of(LossPolicy::drop), fate.dropped_ns);
  add_latency_to(of(LossPolicy::wait), fate.patient_ns);
  add_latency_to(of(LossPolicy::penalty), fate.penalized_ns);
  if (fate.dropped_ns != undeliverable && fate.detours) ++tally.detours;
  if (fate.patient_ns == undeliverable || fate.waited_ns == 0) return;
  ++tally.waiting;
  tally.waited_ns += fate.waited_ns;
}

}  // namespace

FateTables::FateTables(PlacementCosts const& placement, std::vector<SlotCosts> costs,
                       std::span<SlotCosts const> whole)
    : experts_(costs.front().expert_ns.size()), costs_(std::move(costs)) {
  for (SlotCosts const& slot : costs_) views_.push_back(placement.view(slot));
  fill_waits();
  detours_.resize(costs_.size() * experts_);
  for (std::size_t s = 0; s < costs_.size(); ++s) {
    for (std::size_t e = 0; e < experts_; ++e) {
      bool const longer = costs_[s].serving->path_ns[e] > whole[s].serving->path_ns[e];
      detours_[s * experts_ + e] = longer ? 1 : 0;
    }
  }
}

bool FateTables::reachable(std::size_t slot, std::size_t expert) const {
  SlotCosts const& costs = costs_[slot];
  std::size_t const layer = expert / (experts_ / costs.layer_ns.size());
  return costs.expert_ns[expert] != unreachable && costs.layer_ns[layer] != unreachable;
}

/// From the last slot backwards, twice around: a wait can run past the last slot.
void FateTables::fill_waits() {
  std::size_t const slots = costs_.size();
  wait_.assign(slots * experts_, never_reached);
  for (std::size_t e = 0; e < experts_; ++e) {
    std::uint16_t wait = never_reached;
    for (std::size_t i = 2 * slots; i-- > 0;) {
      std::size_t const slot = i % slots;
      if (reachable(slot, e)) {
        wait = 0;
      } else if (wait < longest_wait) {
        ++wait;
      }
      wait_[slot * experts_ + e] = wait;
    }
  }
}

FateView FateTables::view(std::uint64_t slot_ns, std::uint64_t penalty_ns) const {
  return {views_, wait_, detours_, slot_ns, penalty_ns};
}

std::vector<std::uint32_t> FateTables::missing_slots() const {
  std::vector<std::uint32_t> slots(experts_, 0);
  std::size_t const per_layer = experts_ / costs_.front().layer_ns.size();
  for (std::size_t s = 0; s < costs_.size(); ++s) {
    for (std::size_t first = 0; first < experts_; first += per_layer) {
      std::vector<std::size_t> missing;
      for (std::size_t e = first; e < first + per_layer; ++e) {
        if (!reachable(s, e)) missing.push_back(e);
      }
      if (missing.size() == per_layer) continue;
      for (std::size_t const e : missing) ++slots[e];
    }
  }
  return slots;
}

FateTally& FateTally::operator+=(FateTally const& other) {
  for (std::size_t p = 0; p < policy.size(); ++p) {
    policy[p].moments += other.policy[p].moments;
    for (std::size_t b = 0; b < bin_count; ++b) policy[p].histogram[b] += other.policy[p].histogram[b];
  }
  waited_ns += other.waited_ns;
  waiting += other.waiting;
  detours += other.detours;
  for (std::size_t l = 0; l < layer_lost.size(); ++l) layer_lost[l] += other.layer_lost[l];
  return *this;
}

FateTally sample_fates(RoutingView const& routing, FateView const& view, Seed seed,
                       std::span<std::uint32_t const> count) {
  tbb::enumerable_thread_specific<FateTally> parts([&] { return empty_fates(routing.layers); });
  tbb::parallel_for(std::uint32_t{0}, static_cast<std::uint32_t>(count.size()), [&](std::uint32_t slot) {
    FateTally& part = parts.local();
    for (std::uint32_t token = 0; token < count[slot]; ++token) {
      add_fate(part, token_fate(routing, view, seed, slot, token, part.layer_lost));
    }
  });
  FateTally sum = empty_fates(routing.layers);
  for (FateTally const& part : parts) sum += part;
  return sum;
}

Moments sample_moving(RoutingView const& routing, std::span<MovingView const> view, Seed seed,
                      std::span<std::uint32_t const> count) {
  tbb::enumerable_thread_specific<Moments> parts;
  tbb::parallel_for(std::uint32_t{0}, static_cast<std::uint32_t>(count.size()), [&](std::uint32_t slot) {
    for (std::uint32_t token = 0; token < count[slot]; ++token) {
      // In the middle of its share of the time.
      auto const now = static_cast<std::uint32_t>(((2 * std::uint64_t{token} + 1) << 31) / count[slot]);
      add_token(parts.local(), moving_token(routing, view[slot], now, seed, slot, token));
    }
  });
  Moments sum;
  for (Moments const& part : parts) sum += part;
  return sum;
}

}  // namespace spacemoe
