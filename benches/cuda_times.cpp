#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <cuda_runtime_api.h>

#include "benches/inputs.hpp"
#include "benches/peers/runner.hpp"
#include "cuda/check.hpp"
#include "cuda/kernel_times.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/cuda_backend.hpp"
#include "host/evaluation/layer_steps.hpp"
#include "host/simd.hpp"

// Every operation of the CUDA backend beside the CPU backend: the same integers, and how long they take.

namespace spacemoe::benches {
namespace {

constexpr double giga = 1e9;
constexpr Seed seed{1};

struct Options {
  bool reduced = false;  ///< sizes that a simulated device can do
  int device = 0;
};

/// What a device can do at best, from the attributes it reports.
struct Peaks {
  double bytes_s;
  double lane_instructions_s;  ///< if every scheduler issues an instruction for a whole warp every cycle
};

double attribute(cudaDeviceAttr name, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, name, device));
  return value;
}

Peaks peaks(int device) {
  constexpr double hz_per_khz = 1e3;
  constexpr double transfers_per_cycle = 2;
  constexpr double lanes_per_cycle = 4 * 32;  // of a multiprocessor
  double const memory_hz = attribute(cudaDevAttrMemoryClockRate, device) * hz_per_khz;
  double const bus_bytes = attribute(cudaDevAttrGlobalMemoryBusWidth, device) / 8;
  double const clock_hz = attribute(cudaDevAttrClockRate, device) * hz_per_khz;
  double const processors = attribute(cudaDevAttrMultiProcessorCount, device);
  return {memory_hz * transfers_per_cycle * bus_bytes, clock_hz * processors * lanes_per_cycle};
}

/// What is computed: how many of what.
struct Work {
  std::string name;
  std::string item;  ///< "path", "token" or "score"
  double items;
};

void print_kernels(std::vector<KernelTime> const& times, unsigned runs, Work const& work, Peaks const& peak) {
  std::printf("  %-18s %8s %11s %11s %9s %7s %11s %15s\n", "kernel", "launches", "ms", "least MB", "GB/s",
              "peak", (work.item + "s/s").c_str(), ("slots/" + work.item).c_str());
  for (KernelTime const& time : times) {
    double const seconds = time.seconds / runs;
    double const bytes = static_cast<double>(time.least_bytes) / runs;
    std::printf("  %-18s %8u %11.4f ", time.kernel.c_str(), time.launches / runs, seconds * 1e3);
    if (bytes > 0) {
      std::printf("%11.3f %9.1f %6.1f%% ", bytes * 1e-6, bytes / seconds / giga,
                  100 * bytes / seconds / peak.bytes_s);
    } else {
      std::printf("%11s %9s %7s ", "-", "-", "-");
    }
    std::printf("%11.3g %15.1f\n", work.items / seconds, peak.lane_instructions_s * seconds / work.items);
  }
}

/// Runs work on both backends, compares what comes out, and prints what it took.
class Comparison {
 public:
  explicit Comparison(Options const& options)
      : runs_(options.reduced ? 1 : 5),
        peaks_(peaks(options.device)),
        cpu_(make_cpu_backend()),
        cuda_(make_cuda_backend(options.device)) {}

  /// `run(backend)` does the work; `equal(a, b)` compares two of its results.
  template <class Run, class Equal>
  void add(Work const& work, Run run, Equal equal) {
    double const cpu_s = median(*cpu_, run);
    run(*cuda_);  // loads the kernels, and gets memory from the device
    double const cuda_s = median(*cuda_, run);
    KernelTimes listener;
    for (unsigned i = 0; i < runs_; ++i) run(*cuda_);
    std::vector<KernelTime> const times = listener.take();
    bool const same = equal(run(*cpu_), run(*cuda_));
    different_ += same ? 0 : 1;
    ++all_;
    std::printf("%s\n  %s the CPU backend; cuda %.3f ms in all, cpu %.3f ms (%.2f times as long)\n",
                work.name.c_str(), same ? "equal to" : "DIFFERENT FROM", cuda_s * 1e3, cpu_s * 1e3,
                cpu_s / cuda_s);
    print_kernels(times, runs_, work, peaks_);
    std::puts("");
    std::fflush(stdout);
  }

