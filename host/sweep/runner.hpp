#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "host/evaluation/backend.hpp"
#include "host/evaluation/scenario.hpp"
#include "host/sweep/point.hpp"

namespace spacemoe {

/// Hands out the points that are to be run, each once; any thread may ask.
class PointSource {
 public:
  virtual ~PointSource() = default;
  /// Nothing when none is left.
  virtual std::optional<std::uint64_t> next() = 0;
};

/// The points of a list, one after another.
class PointQueue : public PointSource {
 public:
  explicit PointQueue(std::vector<std::uint64_t> points) : points_(std::move(points)) {}
  std::optional<std::uint64_t> next() override;

 private:
  std::mutex mutex_;
  std::vector<std::uint64_t> points_;
  std::size_t given_ = 0;
};

/// What running a sweep needs of its surroundings.
struct SweepHooks {
  std::function<Scenario(std::uint64_t point)> scenario;
  /// Keeps what came of a point; never called by two threads at a time.
  std::function<void(PointRecord const&)> finished;
  /// Throws in order to end the sweep; called often, by any thread.
  std::function<void()> check;
};

/// How points are run; no result depends on it.
struct RunOptions {
  unsigned concurrent = 1;  ///< points at the same time
  double shared_bytes = 0;  ///< most memory for paths that points of the same network share
};

/// Runs points, several at the same time, on the threads of the calling arena, until there are
/// none left. A point that cannot run is recorded with its reason. Whatever a hook throws ends the sweep, and
/// the points that were running are lost.
void run_points(PointSource& source, Backend& backend, RunOptions const& options, SweepHooks const& hooks);

}  // namespace spacemoe
