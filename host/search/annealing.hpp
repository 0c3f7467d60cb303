#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "host/network/network.hpp"
#include "host/search/layout.hpp"
#include "host/search/mean_model.hpp"
#include "host/search/moves.hpp"
#include "kernels/draw.hpp"

namespace spacemoe {

/// Moves by kind.
struct MoveCounts {
  std::array<std::uint64_t, move_kinds.size()> tried{};
  std::array<std::uint64_t, move_kinds.size()> accepted{};

  MoveCounts& operator+=(MoveCounts const& other);
  std::uint64_t all_tried() const;
};

/// Simulated annealing of a placement on the mean model. Gateways and hosts step to satellites up to three
/// links away; whom they meet there takes their place. Draws are addressed by chain and step, so that a chain
/// can be left and taken up again.
class Annealing {
 public:
  /// Steps are drawn by (step, chain).
  Annealing(MeanModel const& model, Wiring const& wiring, bool move_gateways, Seed seed, std::uint32_t chain,
            Placement const& start, PlacementLimits const& limits);

  /// Takes steps [first, first + count) at a temperature.
  void run(std::uint64_t first, std::uint64_t count, double temperature_ns);
  /// Goes on from `current`; `best` is the best so far.
  void resume(Placement const& current, Placement const& best);

  Placement const& current() const { return layout_.placement(); }
  Placement const& best() const { return best_; }
  double best_ns() const { return best_ns_; }
  /// Moves since the last call.
  MoveCounts take_counts() { return std::exchange(counts_, {}); }

 private:
  bool propose(Words4 const& words);
  bool propose_expert(Words4 const& words);
  bool propose_gateway(Words4 const& words);
  SatelliteId walk(SatelliteId from, std::uint32_t word) const;
  std::uint32_t layer_of_gateway(SatelliteId id) const;
  double score_all();
  double rescored(std::size_t touched);
  bool gateways_changed(std::uint32_t layer) const;
  void settle(double temperature_ns, std::uint32_t word);

  MeanModel const& model_;
  Wiring const& wiring_;
  bool move_gateways_;
  Seed seed_;
  std::uint32_t chain_;
  Layout layout_;
  /// What is known of a layer.
  struct Layer {
    std::vector<double> cost_ns;       ///< [expert]
    std::vector<std::uint32_t> order;  ///< experts by rising cost
    double mean_ns = 0;
  };
  std::vector<Layer> layer_;  ///< [layer]
  Placement best_;
  double best_ns_ = 0;
  MoveKind kind_{};
  MoveCounts counts_;
  std::vector<Layer> changed_;  ///< [touched layer]
  std::vector<double> sorted_ns_;
};

}  // namespace spacemoe
