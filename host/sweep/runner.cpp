#include "host/sweep/runner.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <utility>

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "host/errors.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/network_paths.hpp"
#include "host/search/refined.hpp"

namespace spacemoe {
namespace {

/// Networks that points have in common. Points come in an order that brings those of one network together, so
/// a few suffice.
class Networks {
 public:
  explicit Networks(double most_bytes) : bytes_each_(most_bytes / most) {}

  std::shared_ptr<NetworkPaths> of(Scenario const& scenario) {
    std::scoped_lock const lock(mutex_);
    auto const found =
        std::ranges::find_if(known_, [&](auto const& paths) { return paths->serves(scenario); });
    if (found != known_.end()) return *found;
    if (known_.size() == most) known_.erase(known_.begin());
    known_.push_back(std::make_shared<NetworkPaths>(scenario, bytes_each_));
    return known_.back();
  }

 private:
  static constexpr std::size_t most = 2;

  double bytes_each_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<NetworkPaths>> known_;  ///< oldest first
};

Evaluation evaluate_point(Scenario const& scenario, Networks& networks, Backend& backend,
                          std::function<void()> const& check) {
  EvaluateOptions options;
  options.paths = networks.of(scenario);
  options.refine = [&] { return refined(scenario, backend, [&](double) { check(); }); };
  options.progress = [&](std::uint64_t, std::uint64_t) { check(); };
  return evaluate(scenario, backend, options);
}

std::string reason(ScenarioError const& error) {
  std::string all;
  for (Complaint const& complaint : error.complaints()) {
    all += (all.empty() ? "" : "; ") + complaint.where + ": " + complaint.what;
  }
  return all;
}

/// Ends a point because another one ended the sweep.
struct Stopped {};

/// Points run side by side. Exceptions are carried past the parallel loop: thrown through it, they would
/// cancel the loops inside other points, which would then come to their ends with parts left out.
class Run {
 public:
  Run(PointSource& source, Backend& backend, RunOptions const& options, SweepHooks const& hooks)
      : source_(source),
        backend_(backend),
        hooks_(hooks),
        concurrent_(options.concurrent),
        networks_(options.shared_bytes) {}

  void all() {
    tbb::parallel_for(
        0u, concurrent_, [&](unsigned) { some(); }, tbb::simple_partitioner());
    if (error_) std::rethrow_exception(error_);
  }

 private:
  /// Points one after another, until there are none left.
  void some() {
    try {
      while (auto const point = source_.next()) {
        check();
        // Isolated, lest a thread that waits inside one point begins another and holds both in memory.
        PointRecord const record = tbb::this_task_arena::isolate([&] { return one(*point); });
        finish(record);
      }
    } catch (Stopped) {
    } catch (...) {
      std::scoped_lock const lock(finishing_);
      stop();
    }
  }

  void finish(PointRecord const& record) {
    std::scoped_lock const lock(finishing_);
    if (stopping_) throw Stopped();
    try {
      hooks_.finished(record);
    } catch (...) {
      stop();
      throw Stopped();
    }
  }

  /// Ends the sweep with the exception at hand.
  void stop() {
    if (!error_) error_ = std::current_exception();
    stopping_ = true;
  }

  PointRecord one(std::uint64_t point) {
    auto const start = std::chrono::steady_clock::now();
    auto const elapsed_s = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    try {
      Evaluation const evaluation =
          evaluate_point(hooks_.scenario(point), networks_, backend_, [&] { check(); });
      return record_of(point, evaluation, elapsed_s());
    } catch (ScenarioError const& error) {
      return {point, reason(error), {}, elapsed_s()};
    } catch (SaturationError const& error) {
      return {point, error.what(), {}, elapsed_s()};
    }
  }

  void check() const {
    if (stopping_) throw Stopped();
    hooks_.check();
  }

  PointSource& source_;
  Backend& backend_;
  SweepHooks const& hooks_;
  unsigned concurrent_;
  Networks networks_;
  std::mutex finishing_;
  std::exception_ptr error_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace

std::optional<std::uint64_t> PointQueue::next() {
  std::scoped_lock const lock(mutex_);
  if (given_ == points_.size()) return std::nullopt;
  return points_[given_++];
}

void run_points(PointSource& source, Backend& backend, RunOptions const& options, SweepHooks const& hooks) {
  Run(source, backend, options, hooks).all();
}

}  // namespace spacemoe
