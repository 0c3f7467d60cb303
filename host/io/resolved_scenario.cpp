#include <array>
#include <cstdio>

#include "host/io/number_text.hpp"
#include "host/io/scenario_file.hpp"
#include "host/io/scenario_names.hpp"

namespace spacemoe {
namespace {

/// Writes tables and keys as TOML.
class TomlWriter {
 public:
  void table(std::string const& header) { text_ += (text_.empty() ? "" : "\n") + header + "\n"; }
  void raw(std::string_view key, std::string const& value) {
    text_ += std::string(key) + " = " + value + "\n";
  }
  void text(std::string_view key, std::string_view value) { raw(key, toml_string(value)); }
  void boolean(std::string_view key, bool value) { raw(key, value ? "true" : "false"); }
  void integer(std::string_view key, std::uint64_t value) { raw(key, std::to_string(value)); }
  void real(std::string_view key, double value) { raw(key, toml_number(value)); }
  void limit(std::string_view key, std::optional<double> value) {
    if (value) {
      real(key, *value);
    } else {
      text(key, "off");
    }
  }
  void list(std::string_view key, std::vector<std::string> const& values) { raw(key, row(values)); }
  void rows(std::string_view key, std::vector<std::string> const& values, std::size_t columns) {
    std::string all = "[\n";
    for (std::size_t i = 0; i < values.size(); i += columns) {
      auto const begin = values.begin() + static_cast<std::ptrdiff_t>(i);
      all += "  " + row({begin, begin + static_cast<std::ptrdiff_t>(columns)}) + ",\n";
    }
    raw(key, all + "]");
  }

  std::string const& written() const { return text_; }

 private:
  static std::string row(std::vector<std::string> const& values) {
    std::string all = "[";
    for (std::string const& value : values) all += (all.size() > 1 ? ", " : "") + value;
    return all + "]";
  }

