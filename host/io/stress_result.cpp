#include "host/io/stress_result.hpp"

#include <limits>
#include <vector>

#include "host/errors.hpp"
#include "host/evaluation/summary.hpp"
#include "host/io/hdf5_writer.hpp"
#include "host/io/output_file.hpp"
#include "host/io/result_labels.hpp"

namespace spacemoe {
namespace {

using hdf5::Label;
using hdf5::Writer;

constexpr std::uint64_t format_version = 1;
constexpr double absent = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> const by_point{"family", "level", "placement"};

std::vector<std::string> with(std::vector<std::string> axes, std::string const& axis) {
  axes.push_back(axis);
  return axes;
}

/// Writes figures of all points, each over axes of its own behind those of the points.
class Points {
 public:
  Points(Writer& writer, Stress const& stress) : writer_(writer), stress_(stress) {}

  template <class Value>
  void add(Label const& label, Value value) {
    along(label, by_point, 1, [&](StressPoint const& point, std::size_t) { return value(point); });
  }

  /// `value(point, layer)`
  template <class Value>
  void add_by_layer(Label const& label, std::size_t layers, Value value) {
    along(label, with(by_point, "layer"), layers, value);
  }

  /// `value(point, policy)`
  template <class Value>
  void add_by_policy(Label const& label, Value value) {
    along(label, by_policy_, loss_policies, value);
  }

  /// `value(point, policy, i)` along one more axis.
  template <class Value>
  void add_by_policy(Label const& label, std::string const& axis, std::size_t length, Value value) {
    along(label, with(by_policy_, axis), loss_policies * length,
          [&](StressPoint const& point, std::size_t i) { return value(point, i / length, i % length); });
  }

 private:
  template <class Value>
  void along(Label const& label, std::vector<std::string> const& axes, std::size_t length, Value value) {
    auto series = writer_.series<decltype(value(stress_.point.front(), length))>(label, axes);
    for (StressPoint const& point : stress_.point) {
      for (std::size_t i = 0; i < length; ++i) series.append(value(point, i));
    }
  }

