#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/network_paths.hpp"
#include "host/evaluation/result.hpp"
#include "host/evaluation/scenario.hpp"

namespace spacemoe {

struct EvaluateOptions {
  bool exact = false;            ///< also computes the distribution without sampling
  bool exact_quantiles = false;  ///< draws all tokens twice, and finds their quantiles to the nanosecond
  std::uint64_t batch_bytes = std::uint64_t{16}
                              << 20;  ///< snapshots, rows and costs at a time; changes no result
  /// What evaluations of scenarios with the same network share; of one's own where it is empty.
  std::shared_ptr<NetworkPaths> paths;
  /// Finds the placement of the strategy `refined`; needed where the scenario names it.
  std::function<Placement()> refine;
  /// Called between batches with the work done and to do [tokens]; tokens drawn twice count twice.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// Plans the placements, samples token latencies of every strategy and summarises them.
Evaluation evaluate(Scenario const& scenario, Backend& backend, EvaluateOptions const& options);

/// Slots whose snapshots, path rows and costs are held at a time.
std::uint32_t slots_per_batch(Scenario const& scenario, EvaluateOptions const& options);

/// Peak memory [bytes] that evaluating a scenario takes, as documented in README.md.
double evaluation_bytes(Scenario const& scenario, EvaluateOptions const& options);

}  // namespace spacemoe