  std::string text_;
};

std::vector<std::string> texts(std::vector<double> const& values) {
  std::vector<std::string> all;
  all.reserve(values.size());
  for (double const value : values) all.push_back(toml_number(value));
  return all;
}

std::vector<std::string> texts(std::vector<SatelliteId> const& values) {
  std::vector<std::string> all;
  all.reserve(values.size());
  for (SatelliteId const value : values) all.push_back(std::to_string(index(value)));
  return all;
}

void write_edges(TomlWriter& out, Scenario const& scenario) {
  std::vector<std::string> values;
  for (ListedLink const& link : scenario.listed_links) {
    values.push_back(std::to_string(index(link.a)));
    values.push_back(std::to_string(index(link.b)));
    values.push_back(std::to_string(link.latency_ns));
  }
  out.rows("edges_ns", values, 3);
}

void write_shell(TomlWriter& out, Shell const& shell) {
  out.table("[[shell]]");
  out.text("name", shell.name);
  out.real("altitude_km", shell.altitude_km);
  out.real("inclination_deg", shell.inclination_deg);
  out.integer("planes", shell.planes);
  out.integer("satellites_per_plane", shell.satellites_per_plane);
  out.text("phasing_rule", name_of(phasing_rule_names, shell.phasing_rule));
  if (shell.phasing_rule == PhasingRule::walker) out.integer("phasing", shell.phasing);
  out.text("pattern", name_of(pattern_names, shell.pattern));
  out.real("raan0_deg", shell.raan0_deg);
}

void write_network(TomlWriter& out, Scenario const& scenario) {
  out.text("network", is_listed(scenario) ? "edges" : "constellation");
  if (is_listed(scenario)) {
    write_edges(out, scenario);
    return;
  }
  out.table("[constellation]");
  out.text("earth", name_of(earth_names, scenario.constellation.earth));
  out.text("propagation", name_of(propagation_names, scenario.constellation.propagation));
  for (Shell const& shell : scenario.constellation.shells) write_shell(out, shell);
}

void write_links(TomlWriter& out, Scenario const& scenario) {
  LinkRules const& links = scenario.links;
  out.table("[links]");
  out.real("survival", links.survival);
  if (is_listed(scenario)) return;
  out.text("seam", name_of(seam_names, links.seam));
  out.boolean("star_seam", links.star_seam);
  out.text("inter_plane_partner", name_of(partner_names, links.inter_plane_partner));
  out.text("between_shells", name_of(between_shells_names, links.between_shells));
  if (links.between_shells == BetweenShells::nearest) {
    out.real("between_shells_range_km", links.between_shells_range_km);
  }
  out.limit("latitude_limit_deg", links.latitude_limit_deg);
  if (links.latitude_limit_deg) out.text("latitude_rule", name_of(latitude_rule_names, links.latitude_rule));
  out.limit("grazing_altitude_km", links.grazing_altitude_km);
  out.limit("max_range_km", links.max_range_km);
  out.limit("max_pointing_rate_rad_s", links.max_pointing_rate_rad_s);
  out.real("rate_bit_s", links.rate_bit_s);
  out.real("message_bytes", links.message_bit / 8);
  // The nearest double to y / 1000 is as near as any that gave y, so it gives y again.
  out.real("forwarding_us", links.forwarding_ns / 1e3);
}

void write_time(TomlWriter& out, Scenario const& scenario) {
  out.table("[time]");
  out.integer("slots", scenario.time.slots);
  if (is_listed(scenario)) return;
  out.real("start_s", scenario.time.start_s);
  if (scenario.time.span_s) {
    out.real("span_s", *scenario.time.span_s);
  } else {
    out.raw("span_s", "\"period\"  # " + toml_number(span_s(scenario)));
  }
}

void write_damage(TomlWriter& out, Scenario const& scenario) {
  Damage const& damage = scenario.damage;
  out.table("[damage]");
  for (std::size_t f = 0; f < damage_families; ++f) {
    auto const family = static_cast<DamageFamily>(f);
    if (!is_listed(scenario) || !needs_orbits(family)) out.real(name(family), damage[family]);
  }
  out.integer("draw", damage.draw);
  if (is_listed(scenario)) return;
  if (damage.storm_latitude_deg) out.real("storm_latitude_deg", *damage.storm_latitude_deg);
  if (damage.storm_longitude_deg) out.real("storm_longitude_deg", *damage.storm_longitude_deg);
  out.real("storm_drift_deg_h", damage.storm_drift_deg_h);
  if (damage.sun_beta_deg) {
    out.real("sun_beta_deg", *damage.sun_beta_deg);
  } else {
    std::array<char, 16> date{};
    std::snprintf(date.data(), date.size(), "%04d-%02u-%02u", damage.sun_year, damage.sun_month,
                  damage.sun_day);
    out.text("sun_date", date.data());
  }
}

void write_model(TomlWriter& out, MoeModel const& model) {
  out.table("[model]");
  out.text("name", model.name);
  out.integer("layers", model.layers);
  out.integer("moe_layers", model.moe_layers);
  out.integer("experts", model.experts);
  out.integer("top_k", model.top_k);
  out.integer("shared_experts", model.shared_experts);
  out.integer("hidden_size", model.hidden_size);
  out.integer("expert_size", model.expert_size);
  out.integer("vocabulary", model.vocabulary);
  out.integer("context", model.context);
  out.real("expert_bytes", model.expert_bytes);
  out.real("hidden_state_bytes", model.hidden_state_bytes);
  if (model.gateway_flop_per_layer) out.real("gateway_flop_per_layer", *model.gateway_flop_per_layer);
}

void write_activation(TomlWriter& out, Scenario const& scenario) {
  out.table("[activation]");
  out.text("law", name_of(law_names, scenario.law));
  out.text("weights", "inline");
  out.rows("values", texts(scenario.weights.weight), scenario.weights.experts);
}

/// One time for all, [layer] or [layer][expert], as it was given; nothing when none was.
void write_times(TomlWriter& out, std::string_view key, std::vector<double> const& times,
                 MoeModel const& model) {
  if (times.empty()) return;
  if (times.size() == 1) {
    out.real(key, times.front());
  } else if (times.size() == model.moe_layers) {
    out.list(key, texts(times));
  } else {
    out.rows(key, texts(times), model.experts);
  }
}

void write_compute(TomlWriter& out, Scenario const& scenario) {
  ComputeSpec const& compute = scenario.compute;
  out.table("[compute]");
  if (compute.rate_flop_s > 0) out.real("rate_flop_s", compute.rate_flop_s);
  if (!compute.satellite_rate_flop_s.empty()) {
    out.list("satellite_rate_flop_s", texts(compute.satellite_rate_flop_s));
  }
  out.limit("memory_bandwidth_byte_s", compute.memory_bandwidth_byte_s);
  out.boolean("gateway", compute.gateway_compute);
  out.boolean("head", compute.head_compute);
  write_times(out, "expert_ms", compute.expert_ms, scenario.model);
  write_times(out, "gateway_ms", compute.gateway_ms, scenario.model);
  if (compute.head_ms) out.real("head_ms", *compute.head_ms);
}

void write_given(TomlWriter& out, Placement const& placement) {
  out.table("[[placement.given]]");
  out.list("gateways", texts(placement.gateway));
  out.rows("hosts", texts(placement.host), placement.experts);
  std::vector<std::string> replicas;
  for (auto const& [layer, expert, host] : placement.replica) {
    replicas.insert(replicas.end(),
                    {std::to_string(layer), std::to_string(expert), std::to_string(index(host))});
  }
  if (!replicas.empty()) out.rows("replicas", replicas, 3);
  std::vector<std::string> spares;
  for (auto const& [layer, id] : placement.spare) {
    spares.insert(spares.end(), {std::to_string(layer), std::to_string(index(id))});
  }
  if (!spares.empty()) out.rows("spares", spares, 2);
}

void write_placement(TomlWriter& out, Scenario const& scenario) {
  std::vector<std::string> strategies;
  for (Strategy const strategy : scenario.strategies) strategies.push_back(toml_string(name(strategy)));
  out.table("[placement]");
  out.list("strategies", strategies);
  out.integer("random_placements", scenario.random_placements);
  out.integer("capacity", scenario.capacity);
  out.boolean("gateways_host_experts", scenario.gateways_host_experts);
  out.integer("replicas", scenario.redundancy.replicas);
  out.integer("replica_places", scenario.redundancy.replica_places);
  out.real("planned_loss", scenario.redundancy.planned_loss);
  out.integer("spare_gateways", scenario.redundancy.spare_gateways);
  out.text("aggregation", name_of(aggregation_names, scenario.aggregation));
  if (!is_listed(scenario)) out.integer("ring_shell", scenario.ring_shell);
  for (Placement const& placement : scenario.file_placements) write_given(out, placement);
}

/// Only what differs from a search's defaults.
void write_search(TomlWriter& out, SearchSettings const& search) {
  out.table("[search]");
  if (!search.start.empty()) out.text("start", search.start);
  out.text("objective", search.objective);
  out.text("over", name_of(search_case_names, search.worst_case));
  if (search.lost_penalty_ms) out.real("lost_penalty_ms", *search.lost_penalty_ms);
  out.text("gateways", name_of(search_gateway_names, search.move_gateways));
  if (search.moves) out.integer("moves", *search.moves);
  out.integer("outages", search.outages);
  for (ActivationWeights const& topic : search.topics) {
    out.table("[[search.topic]]");
    out.text("weights", "inline");
    out.rows("values", texts(topic.weight), topic.experts);
  }
}

}  // namespace

std::string resolved_text(Scenario const& scenario) {
  TomlWriter out;
  out.text("title", scenario.title);
  out.integer("seed", scenario.seed.value);
  write_network(out, scenario);
  write_links(out, scenario);
  write_time(out, scenario);
  write_damage(out, scenario);
  write_model(out, scenario.model);
  write_activation(out, scenario);
  write_compute(out, scenario);
  write_placement(out, scenario);
  write_search(out, scenario.search);
  out.table("[evaluation]");
  out.integer("tokens", scenario.tokens);
  out.text("sampler", name_of(sampler_names, scenario.sampler));
  out.text("unreachable", "drop");
  return out.written();
}

}  // namespace spacemoe
