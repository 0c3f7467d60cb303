#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "host/placement/strategies.hpp"
#include "host/search/layout.hpp"
#include "host/search/mean_model.hpp"

namespace spacemoe {

enum class MoveKind : std::uint8_t {
  swap_in_layer,       ///< two experts of a layer change places
  swap_across_layers,  ///< the same, of two layers
  move_expert,         ///< to a free place
  move_gateway,        ///< and experts that it meets go where it was
  move_surroundings,   ///< a gateway; the experts of both its layers choose their places anew
  shift_all,           ///< every satellite of the ring's shell by some planes and slots
  rotate_layers,       ///< every layer takes the place of the next
};
inline constexpr std::array move_kinds{
    MoveKind::swap_in_layer,     MoveKind::swap_across_layers, MoveKind::move_expert,  MoveKind::move_gateway,
    MoveKind::move_surroundings, MoveKind::shift_all,          MoveKind::rotate_layers};
std::string_view name(MoveKind kind);

// Each tries a move on a layout and says whether there is such a move; then it keeps the rules. The caller
// keeps or takes back the changes, whatever the answer.

bool swap_experts(Layout& layout, ExpertSlot a, ExpertSlot b);
bool move_expert(Layout& layout, ExpertSlot expert, SatelliteId to);
bool move_gateway(Layout& layout, std::uint32_t layer, SatelliteId to);
bool move_surroundings(Layout& layout, MeanModel const& model, std::uint32_t layer, SatelliteId to);
/// Satellites of other shells stay.
bool shift_all(Layout& layout, RingShell const& ring, std::uint32_t planes, std::uint32_t slots);
bool rotate_layers(Layout& layout, std::uint32_t by);

/// Moves the experts of a layer to the free places of least mean cost, heaviest first.
bool choose_places(Layout& layout, MeanModel const& model, std::uint32_t layer);
/// Orders the experts of a layer on their hosts: the heaviest where the mean cost is least.
void sort_experts(Layout& layout, MeanModel const& model, std::uint32_t layer);

}  // namespace spacemoe