  /// Prints the verdict and returns whether everything was equal.
  bool finish() const {
    std::printf("%u of %u results equal those of the CPU backend, bit for bit\n", all_ - different_, all_);
    return different_ == 0;
  }

 private:
  template <class Run>
  double median(Backend& backend, Run run) const {
    std::vector<double> seconds;
    for (unsigned i = 0; i < runs_; ++i) {
      double const start = wall_clock();
      auto const result = run(backend);
      seconds.push_back(wall_clock() - start);
    }
    std::ranges::sort(seconds);
    return seconds[seconds.size() / 2];
  }

  unsigned runs_;
  Peaks peaks_;
  std::unique_ptr<Backend> cpu_;
  std::unique_ptr<Backend> cuda_;
  unsigned different_ = 0;
  unsigned all_ = 0;
};

/// Paths from so many sources (0: all), and look-ups of some, as for a table of costs.
void paths(Comparison& comparison, std::string const& name, PathInput const& input, std::uint32_t sources) {
  struct Found {
    std::unique_ptr<PathTable> table;
    std::vector<Nanoseconds> looked_up;  ///< [snapshot][query]
  };
  std::vector<SatelliteId> const from = benches::sources(input.nodes(), sources);
  std::vector<PathQuery> queries;
  std::mt19937 random(1);
  for (unsigned i = 0; i < 256; ++i) {
    auto const source = static_cast<std::uint32_t>(random() % from.size());
    queries.push_back({source, satellite(static_cast<std::uint32_t>(random() % input.nodes()))});
  }
  auto const run = [&](Backend& backend) {
    auto table = backend.path_latencies(input.batch, from);
    auto looked_up = table->gather(queries);
    return Found{std::move(table), std::move(looked_up)};
  };
  auto const equal = [&](Found const& a, Found const& b) {
    if (a.looked_up != b.looked_up) return false;
    for (std::uint32_t s = 0; s < input.batch.snapshots; ++s) {
      for (std::uint32_t f = 0; f < from.size(); ++f) {
        if (a.table->row(s, f) != b.table->row(s, f)) return false;
      }
    }
    return true;
  };
  std::string const size = std::to_string(input.nodes()) + " nodes, " + std::to_string(from.size()) +
                           " sources, " + std::to_string(input.batch.snapshots) + " snapshots";
  double const items =
      static_cast<double>(input.batch.snapshots) * input.nodes() * static_cast<double>(from.size());
  comparison.add({name + ": " + size, "path", items}, run, equal);
}

void all_paths(Comparison& comparison, bool reduced) {
  std::string const starlink = reduced ? "D:550:53:264/12/5" : "D:550:53:1584/72/39";
  std::string const kuiper = reduced ? "D:630:51.9:150/10/3" : "D:630:51.9:1156/34/17";
  std::string const square = reduced ? "D:550:53:96/8/3" : "D:550:53:4356/66/33";
  std::uint32_t const few = reduced ? 1 : 8;
  std::uint32_t const some = reduced ? 2 : 64;
  std::uint32_t const many = reduced ? 3 : 512;
  std::uint32_t const sources = reduced ? 40 : 64;
  paths(comparison, "ring sweep, planes of 22", shell(starlink, 1, some), 0);
  paths(comparison, "ring sweep, 5 % of links lost", shell(starlink, 0.95, some), 0);
  paths(comparison, "ring sweep, scattered sources", shell(starlink, 1, many), sources);
  paths(comparison, "ring sweep, other planes", shell(kuiper, 1, some), 0);
  paths(comparison, "ring sweep, larger planes", shell(square, 1, few), 0);
  paths(comparison, "ring sweep, two shells", shell(starlink + "+" + kuiper, 1, some), 0);
  paths(comparison, "relaxation", listed(shell(starlink, 1), 0.95, many), sources);
  paths(comparison, "relaxation, all pairs", listed(shell(starlink, 1), 0.95, few), 0);
  paths(comparison, "Floyd-Warshall", random_graph(reduced ? 70 : 1024, 0.25, few), 0);
}

