// Ways to search a placement, each with the same number of tries on the mean model: what they come to,
// exactly.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "host/cpu/cpu_backend.hpp"
#include "host/io/scenario_file.hpp"
#include "host/search/annealing.hpp"
#include "host/search/descent.hpp"
#include "host/search/exact_scores.hpp"
#include "host/search/refined.hpp"

namespace {

using namespace spacemoe;

constexpr std::uint64_t rounds = 200;
constexpr double cold = 0.012;  // [mean link latencies], at the end

class Contest {
 public:
  Contest(Scenario const& scenario, Backend& backend, std::uint64_t tries)
      : problem_(scenario, backend), tries_(tries), start_(search_start(problem_).second) {
    for (std::uint32_t s = 0; s < problem_.limits.satellites; ++s) all_.push_back(satellite(s));
    model_ = std::make_unique<MeanModel>(problem_, all_);
  }

  void run() const {
    std::printf("| method | tries | processor s | planned mean ms |\n| --- | --- | --- | --- |\n");
    row("start", 0, [&] { return start_; });
    row("exact descent from the start", 0, [&] { return descended(start_); });
    row("stochastic descent from the start", tries_, [&] { return annealed({0}); });
    row("stochastic descent, best of 16 restarts", tries_, [&] { return annealed(std::vector<double>(16)); });
    row("annealing, one chain", tries_, [&] { return annealed({0.6}); });
    row("annealing, best of 4 chains", tries_, [&] { return annealed({0.6, 0.6, 0.6, 0.6}); });
    row("annealing, best of 4 chains of rising heat", tries_, [&] {
      return annealed({0.15, 0.3, 0.6, 1.2});
    });
    row("the same, then exact descent", tries_, [&] { return descended(annealed({0.15, 0.3, 0.6, 1.2})); });
  }

 private:
  template <class Method>
  void row(char const* name, std::uint64_t tries, Method method) const {
    std::clock_t const begin = std::clock();
    Placement const placement = method();
    double const seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    ExactScorer scorer(problem_, problem_.slots, placement.gateway);
    Incumbent const incumbent(scorer, Layout(placement, problem_.limits));
    std::printf("| %s | %llu | %.1f | %.2f |\n", name, static_cast<unsigned long long>(tries), seconds,
                value_ns({}, incumbent.totals()) / 1e6);
    std::fflush(stdout);
  }

  /// A chain per temperature [mean link latencies] at which it begins; 0: only what gets better.
  Placement annealed(std::vector<double> const& hot) const {
    double const link_ns = mean_link_ns(problem_.slots);
    double best_ns = 0;
    Placement best = start_;
    for (std::uint32_t c = 0; c < hot.size(); ++c) {
      Annealing chain(*model_, problem_.network.wiring(), true, problem_.scenario.seed, c, start_,
                      problem_.limits);
      std::uint64_t const steps = tries_ / hot.size();
      for (std::uint64_t r = 0; r < rounds; ++r) {
        double const share = static_cast<double>(r) / static_cast<double>(rounds);
        double const temperature = hot[c] > 0 ? hot[c] * std::pow(cold / hot[c], share) : 0;
        chain.run(steps * r / rounds, steps * (r + 1) / rounds - steps * r / rounds, temperature * link_ns);
      }
      if (c > 0 && chain.best_ns() >= best_ns) continue;
      best_ns = chain.best_ns();
      best = chain.best();
    }
    Layout layout(best, problem_.limits);
    for (std::uint32_t l = 0; l < layout.layers(); ++l) sort_experts(layout, *model_, l);
    return layout.placement();
  }

  Placement descended(Placement const& from) const {
    ExactScorer scorer(problem_, problem_.slots, within_links(problem_.network.wiring(), from.gateway, 3));
    Incumbent incumbent(scorer, Layout(from, problem_.limits));
    Neighbourhood around;
    around.ring = problem_.ring;
    Descent descent(*model_, problem_.network.wiring(), around, {}, lost_share(incumbent.totals()));
    while (descent.pass(incumbent, scorer, UINT64_MAX, [] { return false; }).improved()) {
    }
    return incumbent.layout().placement();
  }

  SearchProblem problem_;
  std::uint64_t tries_;
  Placement start_;
  std::vector<SatelliteId> all_;
  std::unique_ptr<MeanModel> model_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: search_methods SCENARIO TRIES\n");
    return 2;
  }
  auto const backend = make_cpu_backend();
  with_threads(1, [&] {
    Scenario const scenario = load_scenario(argv[1]);
    Contest(scenario, *backend, std::strtoull(argv[2], nullptr, 10)).run();
  });
}
