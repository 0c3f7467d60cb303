#include <memory>
#include <string>

#include "benches/inputs.hpp"
#include "benches/peers/runner.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/simd.hpp"

// spacemoe in the comparison: makes the inputs of all and runs our methods.

namespace spacemoe::benches {
namespace {

/// Tokens of one call; as many cells as that takes.
constexpr std::uint32_t tokens_per_call = 1u << 17;

/// Writes the links of the only snapshot as rows of neighbours: NAME.first [node], NAME.neighbor and
/// NAME.latency (ns), NAME.sources; all u32.
void write_graph(std::string const& name, PathInput const& input, std::vector<SatelliteId> const& from) {
  Wiring const& wiring = input.network->wiring();
  std::vector<std::uint32_t> first{0}, neighbor, latency, source;
  for (std::uint32_t node = 0; node < wiring.nodes; ++node) {
    for (std::size_t entry = node; entry < wiring.neighbor.size(); entry += wiring.nodes) {
      if (input.batch.latency_ns[entry] == unreachable) continue;
      neighbor.push_back(wiring.neighbor[entry]);
      latency.push_back(input.batch.latency_ns[entry]);
    }
    first.push_back(static_cast<std::uint32_t>(neighbor.size()));
  }
  for (SatelliteId const id : from) source.push_back(static_cast<std::uint32_t>(id));
  write_array(name + ".first", first.data(), first.size());
  write_array(name + ".neighbor", neighbor.data(), neighbor.size());
  write_array(name + ".latency", latency.data(), latency.size());
  write_array(name + ".sources", source.data(), source.size());
}

/// Seconds of the exact mean and variance of a layer in one slot after two experts have swapped hosts: as a
/// search asks for them, many swaps and slots at a time.
double swap_seconds(SamplingInput const& model, double least_s) {
  SwapInput const input(model);
  auto const scorer = input.scorer(*make_cpu_backend());
  double volatile sink = 0;
  double const all_s =
      median_seconds(processor_clock, least_s, [&] { sink = input.scores(*scorer).mean_ns.back(); });
  return all_s / (input.swaps() * input.slots());
}

class OurRunner {
 public:
  OurRunner() : backend_(make_cpu_backend()) {}

  /// NAME WALKER SURVIVAL shell|listed SOURCES(0: all) -> nodes, sources
  std::string make_graph(Words const& arguments) {
    graph_ = shell(arguments.at(1), std::stod(arguments.at(2)));
    if (arguments.at(3) == "listed") graph_ = listed(graph_);
    sources_ = sources(graph_.nodes(), static_cast<std::uint32_t>(std::stoul(arguments.at(4))));
    write_graph(arguments.at(0), graph_, sources_);
    return joined(graph_.nodes(), sources_.size());
  }

  /// METHOD STEP(1) LEAST_SECONDS -> seconds
  std::string paths(Words const& arguments) {
    return timed([&] {
      return median_seconds(clock(), std::stod(arguments.at(2)), [&] {
        table_.reset();
        table_ = backend_->path_latencies(graph_.batch, sources_);
      });
    });
  }

  /// FILE STEP
  std::string save(Words const& arguments) {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t s = 0; s < sources_.size(); ++s) {
      auto const row = table_->row(0, s);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    write_rows(arguments.at(0), rows, graph_.nodes(), std::stoul(arguments.at(1)));
    return "";
  }

  /// NAME LAYERS EXPERTS TOP_K SIGMA -> exact mean [ns], variance, fourth central moment
  std::string make_model(Words const& arguments) {
    auto const number = [&](std::size_t i) {
      return static_cast<std::uint32_t>(std::stoul(arguments.at(i)));
    };
    model_ = std::make_unique<SamplingInput>(number(1), number(2), number(3), std::stod(arguments.at(4)));
    auto const& weight = model_->weights().weight;
    write_array(arguments.at(0) + ".weight", weight.data(), weight.size());
    write_array(arguments.at(0) + ".cost", model_->expert_ns().data(), model_->expert_ns().size());
    ExactMoments const exact = model_->exact_moments();
    return joined(exact.mean_ns, exact.variance_ns2, exact.fourth_central_ns4);
  }

