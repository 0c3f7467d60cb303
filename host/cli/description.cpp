#include "host/cli/description.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <ostream>
#include <string>
#include <vector>

#include "host/cli/load_report.hpp"
#include "host/cli/memory_check.hpp"
#include "host/cli/warnings.hpp"
#include "host/evaluation/evaluate.hpp"
#include "host/evaluation/network_paths.hpp"
#include "host/evaluation/network_survey.hpp"
#include "host/evaluation/planning.hpp"
#include "host/io/scenario_names.hpp"

namespace spacemoe {
namespace {

constexpr std::array link_kind_names{"intra-plane", "inter-plane", "seam", "inter-shell", "listed"};
constexpr std::array removal_names{"none",     "latitude", "line of sight", "range",
                                   "pointing", "outage",   "damage"};

template <class... Values>
std::string text(char const* pattern, Values... values) {
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, pattern, values...);
  return buffer;
}

/// "name   value" with names aligned.
void line(std::ostream& out, std::string name, std::string const& value) {
  name.resize(std::max<std::size_t>(name.size() + 2, 28), ' ');
  out << "  " << name << value << '\n';
}

std::string or_off(std::optional<double> const& limit, char const* pattern) {
  return limit ? text(pattern, *limit) : "off";
}

void describe_shell(std::ostream& out, Constellation const& constellation, Shell const& shell) {
  std::uint32_t const per_plane = shell.satellites_per_plane;
  double const a_km = semi_major_axis_km(constellation, shell);
  double const hop_km = 2 * a_km * std::sin(std::acos(-1.0) / per_plane);
  out << "  shell " << shell.name << '\n';
  line(out, "  Walker",
       text("%s, %u planes x %u = %zu satellites, inclination %g deg, F = %u",
            std::string(name_of(pattern_names, shell.pattern)).c_str(), shell.planes, per_plane,
            satellite_count(shell), shell.inclination_deg, shell.phasing));
  line(out, "  altitude, semi-major axis", text("%g km, %.3f km", shell.altitude_km, a_km));
  line(out, "  period", text("%.3f min", period_s(constellation, shell) / 60));
  line(out, "  phasing",
       text("%s: plane to plane %.4f deg of %.4f deg between satellites",
            std::string(name_of(phasing_rule_names, shell.phasing_rule)).c_str(),
            shell.planes > 1 ? phase_deg(shell, 1) - phase_deg(shell, 0) : 0.0, 360.0 / per_plane));
  if (per_plane > 1) {
    line(out, "  intra-plane hop",
         text("%.1f km, %.4f ms of light", hop_km, hop_km / light_speed_km_s * 1e3));
  }
}

void describe_constellation(std::ostream& out, Scenario const& scenario) {
  out << "\nConstellation\n";
  if (is_listed(scenario)) {
    line(out, "listed graph",
         text("%u nodes, %zu links", scenario.listed_nodes, scenario.listed_links.size()));
    return;
  }
  Constellation const& constellation = scenario.constellation;
  Earth const model = earth(constellation.earth);
  line(out, "Earth",
       text("%s: R %.3f km, mu %.4f km^3/s^2", std::string(name_of(earth_names, constellation.earth)).c_str(),
            model.radius_km, model.mu_km3_s2));
  line(out, "propagation", std::string(name_of(propagation_names, constellation.propagation)));
  for (auto const& shell : constellation.shells) describe_shell(out, constellation, shell);
}

void describe_time(std::ostream& out, Scenario const& scenario) {
  out << "\nTime\n";
  line(out, "slots",
       text("%u, every %.2f s from %g s", scenario.time.slots, span_s(scenario) / scenario.time.slots,
            scenario.time.start_s));
}

void describe_rules(std::ostream& out, Scenario const& scenario) {
  LinkRules const& rules = scenario.links;
  out << "\nLink conventions\n";
  if (!is_listed(scenario)) {
    line(out, "seam", std::string(name_of(seam_names, rules.seam)));
    line(out, "inter-plane partner", std::string(name_of(partner_names, rules.inter_plane_partner)));
    bool const nearest = rules.between_shells == BetweenShells::nearest;
    line(out, "between shells",
         std::string(name_of(between_shells_names, rules.between_shells)) +
             (nearest ? text(" within %g km", rules.between_shells_range_km) : ""));
    line(out, "latitude limit",
         or_off(rules.latitude_limit_deg, "%g deg, ") +
             (rules.latitude_limit_deg
                  ? std::string(name_of(latitude_rule_names, rules.latitude_rule)) + " end"
                  : ""));
    line(out, "line of sight above", or_off(rules.grazing_altitude_km, "%g km"));
    line(out, "max range", or_off(rules.max_range_km, "%g km"));
    line(out, "max pointing rate", or_off(rules.max_pointing_rate_rad_s, "%g rad/s"));
  }
  line(out, "survival per link and slot", text("%g", rules.survival));
  if (!is_listed(scenario)) {
    line(out, "per hop",
         text("length / c + %g B at %g Gb/s = %.3f us, forwarding %g us", rules.message_bit / 8,
              rules.rate_bit_s / 1e9, rules.message_bit / rules.rate_bit_s * 1e6, rules.forwarding_ns / 1e3));
  }
}

void describe_links(std::ostream& out, NetworkSurvey const& survey) {
  out << "\nLinks at slot 0\n"
         "  kind           live          length km min/mean/max         latency ms min/mean/max   removed\n";
  for (std::size_t kind = 0; kind < link_kinds; ++kind) {
    LinkStatistics const& s = survey.first_slot[kind];
    std::uint32_t const removed = std::accumulate(s.removed.begin() + 1, s.removed.end(), 0u);
    if (s.links + removed == 0) continue;
    out << text("  %-12s %6u   %9.1f %9.1f %9.1f   %9.4f %9.4f %9.4f ", link_kind_names[kind], s.links,
                s.min_km, s.mean_km, s.max_km, s.min_ms, s.mean_ms, s.max_ms);
    for (std::size_t reason = 1; reason < removals; ++reason) {
      if (s.removed[reason] > 0) out << "  " << removal_names[reason] << ' ' << s.removed[reason];
    }
    out << '\n';
  }
  line(out, "connected components", std::to_string(survey.components));
  std::string shares;
  for (std::size_t reason = 1; reason < removals; ++reason) {
    double const share =
        static_cast<double>(survey.removed_over_slots[reason]) / static_cast<double>(survey.links_over_slots);
    if (share > 0) shares += text("%s %.3f %%  ", removal_names[reason], 100 * share);
  }
  line(out, "removed, over all slots", shares.empty() ? "none" : shares);
}

void describe_paths(std::ostream& out, Scenario const& scenario, PathSurvey const& survey) {
  out << "\nPath latency at slot 0\n";
  line(out, "pairs",
       survey.sources == satellites(scenario) ? "all"
                                              : text("from %u evenly spread satellites", survey.sources));
  line(out, "mean, max", text("%.3f ms, %.3f ms", survey.mean_ms, survey.max_ms));
  line(out, "unreachable", text("%.4f %%", 100 * survey.unreachable));
}

/// Greatest over mean weight of a layer, averaged over layers, and the mean entropy in bits.
void describe_activation(std::ostream& out, Scenario const& scenario) {
  double max_over_mean = 0;
  double entropy_bit = 0;
  for (std::uint32_t l = 0; l < scenario.weights.layers; ++l) {
    double const* const w = scenario.weights.layer(l);
    double const sum = std::accumulate(w, w + scenario.weights.experts, 0.0);
    max_over_mean += *std::max_element(w, w + scenario.weights.experts) * scenario.weights.experts / sum;
    for (std::uint32_t e = 0; e < scenario.weights.experts; ++e) {
      if (w[e] > 0) entropy_bit -= w[e] / sum * std::log2(w[e] / sum);
    }
  }
  line(out, "activation",
       text("%s, max/mean %.3f, entropy %.3f of %.3f bit",
            std::string(name_of(law_names, scenario.law)).c_str(), max_over_mean / scenario.weights.layers,
            entropy_bit / scenario.weights.layers, std::log2(scenario.weights.experts)));
}

void describe_model(std::ostream& out, Scenario const& scenario) {
  MoeModel const& model = scenario.model;
  ComputeTimes const compute(model, scenario.compute);
  out << "\nModel\n";
  line(out, "name", model.name);
  line(out, "layers", text("%u, of them %u with experts", model.layers, model.moe_layers));
  line(out, "experts", text("top %u of %u, %u shared", model.top_k, model.experts, model.shared_experts));
  line(out, "FLOPs per token",
       text("%.4g (expert %.4g, gateway per layer %.4g, head %.4g)", token_flop(model), expert_flop(model),
            gateway_flop(model), head_flop(model)));
  line(out, "bytes",
       text("expert %.4g MB, hidden state %g B", model.expert_bytes / 1e6, model.hidden_state_bytes));
  line(out, "compute on satellite 0",
       text("expert %.4f ms, gateway per layer %.4f ms, dense layers and head %.4f ms",
            static_cast<double>(compute.expert_ns(0, 0, satellite(0))) / 1e6,
            static_cast<double>(compute.gateway_ns(0, satellite(0))) / 1e6,
            static_cast<double>(compute.head_ns(satellite(0))) / 1e6));
  describe_activation(out, scenario);
}

void describe_placement(std::ostream& out, Scenario const& scenario) {
  std::uint64_t const experts = std::uint64_t{scenario.weights.layers} * scenario.weights.experts;
  std::uint64_t const hosts = (experts + scenario.capacity - 1) / scenario.capacity;
  std::string strategies;
  for (Strategy const strategy : scenario.strategies) strategies += std::string(name(strategy)) + " ";
  out << "\nPlacement\n";
  line(out, "strategies", strategies);
  line(out, "aggregation", std::string(name_of(aggregation_names, scenario.aggregation)));
  line(out, "satellites needed",
       text("%llu for experts at capacity %u, %u gateways, of %u", static_cast<unsigned long long>(hosts),
            scenario.capacity, scenario.weights.layers, satellites(scenario)));
  line(out, "random placements", std::to_string(scenario.random_placements));
}

void describe_evaluation(std::ostream& out, Scenario const& scenario) {
  out << "\nEvaluation\n";
  line(out, "tokens per strategy", std::to_string(scenario.tokens));
  line(out, "seed", std::to_string(scenario.seed.value));
  line(out, "estimated memory",
       bytes_text(evaluation_bytes(scenario, {})) + " of " + bytes_text(available_bytes()) + " available");
}

}  // namespace

