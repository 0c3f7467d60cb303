#include <cstdio>
#include <iostream>
#include <numeric>
#include <sstream>

#include "host/cli/arguments.hpp"
#include "host/cli/backend_choice.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/interrupt.hpp"
#include "host/cli/memory_check.hpp"
#include "host/cli/progress.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/errors.hpp"
#include "host/evaluation/planning.hpp"
#include "host/io/paths_file.hpp"
#include "host/io/scenario_file.hpp"
#include "host/network/routes.hpp"

namespace spacemoe {
namespace {

constexpr std::size_t sources_at_once = 256;
/// Latency and hops, and the same again as doubles and as the image of a file.
constexpr double bytes_per_pair = 64;

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> specs{{"slot", "N", "snapshot to take (default: 0)"},
                                {"from", "ID,ID", "source satellites (default: all)"},
                                {"to", "ID,ID", "target satellites (default: all)"},
                                {"o,output", "FILE", "write .csv or .h5 instead of printing"},
                                {"threads", "N", "CPU threads (default: all cores); changes no result"}};
  for (auto& option : backend_options()) specs.push_back(std::move(option));
  return specs;
}

void refuse_attacks(Damage const& damage) {
  if (!has_attack(damage)) return;
  throw ScenarioError(Complaint{"damage", "attacks aim at a placement, and paths are of the network alone",
                                "set gateways, hosts, busiest_satellites and busiest_links to 0"});
}

std::vector<SatelliteId> satellites_or_all(std::optional<std::vector<std::uint64_t>> const& given,
                                           std::uint32_t count) {
  std::vector<SatelliteId> ids;
  if (given) {
    for (std::uint64_t const id : *given) ids.push_back(satellite(id));
  } else {
    for (std::uint32_t id = 0; id < count; ++id) ids.push_back(satellite(id));
  }
  return ids;
}

PathMatrix path_matrix(SnapshotBatch const& batch, Backend& backend, std::vector<SatelliteId> from,
                       std::vector<SatelliteId> to) {
  PathMatrix matrix{std::move(from), std::move(to), {}, {}};
  Progress progress("computing paths", "sources");
  for (std::size_t first = 0; first < matrix.from.size(); first += sources_at_once) {
    auto const sources =
        std::span(matrix.from).subspan(first, std::min(sources_at_once, matrix.from.size() - first));
    auto const table = backend.path_latencies(batch, sources);
    for (std::size_t s = 0; s < sources.size(); ++s) {
      auto const latency = table->row(0, static_cast<std::uint32_t>(s));
      auto const hops = hop_counts(batch, sources[s], latency);
      for (SatelliteId const target : matrix.to) {
        matrix.latency_ns.push_back(latency[index(target)]);
        matrix.hops.push_back(hops[index(target)]);
      }
    }
    progress.show(first + sources.size(), matrix.from.size());
    stop_if_interrupted();
  }
  return matrix;
}

std::string ms_text(Nanoseconds latency_ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", latency_ns / 1e6);
  return text;
}

void print_route(SnapshotBatch const& batch, Backend& backend, SatelliteId from, SatelliteId to) {
  auto const table = backend.path_latencies(batch, std::array{from});
  auto const latency = table->row(0, 0);
  auto const way = route(batch, from, to, latency);
  if (way.empty()) {
    std::cout << "no path from " << index(from) << " to " << index(to) << '\n';
    return;
  }
  std::cout << "from " << index(from) << " to " << index(to) << ": " << ms_text(latency[index(to)]) << " ms, "
            << way.size() - 1 << " hops\n\nsatellite  ms since start\n";
  for (SatelliteId const id : way) {
    std::string const number = std::to_string(index(id));
    std::cout << std::string(9 - std::min<std::size_t>(9, number.size()), ' ') << number << "  "
              << ms_text(latency[index(id)]) << '\n';
  }
}

}  // namespace

int paths_command(Invocation const& invocation) {
  Arguments arguments("paths", "Path latencies in one snapshot; the route itself for a single pair",
                      options(), invocation.words);
  if (arguments.help_wanted()) {
    std::cout << arguments.help();
    return 0;
  }
  auto const output = arguments.output("output", {".csv", ".h5"});
  auto const threads = arguments.number("threads", 1, 4096);
  BackendChoice const backend_wanted = backend_choice(arguments);
  arguments.check();

  Scenario const scenario = load_scenario(arguments.file());
  refuse_attacks(scenario.damage);
  std::uint32_t const count = satellites(scenario);
  auto const slot = arguments.number("slot", 0, scenario.time.slots - 1);
  auto const from_ids = arguments.numbers("from", count - 1);
  auto const to_ids = arguments.numbers("to", count - 1);
  arguments.check();
  auto const from = satellites_or_all(from_ids, count);
  auto const to = satellites_or_all(to_ids, count);
  require_memory("paths", static_cast<double>(from.size()) * static_cast<double>(to.size()) * bytes_per_pair +
                              static_cast<double>(sources_at_once) * count * 4);

  auto const backend = make_backend(backend_wanted);
  watch_for_signals();
  with_threads(static_cast<unsigned>(threads.value_or(0)), [&] {
    Network const network = make_network(scenario);
    DamagedNetwork const damaged(network, scenario.damage, scenario.seed);
    SnapshotBatch const batch =
        damaged_snapshots(scenario, network, damaged, static_cast<std::uint32_t>(slot.value_or(0)), 1,
                          Purpose::evaluation_outage)
            .batch;
    if (!output && from.size() == 1 && to.size() == 1) {
      print_route(batch, *backend, from.front(), to.front());
      return;
    }
    PathMatrix const matrix = path_matrix(batch, *backend, from, to);
    if (!output) {
      write_paths_csv(std::cout, matrix);
    } else {
      write_paths(*output, matrix);
    }
  });
  return 0;
}

}  // namespace spacemoe