  std::vector<std::string> by_policy_ = with(by_point, "policy");
  Writer& writer_;
  Stress const& stress_;
};

void write_axes(Writer& writer, Scenario const& scenario, Stress const& stress) {
  std::vector<std::string> families;
  for (DamageFamily const family : stress.families) families.emplace_back(name(family));
  writer.axis({"family", "1", "family of damage"}, families);
  writer.axis({"level", "1", "level of damage: a share, of what the family says"}, stress.levels);
  writer.axis({"placement", "1", "strategy, with what was added to its placement"}, stress.placements);
  writer.axis({"policy", "1", "what becomes of a token with an unreachable expert"},
              std::vector<std::string>(loss_policy_names.begin(), loss_policy_names.end()));
  writer.axis(labels::layer, counted(scenario.weights.layers));
  writer.axis(labels::quantile, std::vector<double>(quantile_levels.begin(), quantile_levels.end()));
}

void write_estimates(Points& points) {
  auto const add = [&](Label const& label, auto of, double Estimate::*end) {
    points.add_by_policy(label, [=](StressPoint const& point, std::size_t p) { return (point.*of)[p].*end; });
  };
  auto const mean_ms = &StressPoint::mean_ms;
  add({"mean_ms", "ms", "mean over draws of the mean token latency; NaN where fewer than two draws deliver"},
      mean_ms, &Estimate::mean);
  add({"mean_low_ms", "ms", "lower end of the 95 % interval of the mean over draws"}, mean_ms,
      &Estimate::low);
  add({"mean_high_ms", "ms", "upper end of the 95 % interval of the mean over draws"}, mean_ms,
      &Estimate::high);
  points.add_by_policy({"delivering_draws", "1", "draws that deliver tokens, which means are over"},
                       [](StressPoint const& point, std::size_t p) { return point.delivering[p]; });
  auto const lost = &StressPoint::undeliverable;
  add({"undeliverable", "1", "mean over draws of the probability that a token is lost"}, lost,
      &Estimate::mean);
  add({"undeliverable_low", "1", "lower end of the 95 % interval of the mean over draws"}, lost,
      &Estimate::low);
  add({"undeliverable_high", "1", "upper end of the 95 % interval of the mean over draws"}, lost,
      &Estimate::high);
}

void write_moments(Points& points) {
  auto const add = [&](Label const& label, auto value) {
    points.add_by_policy(label, [=](StressPoint const& point, std::size_t p) -> std::uint64_t {
      return value(point.tally.policy[p].moments);
    });
  };
  add({"tokens", "1", "tokens drawn, over all draws"}, [](Moments const& m) { return m.tokens; });
  add({"delivered", "1", "tokens delivered, over all draws"}, [](Moments const& m) { return m.delivered; });
  add({"sum_hi_ns", "ns", "sum of latencies of delivered tokens, bits 64 to 127"},
      [](Moments const& m) { return static_cast<std::uint64_t>(m.sum_ns >> 64); });
  add({"sum_lo_ns", "ns", "sum of latencies of delivered tokens, bits 0 to 63"},
      [](Moments const& m) { return static_cast<std::uint64_t>(m.sum_ns); });
  add({"sum_squares_hi_ns2", "ns2", "sum of squared latencies of delivered tokens, bits 64 to 127"},
      [](Moments const& m) { return static_cast<std::uint64_t>(m.sum_squares_ns2 >> 64); });
  add({"sum_squares_lo_ns2", "ns2", "sum of squared latencies of delivered tokens, bits 0 to 63"},
      [](Moments const& m) { return static_cast<std::uint64_t>(m.sum_squares_ns2); });
}

void write_quantiles(Writer& writer, Stress const& stress) {
  std::vector<QuantileSet> all;
  for (StressPoint const& point : stress.point) {
    for (auto const& policy : point.tally.policy) {
      all.push_back(quantiles(policy.histogram, policy.moments.delivered));
    }
  }
  auto const add = [&](Label label, double Quantile::*bound) {
    label.long_name += ", of the tokens of all draws";
    std::vector<double> values;
    for (QuantileSet const& set : all) {
      for (Quantile const& quantile : set) values.push_back(quantile.*bound);
    }
    writer.dataset(label, {"family", "level", "placement", "policy", "quantile"}, values);
  };
  add(labels::quantile_lower_ms, &Quantile::lower_ms);
  add(labels::quantile_upper_ms, &Quantile::upper_ms);
  add(labels::quantile_confidence_low_ms, &Quantile::confidence_low_ms);
  add(labels::quantile_confidence_high_ms, &Quantile::confidence_high_ms);
}

void write_histogram(Writer& writer, Points& points, Stress const& stress) {
  std::vector<std::vector<std::uint64_t> const*> histograms;
  for (StressPoint const& point : stress.point) {
    for (auto const& policy : point.tally.policy) histograms.push_back(&policy.histogram);
  }
  BinRange const bins = used_bins(histograms);
  write_bins(writer, bins);
  points.add_by_policy(labels::histogram, "bin", bins.count,
                       [&](StressPoint const& point, std::size_t p, std::size_t i) {
                         return point.tally.policy[p].histogram[bins.first + i];
                       });
}

void write_fates(Points& points, std::size_t layers) {
  points.add({"waited_ms", "ms", "mean waiting time of the tokens that policy wait delivers"},
             [](auto const& point) { return point.waited_ms; });
  points.add({"waiting", "1", "share of the tokens that policy wait delivers that waited"},
             [](auto const& point) { return point.waiting; });
  points.add({"detours", "1", "share of the tokens that policy drop delivers that took a longer path"},
             [](auto const& point) { return point.detours; });
  points.add({"weakest_layer", "1", "layer in which most tokens miss an expert; NaN where none does"},
             [](auto const& point) {
               return point.layer_lost[point.weakest_layer] > 0 ? point.weakest_layer : absent;
             });
  points.add({"weakest_host", "1",
              "satellite whose experts tokens miss most often while others of the layer are there; NaN where "
              "none does"},
             [](auto const& point) {
               return point.weakest_host_lost > 0 ? static_cast<double>(index(point.weakest_host)) : absent;
             });
  points.add({"weakest_host_lost", "1", "experts missed there per token"},
             [](auto const& point) { return point.weakest_host_lost; });
  points.add_by_layer({"layer_lost", "1", "probability that a token misses an expert of the layer"}, layers,
                      [](StressPoint const& point, std::size_t l) { return point.layer_lost[l]; });
}

void write_repairs(Points& points) {
  auto const add = [&](Label label, auto value) {
    label.long_name += "; NaN where nothing is repaired";
    points.add(label, [=](StressPoint const& point) { return point.repair ? value(*point.repair) : absent; });
  };
  add({"repair_moved_experts", "1", "experts that found another host, mean over draws"},
      [](auto const& repair) { return repair.moved_experts; });
  add({"repair_moved_gateways", "1", "gateways that were replaced, mean over draws"},
      [](auto const& repair) { return repair.moved_gateways; });
  add({"repair_migrated_bytes", "byte", "weights that were sent, mean over draws"},
      [](auto const& repair) { return repair.migrated_bytes; });
  add({"repair_migration_s", "s", "time until the last of them arrived, mean over draws"},
      [](auto const& repair) { return repair.migration_s; });
  auto const estimate = [&](std::string const& name, char const* unit, std::string const& what, auto of) {
    std::string const ending = *unit == '1' ? "" : "_" + std::string(unit);
    add({name + ending, unit, what}, [=](auto const& repair) { return (repair.*of).mean; });
    add({name + "_low" + ending, unit, what + ": lower end of its 95 % interval"},
        [=](auto const& repair) { return (repair.*of).low; });
    add({name + "_high" + ending, unit, what + ": upper end of its 95 % interval"},
        [=](auto const& repair) { return (repair.*of).high; });
  };
  estimate("repair_during_mean", "ms", "mean latency of tokens that come during the repair, under drop",
           &RepairFigures::during_mean_ms);
  estimate("repair_during_undeliverable", "1", "probability that such a token is lost",
           &RepairFigures::during_undeliverable);
}

void write_attributes(Writer& writer, Scenario const& scenario, StressOptions const& options,
                      Stress const& stress) {
  writer.attribute("format", std::string("spacemoe stress"));
  writer.attribute("format_version", format_version);
  writer.attribute("draws", std::uint64_t{stress.draws});
  writer.attribute("tokens_per_draw", stress.tokens);
  writer.attribute("penalty_ms", stress.penalty_ms);
  if (options.repair_bytes) writer.attribute("repair_bytes", *options.repair_bytes);
  for (std::size_t f = 0; f < damage_families; ++f) {
    auto const family = static_cast<DamageFamily>(f);
    writer.attribute("base_damage_" + std::string(name(family)), scenario.damage[family]);
  }
}

void write_parts(Writer& writer, Scenario const& scenario, std::string const& resolved,
                 StressOptions const& options, Stress const& stress, RunProvenance const& provenance) {
  write_attributes(writer, scenario, options, stress);
  write_scenario(writer, scenario, resolved);
  write_provenance(writer, provenance);
  write_axes(writer, scenario, stress);
  Points points(writer, stress);
  write_estimates(points);
  write_moments(points);
  write_quantiles(writer, stress);
  write_histogram(writer, points, stress);
  write_fates(points, scenario.weights.layers);
  if (options.repair_bytes) write_repairs(points);
}

}  // namespace

void write_stress(std::filesystem::path const& file, Scenario const& scenario,
                  std::string const& resolved_scenario, StressOptions const& options, Stress const& stress,
                  RunProvenance const& provenance) {
  try {
    Writer writer;
    write_parts(writer, scenario, resolved_scenario, options, stress, provenance);
    write_output(file, writer.image());
  } catch (hdf5::Error const& error) {
    throw OutputError("cannot compose " + file.string() + ": " + error.what());
  }
}

}  // namespace spacemoe
