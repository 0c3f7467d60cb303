#pragma once

#include <cstdint>
#include <span>

#include <cuda_runtime_api.h>

#include "host/satellite_id.hpp"
#include "kernels/layer_score.hpp"

namespace spacemoe {

/// Changes of one launch, in device memory.
struct ScoringBatch {
  ScoringView view;
  LayerLawView const* law;    ///< [layer]
  LayerChange const* change;  ///< [change]
  SatelliteId const* host;    ///< [first_host of a change + expert]
};

/// The same, and where their scores go.
struct ScoreOutput {
  ScoringBatch batch;
  double* mean_ns;       ///< [change][slot]
  double* variance_ns2;  ///< [change][slot]
  double* delivered;     ///< [change][slot]
};

/// Launches the scoring of those of `changes` whose layer has few experts; others are left alone.
void launch_score_by_sets(ScoreOutput const& output, std::uint32_t changes, cudaStream_t stream);

/// Launches the scoring of those whose layer has many, at most `experts` of them, of which `top_k` are drawn;
/// `race` where these layers race. Throws BackendError when a block of the current device has not enough
/// shared memory for so many experts.
void launch_score_in_order(ScoreOutput const& output, std::uint32_t changes, std::uint32_t experts,
                           std::uint32_t top_k, bool race, cudaStream_t stream);

/// Launches the look-up of the path latencies of each change: there [expert][slot], back [expert][slot],
/// forward [slot], one after the other in `found`.
void launch_gather_changes(ScoringBatch const& batch, std::uint32_t changes, Nanoseconds* found,
                           cudaStream_t stream);

}  // namespace spacemoe