struct Model {
  std::uint32_t layers, experts, top_k;
  double sigma;  ///< of the logarithms of weights

  std::string text(std::uint32_t layers_used) const {
    return std::to_string(layers_used) + " layers of " + std::to_string(experts) + " experts, " +
           std::to_string(top_k) + " drawn";
  }
};

constexpr Model models[] = {{32, 8, 2, 0.2}, {32, 16, 4, 0.2}, {48, 128, 8, 1}, {58, 256, 8, 1}};

void samplers(Comparison& comparison, bool reduced) {
  std::uint32_t const cells = reduced ? 2 : 64;
  std::uint32_t const cell_tokens = reduced ? 1500 : 1 << 18;
  for (Model const& m : models) {
    std::uint32_t const layers = reduced ? m.layers / 8 + 1 : m.layers;
    SamplingInput const model(layers, m.experts, m.top_k, m.sigma);
    std::string const size = m.text(layers) + ", ";
    auto const add = [&](std::string const& name, std::uint32_t tokens, auto run) {
      double const all = static_cast<double>(cells) * tokens;
      comparison.add({name + ": " + size + std::to_string(cells * tokens) + " tokens", "token", all}, run,
                     std::equal_to<LatencyTally>());
    };
    std::vector<LayerCell> layer_cells;
    std::vector<TokenCell> token_cells;
    std::uint32_t const routed_tokens = cell_tokens / 8;
    for (std::uint32_t c = 0; c < cells; ++c) {
      layer_cells.push_back({c, 0, cell_tokens, model.tables()});
      token_cells.push_back({c, 0, routed_tokens, model.cost()});
    }
    add("order statistic", cell_tokens,
        [&](Backend& backend) { return backend.sample_layers(seed, layer_cells); });
    add("routing", routed_tokens,
        [&](Backend& backend) { return backend.sample_tokens(model.routing(), seed, token_cells); });
  }
}

/// Common draws of one layer in many slots.
void common_draws(Comparison& comparison, bool reduced) {
  std::uint32_t const slots = reduced ? 3 : 64;
  std::uint32_t const tokens = reduced ? 700 : 1 << 16;
  for (Model const& m : models) {
    SamplingInput const model(1, m.experts, m.top_k, m.sigma);
    LayerSteps const steps(model.distributions()[0]);
    std::vector<CommonDraws> draws;
    for (std::uint32_t s = 0; s < slots; ++s) draws.push_back({s, 0, 0, tokens, steps.view()});
    std::string const size = m.text(1) + ", " + std::to_string(slots * tokens) + " tokens";
    comparison.add(
        {"common draws: " + size, "token", static_cast<double>(slots) * tokens},
        [&](Backend& backend) { return backend.draw_common(seed, draws); },
        std::equal_to<std::vector<Nanoseconds>>());
  }
}

