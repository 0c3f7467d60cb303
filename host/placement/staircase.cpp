#include "host/placement/staircase.hpp"

#include <algorithm>
#include <set>

namespace spacemoe {
namespace {

/// Planes and slots from a gateway to the next, both positive.
struct Step {
  std::uint64_t planes;
  std::uint64_t slots;
  auto operator<=>(Step const&) const = default;
};

/// Steps of `hops` whose sides differ by a factor of at most two.
std::vector<Step> steps_of(std::uint64_t hops) {
  std::vector<Step> steps;
  for (std::uint64_t planes = 1; planes < hops; ++planes) {
    std::uint64_t const slots = hops - planes;
    if (planes <= 2 * slots && slots <= 2 * planes) steps.push_back({planes, slots});
  }
  return steps;
}

/// The fewest hops of a step whose rectangle holds so many satellites besides one gateway: of two sides of
/// n satellites, or of n and n + 1.
std::uint64_t fewest_hops(std::uint64_t satellites) {
  std::uint64_t hops = 2;
  while ((hops / 2 + 1) * (hops - hops / 2 + 1) < satellites + 1) ++hops;
  return hops;
}

/// Rectangles that hold a layer, and those that hold three quarters of it: the rest then lies beside them,
/// two hops off.
std::set<Step> steps(std::uint64_t hosts_per_layer) {
  std::set<Step> all;
  for (std::uint64_t const held : {hosts_per_layer - hosts_per_layer / 4, hosts_per_layer}) {
    for (Step const step : steps_of(fewest_hops(held))) all.insert(step);
  }
  return all;
}

/// Height of a wave that rises by `step` at every turn and falls back again, `waves` times in `turns`;
/// rounded down.
std::uint64_t wave(std::uint64_t turn, std::uint64_t waves, std::uint64_t turns, std::uint64_t step) {
  std::uint64_t const passed = waves * turn % turns;
  return step * std::min(passed, turns - passed) / waves;
}

/// Lays loops around the middle plane of a shell.
class Layout {
 public:
  Layout(RingShell const& ring, std::uint64_t layers) : ring_(ring), layers_(layers) {}

  /// Planes rise and fall as often as it takes to stay within the shell; slots rise and fall once, `lead`
  /// layers behind, which keeps the way back beside the way out.
  std::vector<SatelliteId> out_and_back(Step step, std::uint64_t lead) const {
    return loop(step.planes, lead, [&](std::uint64_t layer) { return wave(layer, 1, layers_, step.slots); });
  }

  /// The same in planes; slots go `turns` times around the orbit.
  std::vector<SatelliteId> around(std::uint64_t planes, std::uint64_t turns) const {
    return loop(planes, 0,
                [&](std::uint64_t layer) { return layer * turns * ring_.satellites_per_plane / layers_; });
  }

  std::vector<SatelliteId> single() const {
    return std::vector<SatelliteId>(layers_, satellite_at(ring_.planes / 2, 0));
  }

 private:
  template <class SlotOfLayer>
  std::vector<SatelliteId> loop(std::uint64_t planes_per_step, std::uint64_t lead, SlotOfLayer slot) const {
    std::uint64_t const room = ring_.planes - 1;
    std::uint64_t const step = std::min(planes_per_step, room);
    // The least number of waves no higher than the shell is wide: step * layers / (2 * waves) <= room.
    std::uint64_t const waves =
        step == 0 ? 1 : std::max<std::uint64_t>(1, (step * layers_ + 2 * room - 1) / (2 * room));
    std::uint64_t const height = step * layers_ / (2 * waves);
    std::vector<SatelliteId> gateways;
    for (std::uint64_t layer = 0; layer < layers_; ++layer) {
      gateways.push_back(
          satellite_at((room - height) / 2 + wave(layer + lead, waves, layers_, step), slot(layer)));
    }
    return gateways;
  }

  SatelliteId satellite_at(std::uint64_t plane, std::uint64_t slot) const {
    std::uint64_t const per_plane = ring_.satellites_per_plane;
    return satellite(index(ring_.first) + plane * per_plane + slot % per_plane);
  }

  RingShell ring_;
  std::uint64_t layers_;
};

}  // namespace

std::uint32_t satellites_per_layer(std::uint32_t experts, std::uint32_t capacity) {
  return (experts - 1) / capacity + 1;
}

std::vector<std::vector<SatelliteId>> staircase_loops(RingShell const& ring, std::uint32_t layers,
                                                      std::uint32_t hosts_per_layer) {
  Layout const layout(ring, layers);
  std::vector<std::vector<SatelliteId>> loops;
  for (Step const step : steps(hosts_per_layer)) {
    for (std::uint64_t const lead : std::set<std::uint64_t>{1, 2, layers / 4}) {
      loops.push_back(layout.out_and_back(step, lead));
    }
    std::uint64_t const turns = step.slots * layers / ring.satellites_per_plane;
    loops.push_back(layout.around(step.planes, std::max<std::uint64_t>(1, turns)));
  }
  loops.push_back(layout.single());
  return loops;
}

}  // namespace spacemoe
