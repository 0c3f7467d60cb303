#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "host/evaluation/costs.hpp"
#include "host/evaluation/tally.hpp"
#include "kernels/token_fate.hpp"

namespace spacemoe {

/// What becomes of a token with an unreachable expert.
enum class LossPolicy : std::uint8_t {
  drop,     ///< it is undeliverable
  wait,     ///< its layer waits for a slot in which all its experts are reachable
  penalty,  ///< its layer goes without, at a fixed addition
};
inline constexpr std::size_t loss_policies = 3;
inline constexpr std::array<std::string_view, loss_policies> loss_policy_names{"drop", "wait", "penalty"};

/// Costs of one placement in all slots of a damaged network, as token_fate reads them.
class FateTables {
 public:
  /// `costs` are those of each slot, with the copies that serve; `whole` those without damage. The placement
  /// must outlive it.
  FateTables(PlacementCosts const& placement, std::vector<SlotCosts> costs, std::span<SlotCosts const> whole);
  FateTables(PlacementCosts&&, std::vector<SlotCosts>, std::span<SlotCosts const>) = delete;
  FateTables(FateTables const&) = delete;
  FateTables& operator=(FateTables const&) = delete;

  FateView view(std::uint64_t slot_ns, std::uint64_t penalty_ns) const;
  /// Slots in which each expert is unreachable though others of its layer are not, so that it is not for its
  /// gateways: [layer][expert].
  std::vector<std::uint32_t> missing_slots() const;

 private:
  bool reachable(std::size_t slot, std::size_t expert) const;
  void fill_waits();

  std::size_t experts_;  ///< of all layers
  std::vector<SlotCosts> costs_;
  std::vector<CostView> views_;
  std::vector<std::uint16_t> wait_;
  std::vector<std::uint8_t> detours_;
};

/// What sampling fates leaves behind: integers that add in any order.
struct FateTally {
  struct Policy {
    Moments moments;
    std::vector<std::uint64_t> histogram =
        std::vector<std::uint64_t>(bin_count);  ///< [bin], delivered tokens
  };
  std::array<Policy, loss_policies> policy;
  Uint128 waited_ns = 0;                  ///< by tokens that policy `wait` delivers
  std::uint64_t waiting = 0;              ///< those of them that waited
  std::uint64_t detours = 0;              ///< tokens that arrive under `drop` over some longer path
  std::vector<std::uint64_t> layer_lost;  ///< [layer]: tokens with an unreachable expert there

  FateTally& operator+=(FateTally const& other);
};

/// Draws the first `count` [slot] tokens of every slot and tallies their fates, on all threads.
FateTally sample_fates(RoutingView const& routing, FateView const& view, Seed seed,
                       std::span<std::uint32_t const> count);

/// The same tokens under `drop`, evenly over the time in which experts move: `view` [slot].
Moments sample_moving(RoutingView const& routing, std::span<MovingView const> view, Seed seed,
                      std::span<std::uint32_t const> count);

}  // namespace spacemoe