  /// order-statistic|per-pick SEED LEAST_SECONDS LEAST_TOKENS TOKENS_PER_CELL
  /// -> tokens, seconds, mean [ns], variance
  std::string sample(Words const& arguments) {
    bool const per_pick = arguments.at(0) == "per-pick";
    Seed const seed{std::stoull(arguments.at(1))};
    double const least_s = std::stod(arguments.at(2));
    auto const least_tokens = static_cast<std::uint64_t>(std::stod(arguments.at(3)));
    auto const per_cell = static_cast<std::uint32_t>(std::stoul(arguments.at(4)));
    std::uint32_t slot = 0;
    Moments moments;
    double seconds = 0;
    with_threads(threads_, [&] {
      Clock const now = clock();
      double const start = now();
      while (seconds < least_s || moments.tokens < least_tokens) {
        for (Moments const& cell : sample_call(per_pick, seed, per_cell, slot).cell) moments += cell;
        seconds = now() - start;
      }
    });
    auto const count = static_cast<double>(moments.tokens);
    double const mean = static_cast<double>(moments.sum_ns) / count;
    double const square = static_cast<double>(moments.sum_squares_ns2) / count;
    return joined(moments.tokens, seconds, mean, square - mean * mean);
  }

  /// LEAST_SECONDS -> seconds of the exact moments of a layer after a swap, of the laws of all layers (once
  /// per model), of the distributions and tables of all layers (once per cell)
  std::string exact(Words const& arguments) {
    double const least_s = std::stod(arguments.at(0));
    double const mean_s = swap_seconds(*model_, least_s);
    ActivationWeights const& weights = model_->weights();
    double const laws_s = median_seconds(processor_clock, least_s, [&] {
      for (std::uint32_t l = 0; l < weights.layers; ++l) {
        LayerLaw const law(RoutingLaw::plackett_luce, Span(weights.layer(l), weights.experts),
                           model_->routing().top_k);
      }
    });
    double const tables_s =
        median_seconds(processor_clock, least_s, [&] { LayerTables const t(model_->distributions(), 0); });
    return joined(mean_s, laws_s, tables_s);
  }

  /// N
  std::string threads(Words const& arguments) {
    threads_ = static_cast<unsigned>(std::stoul(arguments.at(0)));
    return "";
  }

  /// scalar|avx2|avx512
  std::string instructions(Words const& arguments) {
    for (InstructionSet const set : available_instruction_sets()) {
      if (name(set) != arguments.at(0)) continue;
      use_instruction_set(set);
      return "";
    }
    throw std::runtime_error("not available");
  }

  /// -> compiler, then the instruction sets at hand, the one in use last
  static std::string versions(Words const&) {
    std::string text = "g++_" + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
    for (InstructionSet const set : available_instruction_sets()) text += " " + std::string(name(set));
    return text + " " + std::string(name(instruction_set()));
  }

  /// -> peak memory of this process [KiB]
  static std::string peak(Words const&) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      if (word == "VmHWM:") return status >> word, word;
    }
    throw std::runtime_error("no VmHWM in /proc/self/status");
  }

 private:
  Clock clock() const { return threads_ == 1 ? processor_clock : wall_clock; }

  template <class Measure>
  std::string timed(Measure measure) {
    double seconds = 0;
    with_threads(threads_, [&] { seconds = measure(); });
    return joined(seconds);
  }

  LatencyTally sample_call(bool per_pick, Seed seed, std::uint32_t per_cell, std::uint32_t& slot) {
    std::vector<TokenCell> token_cells;
    std::vector<LayerCell> layer_cells;
    for (std::uint32_t tokens = 0; tokens < tokens_per_call; tokens += per_cell, ++slot) {
      if (per_pick) {
        token_cells.push_back({slot, 0, per_cell, model_->cost()});
      } else {
        layer_cells.push_back({slot, 0, per_cell, model_->tables()});
      }
    }
    return per_pick ? backend_->sample_tokens(model_->routing(), seed, token_cells)
                    : backend_->sample_layers(seed, layer_cells);
  }

  std::unique_ptr<Backend> backend_;
  unsigned threads_ = 1;
  PathInput graph_;
  std::vector<SatelliteId> sources_;
  std::unique_ptr<PathTable> table_;
  std::unique_ptr<SamplingInput> model_;
};

}  // namespace
}  // namespace spacemoe::benches

int main() {
  using namespace spacemoe::benches;
  OurRunner runner;
  return answer_requests({{"make_graph", [&](Words const& w) { return runner.make_graph(w); }},
                          {"paths", [&](Words const& w) { return runner.paths(w); }},
                          {"save", [&](Words const& w) { return runner.save(w); }},
                          {"make_model", [&](Words const& w) { return runner.make_model(w); }},
                          {"sample", [&](Words const& w) { return runner.sample(w); }},
                          {"exact", [&](Words const& w) { return runner.exact(w); }},
                          {"threads", [&](Words const& w) { return runner.threads(w); }},
                          {"instructions", [&](Words const& w) { return runner.instructions(w); }},
                          {"versions", OurRunner::versions},
                          {"peak", OurRunner::peak}});
}
