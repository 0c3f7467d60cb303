#include "host/io/sweep_result.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "host/errors.hpp"
#include "host/io/output_file.hpp"
#include "host/io/result_labels.hpp"
#include "kernels/bins.hpp"

namespace spacemoe {
namespace {

using hdf5::Label;
using hdf5::Writer;
using Read = std::function<std::optional<PointRecord>(std::uint64_t point)>;

constexpr std::uint64_t format_version = 1;
constexpr double absent = std::numeric_limits<double>::quiet_NaN();

constexpr std::array reserved{"strategy",
                              "quantile",
                              "bin",
                              "layer",
                              "mean_ms",
                              "standard_deviation_ms",
                              "standard_error_ms",
                              "placement_spread_ms",
                              "ratio_to_best",
                              "tokens",
                              "delivered",
                              "undeliverable",
                              "quantile_lower_ms",
                              "quantile_upper_ms",
                              "quantile_confidence_low_ms",
                              "quantile_confidence_high_ms",
                              "bin_lower_ns",
                              "bin_upper_ns",
                              "histogram",
                              "layer_mean_ms",
                              "status",
                              "failure",
                              "scenario_resolved"};

/// What the axes of the file have to hold.
struct Extent {
  std::vector<Strategy> strategies;  ///< in the order in which points have them
  std::size_t layers = 1;            ///< of the deepest model
  std::uint32_t first_bin = bin_count;
  std::uint32_t end_bin = 0;

  BinRange bins() const {
    return first_bin < end_bin ? BinRange{first_bin, end_bin - first_bin} : BinRange{};
  }
};

Extent extent(std::uint64_t points, Read const& read) {
  Extent all;
  for (std::uint64_t point = 0; point < points; ++point) {
    auto const record = read(point);
    if (!record) continue;
    for (StrategyRecord const& kept : record->strategies) {
      if (std::ranges::find(all.strategies, kept.strategy) == all.strategies.end()) {
        all.strategies.push_back(kept.strategy);
      }
      all.layers = std::max(all.layers, kept.layer_mean_ms.size());
      if (kept.histogram.empty()) continue;
      all.first_bin = std::min(all.first_bin, kept.first_bin);
      all.end_bin = std::max(all.end_bin, kept.first_bin + static_cast<std::uint32_t>(kept.histogram.size()));
    }
  }
  return all;
}

/// The record of a strategy at a point, where there is one.
StrategyRecord const* find(std::optional<PointRecord> const& record, Strategy strategy) {
  if (!record) return nullptr;
  auto const found = std::ranges::find(record->strategies, strategy, &StrategyRecord::strategy);
  return found == record->strategies.end() ? nullptr : &*found;
}

/// A figure of every strategy at every point, or several.
template <class Number>
struct Column {
  Label label;
  std::function<Number(StrategyRecord const&, std::size_t i)> figure;
  Number missing;
};

/// Columns over (point, strategy[, one more axis]), filled point by point.
template <class Number>
class Columns {
 public:
  Columns(std::vector<Column<Number>> columns, std::string inner = "", std::size_t length = 1)
      : columns_(std::move(columns)), values_(columns_.size()), inner_(std::move(inner)), length_(length) {}

  void add(StrategyRecord const* kept) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      for (std::size_t i = 0; i < length_; ++i) {
        values_[c].push_back(kept != nullptr ? columns_[c].figure(*kept, i) : columns_[c].missing);
      }
    }
  }

  void write(Writer& writer, std::vector<std::string> axes) const {
    if (!inner_.empty()) axes.push_back(inner_);
    for (std::size_t c = 0; c < columns_.size(); ++c) writer.dataset(columns_[c].label, axes, values_[c]);
  }

 private:
  std::vector<Column<Number>> columns_;
  std::vector<std::vector<Number>> values_;  ///< [column]
  std::string inner_;
  std::size_t length_;
};

