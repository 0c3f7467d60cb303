#include <memory>
#include <random>
#include <string>

#include "benches/peers/boost_dijkstra.hpp"
#include "benches/peers/csr_graph.hpp"
#include "benches/peers/floyd_warshall.hpp"
#include "benches/peers/heap_dijkstra.hpp"
#include "benches/peers/philox_words.hpp"
#include "benches/peers/runner.hpp"
#include "kernels/bins.hpp"

// The peers written in C++, compiled for the machine at hand.

namespace spacemoe::benches {
namespace {

/// Mean, variance and histogram, as our own samplers leave them behind.
struct Tally {
  std::uint64_t tokens = 0;
  double sum_ns = 0;
  double sum_squares_ns2 = 0;
  std::vector<std::uint64_t> histogram = std::vector<std::uint64_t>(bin_count);

  void add(std::uint64_t latency_ns) {
    auto const latency = static_cast<double>(latency_ns);
    ++tokens;
    sum_ns += latency;
    sum_squares_ns2 += latency * latency;
    ++histogram[bin_of(latency_ns)];
  }
};

/// std::discrete_distribution per layer; experts that are already drawn are drawn again.
class StandardSampler {
 public:
  StandardSampler(std::string const& name, std::size_t layers, std::size_t experts, std::size_t top_k)
      : layers_(layers), experts_(experts), top_k_(top_k), cost_(read_array<std::uint32_t>(name + ".cost")) {
    auto const weight = read_array<double>(name + ".weight");
    for (std::size_t l = 0; l < layers; ++l) {
      auto const first = weight.begin() + static_cast<std::ptrdiff_t>(l * experts);
      law_.emplace_back(first, first + static_cast<std::ptrdiff_t>(experts));
    }
  }

  std::uint64_t token(std::mt19937_64& random) {
    std::uint64_t total = 0;
    std::uint32_t picks[32];
    for (std::size_t l = 0; l < layers_; ++l) {
      std::uint32_t slowest = 0;
      for (std::size_t count = 0; count < top_k_;) {
        std::uint32_t const expert = law_[l](random);
        if (std::find(picks, picks + count, expert) != picks + count) continue;
        picks[count++] = expert;
        slowest = std::max(slowest, cost_[l * experts_ + expert]);
      }
      total += slowest;
    }
    return total;
  }

 private:
  std::size_t layers_, experts_, top_k_;
  std::vector<std::uint32_t> cost_;
  std::vector<std::discrete_distribution<std::uint32_t>> law_;
};

class CppRunner {
 public:
  /// NAME
  std::string graph(Words const& arguments) {
    std::string const& name = arguments.at(0);
    graph_ = {read_array<std::uint32_t>(name + ".first"), read_array<std::uint32_t>(name + ".neighbor"),
              read_array<std::uint32_t>(name + ".latency")};
    sources_ = read_array<std::uint32_t>(name + ".sources");
    boost_ = std::make_unique<BoostDijkstra>(graph_);
    heap_ = std::make_unique<HeapDijkstra>(graph_);
    return "";
  }

  /// boost|heap|floyd-warshall STEP LEAST_SECONDS -> seconds
  std::string paths(Words const& arguments) {
    std::string const& method = arguments.at(0);
    std::size_t const step = std::stoul(arguments.at(1));
    double const least_s = std::stod(arguments.at(2));
    if (method == "boost") return from_sources(*boost_, step, least_s);
    if (method == "heap") return from_sources(*heap_, step, least_s);
    return all_pairs(least_s);
  }

  /// FILE STEP
  std::string save(Words const& arguments) {
    write_rows(arguments.at(0), rows_, graph_.nodes(), std::stoul(arguments.at(1)));
    return "";
  }

  /// NAME LAYERS EXPERTS TOP_K
  std::string model(Words const& arguments) {
    sampler_ = std::make_unique<StandardSampler>(arguments.at(0), std::stoul(arguments.at(1)),
                                                 std::stoul(arguments.at(2)), std::stoul(arguments.at(3)));
    return "";
  }

  /// discrete_distribution SEED LEAST_SECONDS -> tokens, seconds, mean [ns], variance
  std::string sample(Words const& arguments) {
    std::mt19937_64 random(std::stoull(arguments.at(1)));
    double const least_s = std::stod(arguments.at(2));
    double const start = processor_clock();
    Tally tally;
    double seconds = 0;
    while (seconds < least_s) {
      for (int i = 0; i < 512; ++i) tally.add(sampler_->token(random));
      seconds = processor_clock() - start;
    }
    auto const tokens = static_cast<double>(tally.tokens);
    double const mean = tally.sum_ns / tokens;
    return joined(tally.tokens, seconds, mean, tally.sum_squares_ns2 / tokens - mean * mean);
  }

  /// LEAST_SECONDS -> random words a second
  static std::string philox(Words const& arguments) {
    std::uint32_t volatile sink = 0;
    double const seconds =
        median_seconds(processor_clock, std::stod(arguments.at(0)), [&] { sink = philox_words(); });
    return joined(philox_words_per_call / seconds);
  }

  static std::string versions(Words const&) {
    return joined("Boost_" + std::to_string(BOOST_VERSION / 100000) + "." +
                  std::to_string(BOOST_VERSION / 100 % 1000));
  }

 private:
  template <class Method>
  std::string from_sources(Method& method, std::size_t step, double least_s) {
    std::size_t const nodes = graph_.nodes();
    rows_.resize((sources_.size() + step - 1) / step * nodes);
    return joined(median_seconds(processor_clock, least_s, [&] {
      for (std::size_t s = 0; s < sources_.size(); s += step) {
        method.run(sources_[s], std::span(rows_).subspan(s / step * nodes, nodes));
      }
    }));
  }

  std::string all_pairs(double least_s) {
    FloydWarshall method(graph_);
    double const seconds = median_seconds(processor_clock, least_s, [&] { method.run(); });
    std::size_t const nodes = graph_.nodes();
    rows_.resize(nodes * nodes);
    for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i] = method.at(i / nodes, i % nodes);
    return joined(seconds);
  }

  CsrGraph graph_;
  std::vector<std::uint32_t> sources_;
  std::unique_ptr<BoostDijkstra> boost_;
  std::unique_ptr<HeapDijkstra> heap_;
  std::vector<std::uint32_t> rows_;  ///< [source][node], of the last run
  std::unique_ptr<StandardSampler> sampler_;
};

}  // namespace
}  // namespace spacemoe::benches

int main() {
  using namespace spacemoe::benches;
  CppRunner runner;
  return answer_requests({{"graph", [&](Words const& w) { return runner.graph(w); }},
                          {"paths", [&](Words const& w) { return runner.paths(w); }},
                          {"save", [&](Words const& w) { return runner.save(w); }},
                          {"model", [&](Words const& w) { return runner.model(w); }},
                          {"sample", [&](Words const& w) { return runner.sample(w); }},
                          {"philox", CppRunner::philox},
                          {"versions", CppRunner::versions}});
}
