#include "host/evaluation/layer_tables.hpp"

#include <algorithm>
#include <bit>

#include "host/model/integer_alias.hpp"

namespace spacemoe {
namespace {

std::size_t atoms(LayerDistribution const& layer) {
  return layer.atoms.size() + (layer.unreachable > 0 ? 1 : 0);
}

}  // namespace

LayerTables::LayerTables(std::span<LayerDistribution const> layers, std::uint64_t fixed_ns)
    : layers_(static_cast<std::uint32_t>(layers.size())), fixed_ns_(fixed_ns) {
  for (auto const& layer : layers) {
    column_bits_ = std::max(column_bits_, static_cast<std::uint32_t>(std::bit_width(atoms(layer) - 1)));
  }
  alias_.reserve(layers.size() << column_bits_);
  latency_ns_.resize(layers.size() << column_bits_);
  std::vector<double> probability;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    Nanoseconds* latency_ns = &latency_ns_[l << column_bits_];
    probability.clear();
    for (auto const& atom : layers[l].atoms) {
      probability.push_back(atom.probability);
      *latency_ns++ = atom.latency_ns;
    }
    if (layers[l].unreachable > 0) {
      probability.push_back(layers[l].unreachable);
      *latency_ns = unreachable;
    }
    append_alias_columns(integer_weights(probability), column_bits_, alias_);
  }
}

LayerTablesView LayerTables::view() const {
  return {layers_, column_bits_, fixed_ns_, alias_, latency_ns_};
}

}  // namespace spacemoe
