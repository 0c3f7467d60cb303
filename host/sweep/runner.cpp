#include "host/sweep/runner.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <utility>

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "host/errors.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/search/refined.hpp"

namespace spacemoe {
namespace {

Evaluation evaluate_point(Scenario const& scenario, Backend& backend, std::function<void()> const& check) {
  EvaluateOptions options;
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
  Run(PointSource& source, Backend& backend, SweepHooks const& hooks)
      : source_(source), backend_(backend), hooks_(hooks) {}

  void all(unsigned concurrent) {
    tbb::parallel_for(
        0u, concurrent, [&](unsigned) { some(); }, tbb::simple_partitioner());
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
      Evaluation const evaluation = evaluate_point(hooks_.scenario(point), backend_, [&] { check(); });
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

void run_points(PointSource& source, Backend& backend, unsigned concurrent, SweepHooks const& hooks) {
  Run(source, backend, hooks).all(concurrent);
}

}  // namespace spacemoe
