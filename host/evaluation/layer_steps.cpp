#include "host/evaluation/layer_steps.hpp"

#include <algorithm>
#include <cmath>

namespace spacemoe {

LayerSteps::LayerSteps(LayerDistribution const& layer) {
  double chance = 0;
  for (auto const& atom : layer.atoms) add(chance += atom.probability, atom.latency_ns);
  if (layer.unreachable > 0) add(1, unreachable);
  up_to_.back() = 0xffffffff;
}

void LayerSteps::add(double up_to, Nanoseconds latency_ns) {
  double const words = std::clamp(std::round(up_to * 0x1p32), 0.0, 0x1p32);
  if (words < 1) return;
  auto const last = static_cast<std::uint32_t>(words - 1);
  if (!up_to_.empty() && last <= up_to_.back()) return;
  up_to_.push_back(last);
  latency_ns_.push_back(latency_ns);
}

}  // namespace spacemoe
