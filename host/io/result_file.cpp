#include "host/io/result_file.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

#include "host/errors.hpp"
#include "host/io/hdf5_reader.hpp"
#include "host/io/hdf5_writer.hpp"
#include "host/io/output_file.hpp"
#include "host/io/provenance.hpp"
#include "host/io/result_labels.hpp"
#include "host/io/scenario_names.hpp"
#include "host/io/search_result.hpp"

namespace spacemoe {
namespace {

using hdf5::Writer;

constexpr std::uint64_t format_version = 1;
constexpr double absent = std::numeric_limits<double>::quiet_NaN();

/// `value` of every strategy, in order.
template <class Value>
auto per_strategy(Evaluation const& evaluation, Value value) {
  std::vector<decltype(value(evaluation.strategies.front()))> values;
  for (auto const& strategy : evaluation.strategies) values.push_back(value(strategy));
  return values;
}

/// The `length` values that `row` gives for each strategy, one after another.
template <class Row>
auto rows_per_strategy(Evaluation const& evaluation, std::size_t length, Row row) {
  std::vector<decltype(row(evaluation.strategies.front(), length))> values;
  for (auto const& strategy : evaluation.strategies) {
    for (std::size_t i = 0; i < length; ++i) values.push_back(row(strategy, i));
  }
  return values;
}

/// `value` of every cell: all placements of all strategies, each over all slots.
template <class Value>
std::vector<std::uint64_t> per_cell(Evaluation const& evaluation, Value value) {
  std::vector<std::uint64_t> values;
  for (auto const& strategy : evaluation.strategies) {
    for (auto const& cell : strategy.tally.cell) values.push_back(value(cell));
  }
  return values;
}

std::size_t placement_count(Evaluation const& evaluation) {
  std::size_t count = 0;
  for (auto const& strategy : evaluation.strategies) count += strategy.placements.size();
  return count;
}

void write_axes(Writer& writer, Scenario const& scenario, Evaluation const& evaluation) {
  writer.axis(labels::strategy,
              per_strategy(evaluation, [](auto const& s) { return std::string(name(s.strategy)); }));
  writer.axis({"slot", "1", "time slot"}, counted(evaluation.slots));
  writer.axis(labels::layer, counted(evaluation.layers));
  writer.axis({"expert", "1", "routed expert of a layer"}, counted(evaluation.experts));
  writer.axis(labels::quantile, std::vector<double>(quantile_levels.begin(), quantile_levels.end()));
  writer.axis({"placement", "1", "placement, over all strategies"}, counted(placement_count(evaluation)));

  std::vector<double> time_s;
  for (std::uint32_t slot = 0; slot < evaluation.slots; ++slot) {
    time_s.push_back(slot_time_s(scenario, slot));
  }
  writer.dataset({"time_s", "s", "time of the slot after the epoch"}, {"slot"}, time_s);
}

void write_sampler(Writer& writer, Evaluation const& evaluation) {
  writer.dataset({"sampler", "1", "how the tokens were drawn"}, {"strategy"},
                 per_strategy(evaluation, [](auto const& s) {
                   return std::string(name_of(sampler_names, s.sampler.sampler));
                 }));
  writer.dataset({"sampler_reason", "1", "why this sampler was used"}, {"strategy"},
                 per_strategy(evaluation, [](auto const& s) { return s.sampler.reason; }));
}

void write_summary(Writer& writer, Evaluation const& evaluation) {
  auto const number = [&](hdf5::Label const& label, auto value) {
    writer.dataset(label, {"strategy"}, per_strategy(evaluation, value));
  };
  number(labels::mean_ms, [](auto const& s) { return s.mean_ms; });
  number(labels::standard_deviation_ms, [](auto const& s) { return s.standard_deviation_ms; });
  number(labels::standard_error_ms, [](auto const& s) { return s.standard_error_ms; });
  number(labels::placement_spread_ms, [](auto const& s) { return s.placement_spread_ms.value_or(absent); });
  number(labels::ratio_to_best, [](auto const& s) { return s.ratio_to_best; });
  number(labels::tokens, [](auto const& s) { return s.tokens; });
  number(labels::delivered, [](auto const& s) { return s.delivered; });
  number(labels::undeliverable, [](auto const& s) { return s.undeliverable; });
}

void write_quantiles(Writer& writer, Evaluation const& evaluation) {
  auto const bound = [&](hdf5::Label const& label, double Quantile::*member) {
    writer.dataset(
        label, {"strategy", "quantile"},
        rows_per_strategy(evaluation, quantile_levels.size(),
                          [member](auto const& s, std::size_t q) { return s.quantiles[q].*member; }));
  };
  bound(labels::quantile_lower_ms, &Quantile::lower_ms);
  bound(labels::quantile_upper_ms, &Quantile::upper_ms);
  bound(labels::quantile_confidence_low_ms, &Quantile::confidence_low_ms);
  bound(labels::quantile_confidence_high_ms, &Quantile::confidence_high_ms);
}

void write_histogram(Writer& writer, Evaluation const& evaluation) {
  BinRange const bins = used_bins(per_strategy(evaluation, [](auto const& s) { return &s.tally.histogram; }));
  write_bins(writer, bins);
  writer.dataset(labels::histogram, {"strategy", "bin"},
                 rows_per_strategy(evaluation, bins.count, [&bins](auto const& s, std::size_t i) {
                   return bins.first + i < s.tally.histogram.size() ? s.tally.histogram[bins.first + i] : 0;
                 }));
}

void write_layers(Writer& writer, Evaluation const& evaluation) {
  writer.dataset(labels::layer_mean_ms, {"strategy", "layer"},
                 rows_per_strategy(evaluation, evaluation.layers, [](auto const& s, std::size_t layer) {
                   return s.layer_mean_ms.at(layer);
                 }));
  writer.dataset({"layer_sum_ns", "ns", "sum of the latencies of the layer over delivered tokens"},
                 {"strategy", "layer"},
                 rows_per_strategy(evaluation, evaluation.layers, [](auto const& s, std::size_t layer) {
                   return s.tally.layer_sum_ns.at(layer);
                 }));
}

void write_cells(Writer& writer, Evaluation const& evaluation) {
  auto const number = [&](hdf5::Label const& label, auto value) {
    writer.dataset(label, {"placement", "slot"}, per_cell(evaluation, value));
  };
  number({"cell_tokens", "1", "tokens drawn"}, [](auto const& cell) { return cell.tokens; });
  number({"cell_delivered", "1", "tokens delivered"}, [](auto const& cell) { return cell.delivered; });
  number({"cell_sum_hi_ns", "ns", "sum of latencies of delivered tokens, bits 64 to 127"},
         [](auto const& cell) { return static_cast<std::uint64_t>(cell.sum_ns >> 64); });
  number({"cell_sum_lo_ns", "ns", "sum of latencies of delivered tokens, bits 0 to 63"},
         [](auto const& cell) { return static_cast<std::uint64_t>(cell.sum_ns); });
  number({"cell_sum_squares_hi_ns2", "ns2", "sum of squared latencies of delivered tokens, bits 64 to 127"},
         [](auto const& cell) { return static_cast<std::uint64_t>(cell.sum_squares_ns2 >> 64); });
  number({"cell_sum_squares_lo_ns2", "ns2", "sum of squared latencies of delivered tokens, bits 0 to 63"},
         [](auto const& cell) { return static_cast<std::uint64_t>(cell.sum_squares_ns2); });
}

void write_placements(Writer& writer, Evaluation const& evaluation) {
  std::vector<std::uint32_t> strategy;
  std::vector<std::uint32_t> number;
  std::vector<std::uint32_t> gateway;
  std::vector<std::uint32_t> host;
  for (std::uint32_t s = 0; s < evaluation.strategies.size(); ++s) {
    auto const& placements = evaluation.strategies[s].placements;
    for (std::uint32_t p = 0; p < placements.size(); ++p) {
      strategy.push_back(s);
      number.push_back(p);
      for (auto const id : placements[p].gateway) gateway.push_back(static_cast<std::uint32_t>(id));
      for (auto const id : placements[p].host) host.push_back(static_cast<std::uint32_t>(id));
    }
  }
  writer.dataset({"placement_strategy", "1", "index of the placement's strategy"}, {"placement"}, strategy);
  writer.dataset({"placement_number", "1", "number of the placement within its strategy"}, {"placement"},
                 number);
  writer.dataset({"gateway", "1", "satellite that is the gateway of the layer"}, {"placement", "layer"},
                 gateway);
  writer.dataset({"host", "1", "satellite that hosts the expert"}, {"placement", "layer", "expert"}, host);
}

/// One array of all placements, one after the other, each entry with the number of its placement.
template <class Entry>
std::vector<std::pair<std::uint32_t, Entry>> entries(Evaluation const& evaluation,
                                                     std::vector<Entry> Placement::*array) {
  std::vector<std::pair<std::uint32_t, Entry>> all;
  std::uint32_t number = 0;
  for (auto const& strategy : evaluation.strategies) {
    for (Placement const& placement : strategy.placements) {
      for (Entry const& entry : placement.*array) all.emplace_back(number, entry);
      ++number;
    }
  }
  return all;
}

/// Nothing where there is nothing, so that placements without redundancy keep their digests.
void write_redundancy(Writer& writer, Evaluation const& evaluation) {
  auto const column = [&](std::string const& axis, hdf5::Label const& label, auto const& rows, auto value) {
    std::vector<std::uint32_t> values;
    for (auto const& [placement, entry] : rows) values.push_back(value(placement, entry));
    writer.dataset(label, {axis}, values);
  };
  if (auto const rows = entries(evaluation, &Placement::replica); !rows.empty()) {
    std::string const axis = "replica";
    writer.axis({axis, "1", "further copy of an expert, over all placements"}, counted(rows.size()));
    column(axis, {"replica_placement", "1", "placement of the replica"}, rows,
           [](std::uint32_t placement, Replica const&) { return placement; });
    column(axis, {"replica_layer", "1", "layer of the expert"}, rows,
           [](std::uint32_t, Replica const& r) { return r.layer; });
    column(axis, {"replica_expert", "1", "expert of which it is a copy"}, rows,
           [](std::uint32_t, Replica const& r) { return r.expert; });
    column(axis, {"replica_host", "1", "satellite that hosts the replica"}, rows,
           [](std::uint32_t, Replica const& r) { return static_cast<std::uint32_t>(r.host); });
  }
  if (auto const rows = entries(evaluation, &Placement::spare); !rows.empty()) {
    std::string const axis = "spare";
    writer.axis({axis, "1", "spare gateway, over all placements"}, counted(rows.size()));
    column(axis, {"spare_placement", "1", "placement of the spare gateway"}, rows,
           [](std::uint32_t placement, SpareGateway const&) { return placement; });
    column(axis, {"spare_layer", "1", "layer that it stands by for"}, rows,
           [](std::uint32_t, SpareGateway const& s) { return s.layer; });
    column(axis, {"spare_gateway", "1", "satellite that stands by"}, rows,
           [](std::uint32_t, SpareGateway const& s) { return static_cast<std::uint32_t>(s.satellite); });
  }
}

void write_exact(Writer& writer, Evaluation const& evaluation) {
  auto const has_exact = [](auto const& s) { return s.exact.has_value(); };
  if (std::ranges::none_of(evaluation.strategies, has_exact)) return;
  auto const number = [&](hdf5::Label const& label, double ExactResult::*member) {
    writer.dataset(label, {"strategy"}, per_strategy(evaluation, [member](auto const& s) {
                     return s.exact ? (*s.exact).*member : absent;
                   }));
  };
  number({"exact_mean_ms", "ms", "exact mean token latency"}, &ExactResult::mean_ms);
  number({"exact_standard_deviation_ms", "ms", "exact standard deviation of the token latency"},
         &ExactResult::standard_deviation_ms);
  number({"exact_undeliverable", "1", "exact probability of an undeliverable token"},
         &ExactResult::undeliverable);
  number({"exact_grid_ms", "ms", "grid step of the exact distribution"}, &ExactResult::grid_ms);
  writer.dataset({"exact_quantile_ms", "ms", "exact quantile, within layers * exact_grid_ms"},
                 {"strategy", "quantile"},
                 rows_per_strategy(evaluation, quantile_levels.size(), [](auto const& s, std::size_t q) {
                   return s.exact ? s.exact->quantile_ms[q] : absent;
                 }));
  writer.dataset({"exact_layer_mean_ms", "ms", "exact mean latency of the layer"}, {"strategy", "layer"},
                 rows_per_strategy(evaluation, evaluation.layers, [](auto const& s, std::size_t layer) {
                   return s.exact ? s.exact->layer_mean_ms.at(layer) : absent;
                 }));
}

/// Mean, peak and its slot of one kind of load of every strategy; the unit ends the names.
void write_load(Writer& writer, NetworkLoads const& loads, std::vector<Load> PlacementLoad::*kind,
                std::string const& stem, std::string const& unit, std::string const& what,
                std::vector<std::string> const& axes) {
  auto const figure = [&](hdf5::Label const& label, auto member) {
    std::vector<std::decay_t<decltype(Load().*member)>> values;
    for (PlacementLoad const& placement : loads.placement) {
      for (Load const& load : placement.*kind) values.push_back(load.*member);
    }
    writer.dataset(label, axes, values);
  };
  std::string const peak = stem + "_peak_" + unit;
  figure({stem + "_" + unit, unit, what + ", mean over slots"}, &Load::mean);
  figure({peak, unit, what + " in the slot where it is greatest"}, &Load::peak);
  figure({stem + "_peak_slot", "1", "slot of " + peak}, &Load::peak_slot);
}

void write_link_loads(Writer& writer, NetworkLoads const& loads) {
  auto const ends = [&](hdf5::Label const& label, SatelliteId Link::*end) {
    std::vector<std::uint32_t> values;
    for (Link const& link : loads.links) values.push_back(static_cast<std::uint32_t>(link.*end));
    writer.dataset(label, {"link"}, values);
  };
  writer.axis({"link", "1", "link of the wiring"}, counted(loads.links.size()));
  writer.axis({"direction", "1", "way along a link"}, std::vector<std::string>{"a to b", "b to a"});
  ends({"link_a", "1", "satellite at the link's end a, the lower id"}, &Link::a);
  ends({"link_b", "1", "satellite at the link's end b"}, &Link::b);
  write_load(writer, loads, &PlacementLoad::link_bit, "load_link", "bit", "expected traffic per token",
             {"strategy", "link", "direction"});
}

void write_terminal_loads(Writer& writer, NetworkLoads const& loads) {
  writer.axis({"terminal_direction", "1", "way through a satellite's terminal to other shells"},
              std::vector<std::string>{"sent", "received"});
  write_load(writer, loads, &PlacementLoad::terminal_bit, "load_terminal", "bit",
             "expected traffic per token between a satellite and other shells",
             {"strategy", "satellite", "terminal_direction"});
}

void write_loads(Writer& writer, Scenario const& scenario, Evaluation const& evaluation) {
  if (!evaluation.load) return;
  NetworkLoads const& loads = *evaluation.load;
  auto const rate = [&](hdf5::Label const& label, auto rate_hz) {
    std::vector<double> values;
    for (PlacementLoad const& placement : loads.placement) values.push_back(rate_hz(placement));
    writer.dataset(label, {"strategy"}, values);
  };
  writer.axis({"satellite", "1", "satellite id"}, counted(satellites(scenario)));
  write_load(writer, loads, &PlacementLoad::work_s, "load_work", "s", "expected compute time per token",
             {"strategy", "satellite"});
  rate({"saturating_satellite_rate_hz", "Hz", "tokens per second at which the first satellite saturates"},
       [](PlacementLoad const& load) { return saturating_rate_hz(load.work_s, 1); });
  rate({"saturating_link_rate_hz", "Hz", "tokens per second at which the first link or terminal saturates"},
       [&](PlacementLoad const& load) { return saturating_link_rate_hz(load, rate_left_bit_s(scenario)); });
  if (!loads.links.empty()) write_link_loads(writer, loads);
  bool const terminals = !loads.placement.empty() && !loads.placement.front().terminal_bit.empty();
  if (terminals) write_terminal_loads(writer, loads);
}

void write_timing(Writer& writer, Timing const& timing) {
  writer.attribute("timing_planning_s", timing.planning_s);
  writer.attribute("timing_snapshots_s", timing.snapshots_s);
  writer.attribute("timing_paths_s", timing.paths_s);
  writer.attribute("timing_costs_s", timing.costs_s);
  writer.attribute("timing_sampling_s", timing.sampling_s);
  writer.attribute("timing_exact_s", timing.exact_s);
  writer.attribute("timing_total_s", timing.total_s);
}

void write_parts(Writer& writer, Scenario const& scenario, std::string const& resolved,
                 Evaluation const& evaluation, Provenance const& provenance) {
  writer.attribute("format", std::string("spacemoe result"));
  writer.attribute("format_version", format_version);
  write_scenario(writer, scenario, resolved);
  write_provenance(writer, {provenance.command_line, evaluation.backend});
  write_timing(writer, evaluation.timing);
  write_axes(writer, scenario, evaluation);
  write_sampler(writer, evaluation);
  write_summary(writer, evaluation);
  write_quantiles(writer, evaluation);
  write_histogram(writer, evaluation);
  write_layers(writer, evaluation);
  write_cells(writer, evaluation);
  write_placements(writer, evaluation);
  write_redundancy(writer, evaluation);
  write_exact(writer, evaluation);
  write_loads(writer, scenario, evaluation);
  if (provenance.search != nullptr) write_search(writer, *provenance.search);
}

/// A dataset of a result as satellites or indices, with its shape.
struct Integers {
  std::vector<hsize_t> shape;
  std::vector<std::uint32_t> values;
};

bool has_dataset(hdf5::File const& file, char const* name) {
  return hdf5::check(H5Lexists(file, name, H5P_DEFAULT)) > 0;
}

hdf5::Dataset open_dataset(hdf5::File const& file, char const* name) {
  if (!has_dataset(file, name)) {
    throw hdf5::Error(std::string("it has no dataset ") + name);
  }
  return hdf5::Dataset(H5Dopen2(file, name, H5P_DEFAULT));
}

Integers read_integers(hdf5::File const& file, char const* name) {
  hdf5::Dataset const dataset = open_dataset(file, name);
  hdf5::Source const source = hdf5::source(dataset);
  return {hdf5::shape(source), hdf5::integers(source)};
}

/// All placements of a result and the strategy of each.
struct StoredPlacements {
  std::vector<std::string> strategies;
  std::vector<std::uint32_t> strategy;  ///< [placement]
  std::vector<Placement> placements;
};

Placement stored_placement(Integers const& gateway, Integers const& host, std::size_t number) {
  std::size_t const layers = gateway.shape[1];
  std::size_t const hosts = layers * host.shape[2];
  Placement placement{static_cast<std::uint32_t>(layers), static_cast<std::uint32_t>(host.shape[2]), {}, {}};
  for (std::size_t i = 0; i < layers; ++i) {
    placement.gateway.push_back(SatelliteId{gateway.values[number * layers + i]});
  }
  for (std::size_t i = 0; i < hosts; ++i) {
    placement.host.push_back(SatelliteId{host.values[number * hosts + i]});
  }
  return placement;
}

/// Datasets of one axis, of which the first numbers placements.
template <std::size_t n>
std::array<std::vector<std::uint32_t>, n> read_entries(hdf5::File const& file,
                                                       std::array<char const*, n> const& names,
                                                       std::size_t placements) {
  std::array<std::vector<std::uint32_t>, n> columns;
  for (std::size_t i = 0; i < n; ++i) {
    Integers const column = read_integers(file, names[i]);
    if (column.shape.size() != 1 || (i > 0 && column.values.size() != columns[0].size())) {
      throw hdf5::Error(std::string("the shape of ") + names[i] + " does not fit");
    }
    columns[i] = column.values;
  }
  for (std::uint32_t const number : columns[0]) {
    if (number < placements) continue;
    throw hdf5::Error(std::string(names[0]) + " has placement " + std::to_string(number) + " of " +
                      std::to_string(placements));
  }
  return columns;
}

void read_redundancy(hdf5::File const& file, std::vector<Placement>& placements) {
  if (has_dataset(file, "replica_placement")) {
    auto const [placement, layer, expert, host] =
        read_entries(file, std::array{"replica_placement", "replica_layer", "replica_expert", "replica_host"},
                     placements.size());
    for (std::size_t i = 0; i < placement.size(); ++i) {
      placements[placement[i]].replica.push_back({layer[i], expert[i], SatelliteId{host[i]}});
    }
  }
  if (has_dataset(file, "spare_placement")) {
    auto const [placement, layer, gateway] =
        read_entries(file, std::array{"spare_placement", "spare_layer", "spare_gateway"}, placements.size());
    for (std::size_t i = 0; i < placement.size(); ++i) {
      placements[placement[i]].spare.push_back({layer[i], SatelliteId{gateway[i]}});
    }
  }
  for (Placement& placement : placements) sort_redundancy(placement);
}

StoredPlacements stored_placements(hdf5::File const& file) {
  hdf5::Dataset const names = open_dataset(file, "strategy");
  Integers const strategy = read_integers(file, "placement_strategy");
  Integers const gateway = read_integers(file, "gateway");
  Integers const host = read_integers(file, "host");
  if (strategy.shape.size() != 1 || gateway.shape.size() != 2 || host.shape.size() != 3 ||
      gateway.shape[0] != strategy.shape[0] || host.shape[0] != strategy.shape[0] ||
      host.shape[1] != gateway.shape[1]) {
    throw hdf5::Error("the shapes of placement_strategy, gateway and host do not fit one another");
  }
  StoredPlacements stored{hdf5::texts(hdf5::source(names)), strategy.values, {}};
  for (std::size_t i = 0; i < strategy.values.size(); ++i) {
    stored.placements.push_back(stored_placement(gateway, host, i));
  }
  read_redundancy(file, stored.placements);
  return stored;
}

StoredPlacements stored_placements(std::filesystem::path const& file) {
  try {
    return stored_placements(hdf5::open(file));
  } catch (hdf5::Error const& error) {
    throw ScenarioError({file.string(), std::string("holds no placements: ") + error.what(),
                         "name a result of spacemoe evaluate or optimize"});
  }
}

std::string joined(std::vector<std::string> const& names) {
  std::string all;
  for (auto const& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace

void write_result(std::filesystem::path const& file, Scenario const& scenario,
                  std::string const& resolved_scenario, Evaluation const& evaluation,
                  Provenance const& provenance) {
  try {
    Writer writer;
    write_parts(writer, scenario, resolved_scenario, evaluation, provenance);
    write_output(file, writer.image());
  } catch (hdf5::Error const& error) {
    throw OutputError("cannot compose " + file.string() + ": " + error.what());
  }
}

std::string resolved_scenario(std::filesystem::path const& file) {
  try {
    hdf5::File const opened = hdf5::open(file);
    hdf5::Dataset const text = open_dataset(opened, "scenario_resolved");
    return hdf5::texts(hdf5::source(text)).at(0);
  } catch (hdf5::Error const& error) {
    throw ScenarioError({file.string(), std::string("holds no scenario: ") + error.what(),
                         "name a result of spacemoe evaluate or optimize"});
  }
}

std::string placed_strategy(std::filesystem::path const& file, std::optional<std::string> const& named) {
  if (named) return *named;
  auto const strategies = stored_placements(file).strategies;
  if (strategies.size() == 1) return strategies.front();
  if (std::ranges::find(strategies, "refined") != strategies.end()) return "refined";
  throw ScenarioError(
      {file.string(), "holds placements of several strategies", "name one of " + joined(strategies)});
}

std::vector<Placement> read_placements(std::filesystem::path const& file, std::string const& strategy) {
  StoredPlacements const stored = stored_placements(file);
  std::vector<Placement> placements;
  for (std::size_t i = 0; i < stored.placements.size(); ++i) {
    std::uint32_t const index = stored.strategy[i];
    if (index < stored.strategies.size() && stored.strategies[index] == strategy) {
      placements.push_back(stored.placements[i]);
    }
  }
  if (placements.empty()) {
    throw ScenarioError({file.string(), "has no placement of strategy \"" + strategy + "\"",
                         "it has " + joined(stored.strategies)});
  }
  return placements;
}

}  // namespace spacemoe