void describe(std::ostream& out, Scenario const& scenario, Backend& backend) {
  require_memory("memory", evaluation_bytes(scenario, {}));
  NetworkSurvey const network = survey_network(scenario);
  PathSurvey const paths = survey_paths(scenario, backend);
  out << scenario.title << '\n';
  describe_constellation(out, scenario);
  describe_time(out, scenario);
  describe_rules(out, scenario);
  describe_links(out, network);
  describe_paths(out, scenario, paths);
  describe_model(out, scenario);
  describe_placement(out, scenario);
  describe_evaluation(out, scenario);
  auto const unusual = warnings(scenario, network, paths);
  out << "\nWarnings\n";
  for (auto const& warning : unusual) out << "  " << warning << '\n';
  if (unusual.empty()) out << "  none\n";
}

void describe_loads(std::ostream& out, Scenario const& scenario, Backend& backend) {
  NetworkPaths paths(scenario, 0);
  ComputeTimes const compute(scenario.model, scenario.compute);
  PlacementPlanner planner(scenario, paths.planning(), compute, backend);
  std::vector<Strategy> planned;
  std::vector<Placement> first;
  for (Strategy const strategy : scenario.strategies) {
    if (strategy == Strategy::refined) continue;
    planned.push_back(strategy);
    first.push_back(planner.with_redundancy(planner.placements(strategy).front()));
  }
  out << '\n';
  print_loads(out,
              summaries(scenario, planned, expected_loads(scenario, first, backend, [](std::size_t) {})));
}

}  // namespace spacemoe
