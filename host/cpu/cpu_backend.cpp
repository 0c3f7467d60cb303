#include "host/cpu/cpu_backend.hpp"

#include <algorithm>
#include <vector>

#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "host/cpu/move_scorer.hpp"
#include "host/cpu/order_statistic.hpp"
#include "host/cpu/path_table.hpp"
#include "host/cpu/sampling.hpp"

namespace spacemoe {
namespace {

/// Tokens that one task draws; results do not depend on it.
constexpr std::uint32_t tokens_per_task = 4096;

struct TokenTask {
  std::size_t cell;
  std::uint32_t first;
  std::uint32_t count;
};

template <class Cell>
std::vector<TokenTask> split(std::span<Cell const> cells) {
  std::vector<TokenTask> tasks;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    for (std::uint32_t left = cells[c].count, first = cells[c].first; left > 0;) {
      std::uint32_t const count = std::min(tokens_per_task, left);
      tasks.push_back({c, first, count});
      first += count;
      left -= count;
    }
  }
  return tasks;
}

/// Tallies all tokens of the cells; draw(cell, first, count, layer sums, sink) draws some of one.
template <class Cell, class Draw>
LatencyTally sample(std::uint32_t layers, std::span<Cell const> cells, Draw draw) {
  std::vector<TokenTask> const tasks = split(cells);
  std::vector<Moments> moments(tasks.size());
  tbb::enumerable_thread_specific<LatencyTally> partial([&] { return empty_tally(0, layers); });
  tbb::parallel_for(std::size_t{0}, tasks.size(), [&](std::size_t t) {
    TokenTask const& task = tasks[t];
    LatencyTally& tally = partial.local();
    draw(cells[task.cell], task.first, task.count, tally.layer_sum_ns,
         [&](std::span<std::uint64_t const> latency_ns) {
           add_tokens(latency_ns, moments[t], tally.histogram);
         });
  });
  LatencyTally tally = empty_tally(cells.size(), layers);
  for (std::size_t t = 0; t < tasks.size(); ++t) tally.cell[tasks[t].cell] += moments[t];
  for (auto const& part : partial) add_counts(tally, part);
  return tally;
}

/// Latencies of all tokens of the cells in some bins; `draw` as in sample().
template <class Cell, class Draw>
std::vector<std::uint64_t> find(std::uint32_t layers, std::span<Cell const> cells,
                                std::span<std::uint32_t const> bins, Draw draw) {
  struct Partial {
    std::vector<std::uint64_t> found_ns;
    std::vector<std::uint64_t> layer_sum_ns;  // wanted by none
  };
  std::vector<TokenTask> const tasks = split(cells);
  tbb::enumerable_thread_specific<Partial> partial([&] {
    return Partial{{}, std::vector<std::uint64_t>(layers)};
  });
  tbb::parallel_for(std::size_t{0}, tasks.size(), [&](std::size_t t) {
    TokenTask const& task = tasks[t];
    Partial& part = partial.local();
    draw(cells[task.cell], task.first, task.count, part.layer_sum_ns,
         [&](std::span<std::uint64_t const> latency_ns) { find_tokens(latency_ns, bins, part.found_ns); });
  });
  std::vector<std::uint64_t> found_ns;
  for (auto const& part : partial) {
    found_ns.insert(found_ns.end(), part.found_ns.begin(), part.found_ns.end());
  }
  return found_ns;
}

std::uint32_t layers_of(std::span<LayerCell const> cells) {
  return cells.empty() ? 0 : cells.front().tables.layers;
}

auto draw_experts_of(RoutingView const& routing, Seed seed) {
  return [&routing, seed](TokenCell const& cell, std::uint32_t first, std::uint32_t count,
                          std::span<std::uint64_t> layer_sum_ns, TokenSink const& tokens_drawn) {
    sample_range(routing, seed, cell, first, count, layer_sum_ns, tokens_drawn);
  };
}

auto draw_layers_of(Seed seed) {
  return [seed](LayerCell const& cell, std::uint32_t first, std::uint32_t count,
                std::span<std::uint64_t> layer_sum_ns, TokenSink const& tokens_drawn) {
    sample_layer_range(seed, cell, first, count, layer_sum_ns, tokens_drawn);
  };
}

class CpuBackend final : public Backend {
 public:
  std::string_view name() const override { return "cpu"; }

  std::unique_ptr<PathTable> path_latencies(SnapshotBatch const& batch,
                                            std::span<SatelliteId const> sources) override {
    return path_table(path_plan(*batch.wiring, sources.size()), memory_, batch, sources);
  }

  LatencyTally sample_tokens(RoutingView const& routing, Seed seed,
                             std::span<TokenCell const> cells) override {
    return sample(routing.layers, cells, draw_experts_of(routing, seed));
  }

  LatencyTally sample_layers(Seed seed, std::span<LayerCell const> cells) override {
    return sample(layers_of(cells), cells, draw_layers_of(seed));
  }

  std::vector<std::uint64_t> find_tokens(RoutingView const& routing, Seed seed,
                                         std::span<TokenCell const> cells,
                                         std::span<std::uint32_t const> bins) override {
    return find(routing.layers, cells, bins, draw_experts_of(routing, seed));
  }

  std::vector<std::uint64_t> find_layers(Seed seed, std::span<LayerCell const> cells,
                                         std::span<std::uint32_t const> bins) override {
    return find(layers_of(cells), cells, bins, draw_layers_of(seed));
  }

  std::vector<Nanoseconds> draw_common(Seed seed, std::span<CommonDraws const> draws) override {
    std::vector<std::size_t> first{0};
    for (CommonDraws const& d : draws) first.push_back(first.back() + d.count);
    std::vector<Nanoseconds> latency_ns(first.back());
    tbb::parallel_for(std::size_t{0}, draws.size(), [&](std::size_t i) {
      CommonDraws const& d = draws[i];
      for (std::uint32_t t = 0; t < d.count; ++t) {
        latency_ns[first[i] + t] = latency_at(d.steps, common_word(seed, d.slot, d.first + t, d.layer));
      }
    });
    return latency_ns;
  }

  std::unique_ptr<MoveScorer> move_scorer(SnapshotBatch const& batch, std::span<SatelliteId const> sources,
                                          ScoringTables const& tables) override {
    return make_cpu_move_scorer(memory_, batch, sources, tables);
  }

 private:
  std::shared_ptr<PathMemory> memory_ = std::make_shared<PathMemory>();
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() {
  return std::make_unique<CpuBackend>();
}

void with_threads(unsigned threads, std::function<void()> const& work) {
  unsigned const count =
      threads == 0 ? static_cast<unsigned>(tbb::this_task_arena::max_concurrency()) : threads;
  // The arena bounds the work; the control lets it have more workers than cores.
  tbb::global_control const workers(tbb::global_control::max_allowed_parallelism, std::max(count, 1u));
  tbb::task_arena(static_cast<int>(count)).execute(work);
}

}  // namespace spacemoe