Columns<double> means() {
  return Columns<double>({
      {labels::mean_ms, [](StrategyRecord const& s, std::size_t) { return s.mean_ms; }, absent},
      {labels::standard_deviation_ms,
       [](StrategyRecord const& s, std::size_t) { return s.standard_deviation_ms; }, absent},
      {labels::standard_error_ms, [](StrategyRecord const& s, std::size_t) { return s.standard_error_ms; },
       absent},
      {labels::placement_spread_ms,
       [](StrategyRecord const& s, std::size_t) { return s.placement_spread_ms.value_or(absent); }, absent},
      {labels::ratio_to_best, [](StrategyRecord const& s, std::size_t) { return s.ratio_to_best; }, absent},
      {labels::undeliverable, [](StrategyRecord const& s, std::size_t) { return s.undeliverable; }, absent},
  });
}

Columns<std::uint64_t> counts() {
  return Columns<std::uint64_t>({
      {labels::tokens, [](StrategyRecord const& s, std::size_t) { return s.tokens; }, 0},
      {labels::delivered, [](StrategyRecord const& s, std::size_t) { return s.delivered; }, 0},
  });
}

Columns<double> quantiles() {
  auto const bound = [](double Quantile::*member) {
    return [member](StrategyRecord const& s, std::size_t q) { return s.quantiles.at(q).*member; };
  };
  return Columns<double>(
      {{labels::quantile_lower_ms, bound(&Quantile::lower_ms), absent},
       {labels::quantile_upper_ms, bound(&Quantile::upper_ms), absent},
       {labels::quantile_confidence_low_ms, bound(&Quantile::confidence_low_ms), absent},
       {labels::quantile_confidence_high_ms, bound(&Quantile::confidence_high_ms), absent}},
      "quantile", quantile_levels.size());
}

Columns<double> layer_means(std::size_t layers) {
  auto const mean = [](StrategyRecord const& s, std::size_t layer) {
    return layer < s.layer_mean_ms.size() ? s.layer_mean_ms[layer] : absent;
  };
  return Columns<double>({{labels::layer_mean_ms, mean, absent}}, "layer", layers);
}

/// What became of every point.
struct Outcomes {
  std::vector<std::string> status;
  std::vector<std::string> failure;
  std::vector<double> elapsed_s;

  void add(std::optional<PointRecord> const& record) {
    status.emplace_back(!record ? "missing" : record->failed() ? "failed" : "done");
    failure.push_back(record ? record->failure : "");
    elapsed_s.push_back(record ? record->elapsed_s : absent);
  }

  void write(Writer& writer, std::vector<std::string> const& axes) const {
    writer.dataset({"status", "1", "what became of the point: done, failed or missing"}, axes, status);
    writer.dataset({"failure", "1", "why the point failed"}, axes, failure);
    writer.dataset({"timing_point_s", "s", "wall time of the point"}, axes, elapsed_s);
  }
};

void write_coordinate(Writer& writer, Coordinate const& coordinate, std::string const& axis) {
  bool const own = coordinate.name == axis;
  Label const label{coordinate.name, coordinate.units,
                    own ? "axis of the sweep" : "key that changes along " + axis};
  auto const write = [&](auto const& values) {
    if (own) {
      writer.axis(label, values);
    } else {
      writer.dataset(label, {axis}, values);
    }
  };
  if (coordinate.labels.empty()) {
    write(coordinate.numbers);
  } else {
    write(coordinate.labels);
  }
}

/// Writes the file of a sweep part by part.
class Composer {
 public:
  Composer(SweepDescription const& description, Read const& read)
      : description_(description),
        read_(read),
        points_(points(description.axes)),
        extent_(extent(points_, read)) {}

