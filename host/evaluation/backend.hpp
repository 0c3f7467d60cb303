#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/evaluation/scoring_tables.hpp"
#include "host/evaluation/tally.hpp"
#include "host/network/network.hpp"
#include "kernels/common_draw.hpp"
#include "kernels/layer_score.hpp"
#include "kernels/order_statistic.hpp"
#include "kernels/path_sum.hpp"
#include "kernels/routing.hpp"
#include "kernels/token.hpp"

namespace spacemoe {

/// A path latency to look up: from source number `source` of a table to a satellite.
struct PathQuery {
  std::uint32_t source;
  SatelliteId satellite;
};

/// Path latencies of a batch of snapshots from some sources to every satellite; stays where the backend
/// lives.
class PathTable {
 public:
  virtual ~PathTable() = default;

  /// Latency [ns] of each query in each snapshot: [snapshot][query].
  virtual std::vector<Nanoseconds> gather(std::span<PathQuery const> queries) const = 0;
  /// Latencies [ns] from one source to every satellite in one snapshot.
  virtual std::vector<Nanoseconds> row(std::uint32_t snapshot, std::uint32_t source) const = 0;
  /// Latencies [ns] summed over the snapshots: [source][satellite].
  virtual std::vector<std::uint64_t> sums(LostPath lost) const = 0;
};

/// Tokens [first, first + count) of a slot under one placement: a cell of the estimate.
struct TokenCell {
  std::uint32_t slot;
  std::uint32_t first;
  std::uint32_t count;
  CostView cost;
};

/// The same cell with its layer latencies as distributions.
struct LayerCell {
  std::uint32_t slot;
  std::uint32_t first;
  std::uint32_t count;
  LayerTablesView tables;
};

/// Tokens [first, first + count) of a slot whose latency in one layer is drawn on common words.
struct CommonDraws {
  std::uint32_t slot;
  std::uint32_t layer;
  std::uint32_t first;
  std::uint32_t count;
  LayerStepsView steps;
};

/// Scores of changed layers in every slot: mean and variance of the layer's latency over delivered tokens,
/// and the chance of delivery.
struct LayerScores {
  std::vector<double> mean_ns;       ///< [change][slot]
  std::vector<double> variance_ns2;  ///< [change][slot]
  std::vector<double> delivered;     ///< [change][slot]
};

/// Scores changes of a placement exactly, layer by layer: a move needs only the layers that it touches. Holds
/// path latencies where the backend lives.
class MoveScorer {
 public:
  virtual ~MoveScorer() = default;

  /// `hosts` holds the hosts [expert] of every change, from its `first_host` on.
  virtual LayerScores score(std::span<LayerChange const> changes,
                            std::span<SatelliteId const> hosts) const = 0;
};

/// A few kinds of work, coarse enough that virtual dispatch costs nothing. Every backend gives the same bits.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;

  /// Path latencies [ns] from each source to every satellite, per snapshot. Throws SaturationError when
  /// a latency reaches 2^31 ns.
  virtual std::unique_ptr<PathTable> path_latencies(SnapshotBatch const& batch,
                                                    std::span<SatelliteId const> sources) = 0;

  /// Draws and tallies the tokens of each cell: moments per cell, one histogram for all.
  virtual LatencyTally sample_tokens(RoutingView const& routing, Seed seed,
                                     std::span<TokenCell const> cells) = 0;

  /// As sample_tokens, but draws the latency of each layer at once instead of its experts; the cells have the
  /// same number of layers.
  virtual LatencyTally sample_layers(Seed seed, std::span<LayerCell const> cells) = 0;

  /// Draws the tokens of sample_tokens again and returns, in any order, the latencies [ns] of the delivered
  /// ones in some bins of the histogram. May take 8 bytes for every token of the cells.
  virtual std::vector<std::uint64_t> find_tokens(RoutingView const& routing, Seed seed,
                                                 std::span<TokenCell const> cells,
                                                 std::span<std::uint32_t const> bins) = 0;

  /// As find_tokens, of the tokens of sample_layers.
  virtual std::vector<std::uint64_t> find_layers(Seed seed, std::span<LayerCell const> cells,
                                                 std::span<std::uint32_t const> bins) = 0;

  /// Latencies [ns] of the tokens of all draws, one after the other; `unreachable` where a token is lost.
  virtual std::vector<Nanoseconds> draw_common(Seed seed, std::span<CommonDraws const> draws) = 0;

  /// For scoring moves on these snapshots, with gateways among `sources`. `tables` must outlive it. Throws
  /// SaturationError as path_latencies does.
  virtual std::unique_ptr<MoveScorer> move_scorer(SnapshotBatch const& batch,
                                                  std::span<SatelliteId const> sources,
                                                  ScoringTables const& tables) = 0;
};

}  // namespace spacemoe
