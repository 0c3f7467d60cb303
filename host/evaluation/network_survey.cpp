#include "host/evaluation/network_survey.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "host/evaluation/planning.hpp"

namespace spacemoe {
namespace {

constexpr std::uint32_t most_sources = 20000;
constexpr std::uint32_t sources_at_once = 256;

/// Least distance of the segment between two satellites to the Earth's centre, above its surface.
double grazing_altitude_km(Vector3 const& a, Vector3 const& b, double radius_km) {
  auto const dot = [](Vector3 const& u, Vector3 const& v) { return u.x * v.x + u.y * v.y + u.z * v.z; };
  Vector3 const d{b.x - a.x, b.y - a.y, b.z - a.z};
  double const nearest = std::clamp(-dot(a, d) / dot(d, d), 0.0, 1.0);
  Vector3 const point{a.x + nearest * d.x, a.y + nearest * d.y, a.z + nearest * d.z};
  return std::sqrt(dot(point, point)) - radius_km;
}

double least_grazing_altitude_km(Scenario const& scenario, Wiring const& wiring, Snapshot const& snapshot) {
  double least = std::numeric_limits<double>::infinity();
  if (is_listed(scenario)) return least;
  auto const where = states(scenario.constellation, slot_time_s(scenario, 0));
  double const radius_km = earth(scenario.constellation.earth).radius_km;
  auto const include = [&](SatelliteId a, SatelliteId b) {
    least = std::min(
        least, grazing_altitude_km(where[index(a)].position_km, where[index(b)].position_km, radius_km));
  };
  for (std::size_t i = 0; i < wiring.links.size(); ++i) {
    if (snapshot.removal[i] == Removal::none) include(wiring.links[i].a, wiring.links[i].b);
  }
  for (CrossingLink const& link : snapshot.crossing) {
    if (link.removal == Removal::none) include(link.a, link.b);
  }
  return least;
}

}  // namespace

NetworkSurvey survey_network(Scenario const& scenario) {
  Network const network = make_network(scenario);
  NetworkSurvey survey;
  for (std::uint32_t slot = 0; slot < scenario.time.slots; ++slot) {
    Snapshot const snapshot = network.snapshot(slot, slot_time_s(scenario, slot), Purpose::evaluation_outage);
    for (Removal const reason : snapshot.removal)
      ++survey.removed_over_slots[static_cast<std::size_t>(reason)];
    for (CrossingLink const& link : snapshot.crossing)
      ++survey.removed_over_slots[static_cast<std::size_t>(link.removal)];
    survey.links_over_slots += snapshot.removal.size() + snapshot.crossing.size();
    if (slot > 0) continue;
    survey.first_slot = link_statistics(network.wiring(), snapshot);
    survey.components = connected_components(network.wiring(), snapshot);
    survey.grazing_altitude_km = least_grazing_altitude_km(scenario, network.wiring(), snapshot);
  }
  return survey;
}

PathSurvey survey_paths(Scenario const& scenario, Backend& backend) {
  Network const network = make_network(scenario);
  SnapshotBatch const first = snapshots(scenario, network, 0, 1, Purpose::evaluation_outage);
  std::uint32_t const nodes = satellites(scenario);
  PathSurvey survey;
  survey.sources = std::min(nodes, most_sources);
  std::uint64_t sum_ns = 0;
  std::uint64_t reached = 0;
  Nanoseconds greatest = 0;
  for (std::uint32_t done = 0; done < survey.sources; done += sources_at_once) {
    std::vector<SatelliteId> sources;
    for (std::uint32_t s = done; s < std::min(done + sources_at_once, survey.sources); ++s) {
      sources.push_back(satellite(std::uint64_t{s} * nodes / survey.sources));
    }
    auto const table = backend.path_latencies(first, sources);
    for (std::uint32_t s = 0; s < sources.size(); ++s) {
      for (Nanoseconds const latency : table->row(0, s)) {
        if (latency == unreachable) continue;
        ++reached;
        sum_ns += latency;
        greatest = std::max(greatest, latency);
      }
    }
  }
  // Every source reaches itself in no time; those are not pairs.
  auto const pairs = static_cast<double>(std::uint64_t{survey.sources} * (nodes - 1));
  auto const live = static_cast<double>(reached - survey.sources);
  survey.mean_ms = live > 0 ? static_cast<double>(sum_ns) / live / 1e6 : 0;
  survey.max_ms = greatest / 1e6;
  survey.unreachable = pairs > 0 ? 1 - live / pairs : 0;
  return survey;
}

}  // namespace spacemoe
