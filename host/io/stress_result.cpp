#include "host/io/stress_result.hpp"

#include <algorithm>
#include <vector>

#include "host/errors.hpp"
#include "host/io/hdf5_writer.hpp"
#include "host/io/output_file.hpp"
#include "host/io/provenance.hpp"
#include "host/io/result_labels.hpp"

namespace spacemoe {
namespace {

using hdf5::Writer;

std::vector<std::string> const by_point{"family", "level", "placement"};

std::vector<std::string> with(std::string const& axis) {
  auto axes = by_point;
  axes.push_back(axis);
  return axes;
}

template <class Value>
void per_point(Writer& writer, Stress const& stress, hdf5::Label const& label, Value value) {
  std::vector<decltype(value(stress.point.front()))> values;
  for (StressPoint const& point : stress.point) values.push_back(value(point));
  writer.dataset(label, by_point, values);
}

/// `value(point, i)` for i below `length`, along one more axis.
template <class Value>
void along(Writer& writer, Stress const& stress, hdf5::Label const& label, std::string const& axis,
           std::size_t length, Value value) {
  std::vector<decltype(value(stress.point.front(), length))> values;
  for (StressPoint const& point : stress.point) {
    for (std::size_t i = 0; i < length; ++i) values.push_back(value(point, i));
  }
  writer.dataset(label, with(axis), values);
}

BinRange used_bins(Stress const& stress) {
  std::uint32_t first = bin_count;
  std::uint32_t last = 0;
  for (StressPoint const& point : stress.point) {
    for (auto const& policy : point.tally.policy) {
      for (std::uint32_t bin = 0; bin < bin_count; ++bin) {
        if (policy.histogram[bin] == 0) continue;
        first = std::min(first, bin);
        last = std::max(last, bin);
      }
    }
  }
  return first > last ? BinRange{} : BinRange{first, last - first + 1};
}

void write_axes(Writer& writer, Scenario const& scenario, Stress const& stress) {
  std::vector<std::string> families;
  for (DamageFamily const family : stress.families) families.emplace_back(name(family));
  writer.axis({"family", "1", "family of damage"}, families);
  writer.axis({"level", "1", "level of damage: a share, of what the family says"}, stress.levels);
  writer.axis({"placement", "1", "strategy, with or without redundancy"}, stress.placements);
  writer.axis({"policy", "1", "what becomes of a token with an unreachable expert"},
              std::vector<std::string>(loss_policy_names.begin(), loss_policy_names.end()));
  writer.axis(labels::layer, counted(scenario.weights.layers));
}

void write_policies(Writer& writer, Stress const& stress) {
  auto const estimate = [&](hdf5::Label const& label, auto of, double Estimate::*end) {
    along(writer, stress, label, "policy", loss_policies,
          [&](StressPoint const& point, std::size_t p) { return (point.*of)[p].*end; });
  };
  estimate({"mean_ms", "ms", "mean token latency, over draws that deliver"}, &StressPoint::mean_ms,
           &Estimate::mean);
  estimate({"mean_low_ms", "ms", "lower end of its 95 % interval"}, &StressPoint::mean_ms, &Estimate::low);
  estimate({"mean_high_ms", "ms", "upper end of its 95 % interval"}, &StressPoint::mean_ms, &Estimate::high);
  estimate({"undeliverable", "1", "probability that a token is lost, over draws"},
           &StressPoint::undeliverable, &Estimate::mean);
  estimate({"undeliverable_low", "1", "lower end of its 95 % interval"}, &StressPoint::undeliverable,
           &Estimate::low);
  estimate({"undeliverable_high", "1", "upper end of its 95 % interval"}, &StressPoint::undeliverable,
           &Estimate::high);
  along(writer, stress, {"delivering_draws", "1", "draws that deliver tokens"}, "policy", loss_policies,
        [](StressPoint const& point, std::size_t p) { return point.delivering[p]; });
}

void write_histogram(Writer& writer, Stress const& stress) {
  BinRange const bins = used_bins(stress);
  write_bins(writer, bins);
  std::vector<std::uint64_t> counts;
  for (StressPoint const& point : stress.point) {
    for (auto const& policy : point.tally.policy) {
      for (std::uint32_t i = 0; i < bins.count; ++i) {
        counts.push_back(bins.first + i < bin_count ? policy.histogram[bins.first + i] : 0);
      }
    }
  }
  auto axes = with("policy");
  axes.emplace_back("bin");
  writer.dataset(labels::histogram, axes, counts);
}

void write_damage(Writer& writer, Stress const& stress) {
  per_point(writer, stress, {"waited_ms", "ms", "mean waiting time of tokens that policy wait delivers"},
            [](auto const& point) { return point.waited_ms; });
  per_point(writer, stress, {"waiting", "1", "share of these tokens that waited"},
            [](auto const& point) { return point.waiting; });
  per_point(writer, stress, {"detours", "1", "share of tokens delivered under drop over some longer path"},
            [](auto const& point) { return point.detours; });
  per_point(writer, stress, {"weakest_layer", "1", "layer in which most tokens miss an expert"},
            [](auto const& point) { return point.weakest_layer; });
  per_point(writer, stress, {"weakest_host", "1", "satellite whose experts tokens miss most often"},
            [](auto const& point) { return static_cast<std::uint32_t>(point.weakest_host); });
  per_point(writer, stress, {"weakest_host_lost", "1", "experts missed there per token"},
            [](auto const& point) { return point.weakest_host_lost; });
  along(writer, stress, {"layer_lost", "1", "probability that a token misses an expert of the layer"},
        "layer", stress.point.front().layer_lost.size(),
        [](StressPoint const& point, std::size_t l) { return point.layer_lost[l]; });
}

}  // namespace

void write_stress(std::filesystem::path const& file, Scenario const& scenario,
                  std::string const& resolved_scenario, Stress const& stress, std::string const& command_line,
                  std::string const& backend) {
  try {
    Writer writer;
    writer.attribute("format", std::string("spacemoe stress"));
    writer.attribute("format_version", std::uint64_t{1});
    writer.attribute("title", scenario.title);
    writer.attribute("seed", scenario.seed.value);
    writer.attribute("draws", std::uint64_t{stress.draws});
    writer.attribute("tokens_per_draw", stress.tokens);
    writer.attribute("penalty_ms", stress.penalty_ms);
    writer.dataset({"scenario_resolved", "1", "scenario with every default and every file included, TOML"},
                   resolved_scenario);
    writer.dataset({"provenance_scenario_given", "1", "scenario file as it was read, TOML"},
                   scenario.given_text);
    write_provenance(writer, {command_line, backend});
    write_axes(writer, scenario, stress);
    write_policies(writer, stress);
    write_damage(writer, stress);
    write_histogram(writer, stress);
    write_output(file, writer.image());
  } catch (hdf5::Error const& error) {
    throw OutputError("cannot compose " + file.string() + ": " + error.what());
  }
}

}  // namespace spacemoe
