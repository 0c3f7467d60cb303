#include "host/cli/load_report.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include <nlohmann/json.hpp>

#include "host/cli/columns.hpp"

namespace spacemoe {
namespace {

/// Links and satellites that are named.
constexpr std::size_t named = 5;

std::string id_text(SatelliteId id) {
  return std::to_string(index(id));
}

/// An end of a link; that of a terminal changes from slot to slot.
std::string end_text(std::optional<SatelliteId> const& end) {
  return end ? id_text(*end) : "other shell";
}

nlohmann::ordered_json end_json(std::optional<SatelliteId> const& end) {
  return end ? nlohmann::ordered_json(index(*end)) : nlohmann::ordered_json();
}

std::string link_text(BusyLink const& link) {
  return end_text(link.from) + " -> " + end_text(link.to);
}

std::string kind(BusyLink const& link) {
  return link.from && link.to ? "link" : "terminal";
}

std::string rate_text(double rate_hz) {
  return format("%.4g", rate_hz);
}

std::string what_saturates(LoadSummary const& load) {
  if (load.satellites.empty() && load.links.empty()) return "nothing";
  if (load.satellite_rate_hz <= load.link_rate_hz) {
    return "satellite " + id_text(load.satellites.front().satellite);
  }
  return kind(load.links.front()) + " " + link_text(load.links.front());
}

void print_first(std::ostream& out, std::vector<LoadSummary> const& loads) {
  out << "load            tokens/s that a link bears, and a satellite; first to saturate\n";
  for (LoadSummary const& load : loads) {
    std::string strategy = load.strategy;
    strategy.resize(std::max<std::size_t>(strategy.size(), 14), ' ');
    out << strategy << padded(rate_text(load.link_rate_hz), 26)
        << padded(rate_text(load.satellite_rate_hz), 17) << "; " << what_saturates(load) << '\n';
  }
}

/// One line of the busiest: amounts in their mean and peak.
void print_busy(std::ostream& out, std::string const& who, Load const& load, double unit, double rate_hz) {
  out << padded(who, 20) << padded(format("%.6g", load.mean / unit), 14)
      << padded(format("%.6g", load.peak / unit), 14) << padded(std::to_string(load.peak_slot), 7)
      << padded(rate_text(rate_hz), 12) << '\n';
}

void print_busiest(std::ostream& out, LoadSummary const& load) {
  out << "\nbusiest of " << load.strategy
      << "\n           satellite      ms/token          peak   slot    tokens/s\n";
  for (BusySatellite const& busy : load.satellites) {
    print_busy(out, id_text(busy.satellite), busy.work_s, 1e-3, busy.saturating_rate_hz);
  }
  out << "                link     bit/token          peak   slot    tokens/s\n";
  for (BusyLink const& busy : load.links) {
    print_busy(out, link_text(busy), busy.bit, 1, busy.saturating_rate_hz);
  }
}

}  // namespace

std::vector<LoadSummary> summaries(Scenario const& scenario, std::span<Strategy const> strategies,
                                   NetworkLoads const& loads) {
  std::vector<LoadSummary> all;
  double const rate_bit_s = rate_left_bit_s(scenario);
  for (std::size_t s = 0; s < strategies.size(); ++s) {
    PlacementLoad const& load = loads.placement[s];
    all.push_back({std::string(name(strategies[s])), saturating_link_rate_hz(load, rate_bit_s),
                   saturating_rate_hz(load.work_s, 1), busiest_links(load, loads.links, rate_bit_s, named),
                   busiest_satellites(load, named)});
  }
  return all;
}

void print_loads(std::ostream& out, std::vector<LoadSummary> const& loads) {
  print_first(out, loads);
  for (LoadSummary const& load : loads) print_busiest(out, load);
}

nlohmann::ordered_json json_of(LoadSummary const& load) {
  nlohmann::ordered_json json;
  json["link_saturates_at_tokens_per_s"] = load.link_rate_hz;
  json["satellite_saturates_at_tokens_per_s"] = load.satellite_rate_hz;
  json["busiest_links"] = nlohmann::ordered_json::array();
  for (BusyLink const& busy : load.links) {
    json["busiest_links"].push_back({{"kind", kind(busy)},
                                     {"from", end_json(busy.from)},
                                     {"to", end_json(busy.to)},
                                     {"mean_bit", busy.bit.mean},
                                     {"peak_bit", busy.bit.peak},
                                     {"peak_slot", busy.bit.peak_slot}});
  }
  json["busiest_satellites"] = nlohmann::ordered_json::array();
  for (BusySatellite const& busy : load.satellites) {
    json["busiest_satellites"].push_back({{"satellite", index(busy.satellite)},
                                          {"mean_ms", 1e3 * busy.work_s.mean},
                                          {"peak_ms", 1e3 * busy.work_s.peak},
                                          {"peak_slot", busy.work_s.peak_slot}});
  }
  return json;
}

}  // namespace spacemoe