  std::vector<std::byte> image(RunProvenance const& provenance) {
    writer_.attribute("format", std::string("spacemoe sweep"));
    writer_.attribute("format_version", format_version);
    writer_.attribute("title", description_.title);
    writer_.dataset(
        {"scenario_resolved", "1", "base scenario with every default and every file included, TOML"},
        description_.base_resolved);
    writer_.dataset({"provenance_sweep_given", "1", "sweep file as it was read, TOML"},
                    description_.given_text);
    write_provenance(writer_, provenance);
    write_axes();
    write_figures();
    write_histograms();
    return writer_.image();
  }

 private:
  void write_axes() {
    for (SweepAxis const& axis : description_.axes) {
      std::string const& name = axis.coordinate.name;
      write_coordinate(writer_, axis.coordinate, name);
      for (Coordinate const& along : axis.along) write_coordinate(writer_, along, name);
      axes_.push_back(name);
    }
    std::vector<std::string> names;
    for (Strategy const strategy : extent_.strategies) names.emplace_back(name(strategy));
    if (names.empty()) names.emplace_back("none");  // an axis needs a length
    writer_.axis(labels::strategy, names);
    writer_.axis(labels::layer, counted(extent_.layers));
    writer_.axis(labels::quantile, std::vector<double>(quantile_levels.begin(), quantile_levels.end()));
    write_bins(writer_, extent_.bins());
  }

  void write_figures() {
    Columns<double> mean = means();
    Columns<std::uint64_t> count = counts();
    Columns<double> quantile = quantiles();
    Columns<double> layer = layer_means(extent_.layers);
    Outcomes outcomes;
    for (std::uint64_t point = 0; point < points_; ++point) {
      auto const record = read_(point);
      outcomes.add(record);
      for_strategies(record, [&](StrategyRecord const* kept) {
        mean.add(kept);
        count.add(kept);
        quantile.add(kept);
        layer.add(kept);
      });
    }
    outcomes.write(writer_, axes_);
    std::vector<std::string> const axes = with_axes({"strategy"});
    mean.write(writer_, axes);
    count.write(writer_, axes);
    quantile.write(writer_, axes);
    layer.write(writer_, axes);
  }

  void write_histograms() {
    BinRange const bins = extent_.bins();
    writer_.dataset_by_blocks(labels::histogram, with_axes({"strategy", "bin"}), 2, [&](std::uint64_t point) {
      std::vector<std::uint64_t> counts;
      for_strategies(read_(point), [&](StrategyRecord const* kept) {
        std::size_t const begin = counts.size();
        counts.resize(begin + bins.count);
        if (kept == nullptr || kept->histogram.empty()) return;
        std::ranges::copy(kept->histogram,
                          counts.begin() + static_cast<std::ptrdiff_t>(begin + kept->first_bin - bins.first));
      });
      return counts;
    });
  }

  /// work(record or null) for every strategy of the file; once where there are none.
  template <class Work>
  void for_strategies(std::optional<PointRecord> const& record, Work work) const {
    for (Strategy const strategy : extent_.strategies) work(find(record, strategy));
    if (extent_.strategies.empty()) work(nullptr);
  }

  std::vector<std::string> with_axes(std::vector<std::string> const& inner) const {
    std::vector<std::string> all = axes_;
    all.insert(all.end(), inner.begin(), inner.end());
    return all;
  }

  SweepDescription const& description_;
  Read const& read_;
  std::uint64_t points_;
  Extent extent_;
  Writer writer_;
  std::vector<std::string> axes_;
};

}  // namespace

bool is_reserved_name(std::string_view name) {
  return std::ranges::find(reserved, name) != reserved.end() || name.starts_with("provenance_") ||
         name.starts_with("timing_");
}

void write_sweep(std::filesystem::path const& file, SweepDescription const& description, Read const& read,
                 RunProvenance const& provenance) {
  std::vector<std::byte> image;
  try {
    image = Composer(description, read).image(provenance);
  } catch (hdf5::Error const& error) {
    throw OutputError("cannot compose " + file.string() + ": " + error.what());
  }
  write_output(file, image);
}

}  // namespace spacemoe