/// Changes of layers whose experts are on random satellites, no two on the same.
void move_scoring(Comparison& comparison, bool reduced) {
  std::uint32_t const layers = 2;
  std::uint32_t const changes = reduced ? 6 : 256;
  PathInput const input =
      shell(reduced ? "D:550:53:264/12/5" : "D:550:53:1584/72/39", 0.95, reduced ? 5 : 64);
  std::vector<SatelliteId> const gateways = sources(input.nodes(), 16);
  std::vector<SatelliteId> satellites = sources(input.nodes(), 0);
  std::mt19937 random(1);
  for (Model const& m : models) {
    MoeModel model;
    model.layers = model.moe_layers = layers;
    model.experts = m.experts;
    model.top_k = m.top_k;
    ComputeSpec compute;
    compute.expert_ms = {1};
    ScoringTables const tables(RoutingLaw::plackett_luce,
                               log_normal_weights(layers, m.experts, m.sigma, seed), m.top_k,
                               {model, compute}, input.nodes());
    std::vector<LayerChange> all;
    std::vector<SatelliteId> hosts;
    for (std::uint32_t c = 0; c < changes; ++c) {
      auto const gateway = static_cast<std::uint32_t>(random() % gateways.size());
      auto const forward = static_cast<std::uint32_t>(random() % input.nodes());
      all.push_back({c % layers, gateway, gateway, forward, 1000, hosts.size()});
      std::ranges::shuffle(satellites, random);
      hosts.insert(hosts.end(), satellites.begin(), satellites.begin() + m.experts);
    }
    auto const run = [&](Backend& backend) {
      return backend.move_scorer(input.batch, gateways, tables)->score(all, hosts);
    };
    auto const equal = [](LayerScores const& a, LayerScores const& b) {
      return a.mean_ns == b.mean_ns && a.variance_ns2 == b.variance_ns2 && a.delivered == b.delivered;
    };
    std::string const size =
        std::to_string(changes) + " changes, " + std::to_string(input.batch.snapshots) + " snapshots";
    comparison.add({"move scoring, paths included: " + m.text(1) + ", " + size, "score",
                    static_cast<double>(changes) * input.batch.snapshots},
                   run, equal);
  }
}

void print_header(CudaDevice const& device, Peaks const& peak) {
  std::printf("Device %d: %s, compute capability %d.%d; at most %.0f GB/s and %.3g lane instructions/s\n",
              device.index, device.name.c_str(), device.compute_major, device.compute_minor,
              peak.bytes_s / giga, peak.lane_instructions_s);
  if (std::string_view(SPACEMOE_CUDART_DIR) != "") {
    std::printf(
        "The CUDA runtime is that of %s. Where that simulates a device, ITS TIMES ARE A SIMULATOR'S, "
        "and say nothing about a GPU.\n",
        SPACEMOE_CUDART_DIR);
  }
  std::string const set(name(instruction_set()));
  std::printf("CPU backend: %u threads, %s\n", std::thread::hardware_concurrency(), set.c_str());
  std::puts(
      "Least MB: what a kernel has to move, inputs and outputs once. Slots: lane instructions that the "
      "device could have\nissued in that time. Rates are of the whole work's items. Times in all "
      "are medians and include copies.\n");
}

Options parse(std::vector<std::string> const& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--reduced") {
      options.reduced = true;
    } else if (arguments[i] == "--device" && i + 1 < arguments.size()) {
      options.device = std::stoi(arguments[++i]);
    } else {
      throw std::invalid_argument("unknown argument " + arguments[i] +
                                  "; there are --reduced and --device N");
    }
  }
  return options;
}

/// Exit status as of the program: 3 where the backend is absent; 1 where a result differs.
int run(Options const& options) {
  CudaStatus const status = cuda_status();
  if (status.devices.empty()) throw BackendError("no CUDA device: " + status.absent_because);
  Comparison comparison(options);
  print_header(status.devices[static_cast<std::size_t>(options.device)], peaks(options.device));
  all_paths(comparison, options.reduced);
  samplers(comparison, options.reduced);
  common_draws(comparison, options.reduced);
  move_scoring(comparison, options.reduced);
  return comparison.finish() ? 0 : 1;
}

}  // namespace
}  // namespace spacemoe::benches

int main(int argc, char** argv) {
  try {
    return spacemoe::benches::run(spacemoe::benches::parse({argv + 1, argv + argc}));
  } catch (spacemoe::BackendError const& error) {
    std::cerr << "cuda_times: " << error.what() << '\n';
    return 3;
  } catch (std::exception const& error) {
    std::cerr << "cuda_times: " << error.what() << '\n';
    return 2;
  }
}
