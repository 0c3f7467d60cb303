#include "host/io/sweep_result.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
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

/// A figure of every strategy at every point: one number, or several over an axis of their own.
template <class Number>
class Figure {
 public:
  using Number_of = std::function<Number(StrategyRecord const&, std::size_t i)>;

  Figure(hdf5::Series<Number> series, std::size_t length, Number missing, Number_of number_of)
      : series_(std::move(series)), length_(length), missing_(missing), number_of_(std::move(number_of)) {}

  /// Appends what a strategy has at a point, if it is there.
  void append(StrategyRecord const* kept) {
    for (std::size_t i = 0; i < length_; ++i)
      series_.append(kept != nullptr ? number_of_(*kept, i) : missing_);
  }

 private:
  hdf5::Series<Number> series_;
  std::size_t length_;
  Number missing_;
  Number_of number_of_;
};

/// All figures of a sweep.
class Figures {
 public:
  /// `axes` of the sweep.
  Figures(Writer& writer, std::vector<std::string> const& axes, Extent const& extent)
      : writer_(writer), axes_(axes) {
    add_means();
    add_quantiles();
    add_layers(extent.layers);
    add_histogram(extent.bins());
  }

  void append(StrategyRecord const* kept) {
    for (auto& figure : numbers_) figure.append(kept);
    for (auto& figure : counts_) figure.append(kept);
  }

 private:
  using Record = StrategyRecord;

  void add_means() {
    add(labels::mean_ms, [](Record const& s, std::size_t) { return s.mean_ms; });
    add(labels::standard_deviation_ms, [](Record const& s, std::size_t) { return s.standard_deviation_ms; });
    add(labels::standard_error_ms, [](Record const& s, std::size_t) { return s.standard_error_ms; });
    add(labels::placement_spread_ms,
        [](Record const& s, std::size_t) { return s.placement_spread_ms.value_or(absent); });
    add(labels::ratio_to_best, [](Record const& s, std::size_t) { return s.ratio_to_best; });
    add(labels::undeliverable, [](Record const& s, std::size_t) { return s.undeliverable; });
    count(labels::tokens, [](Record const& s, std::size_t) { return s.tokens; });
    count(labels::delivered, [](Record const& s, std::size_t) { return s.delivered; });
  }

  void add_quantiles() {
    auto const add_bound = [&](Label const& label, double Quantile::*bound) {
      add(
          label, [bound](Record const& s, std::size_t q) { return s.quantiles.at(q).*bound; }, "quantile",
          quantile_levels.size());
    };
    add_bound(labels::quantile_lower_ms, &Quantile::lower_ms);
    add_bound(labels::quantile_upper_ms, &Quantile::upper_ms);
    add_bound(labels::quantile_confidence_low_ms, &Quantile::confidence_low_ms);
    add_bound(labels::quantile_confidence_high_ms, &Quantile::confidence_high_ms);
  }

  void add_layers(std::size_t layers) {
    auto const mean = [](Record const& s, std::size_t layer) {
      return layer < s.layer_mean_ms.size() ? s.layer_mean_ms[layer] : absent;
    };
    add(labels::layer_mean_ms, mean, "layer", layers);
  }

  void add_histogram(BinRange bins) {
    auto const tokens = [first = bins.first](Record const& s, std::size_t i) {
      std::size_t const bin = first + i;
      bool const held = bin >= s.first_bin && bin - s.first_bin < s.histogram.size();
      return held ? s.histogram[bin - s.first_bin] : 0;
    };
    count(labels::histogram, tokens, "bin", bins.count);
  }

  void add(Label const& label, Figure<double>::Number_of number_of, std::string const& inner = "",
           std::size_t length = 1) {
    numbers_.emplace_back(writer_.series<double>(label, with(inner)), length, absent, std::move(number_of));
  }

  void count(Label const& label, Figure<std::uint64_t>::Number_of number_of, std::string const& inner = "",
             std::size_t length = 1) {
    counts_.emplace_back(writer_.series<std::uint64_t>(label, with(inner)), length, 0, std::move(number_of));
  }

  std::vector<std::string> with(std::string const& inner) const {
    std::vector<std::string> all = axes_;
    all.emplace_back("strategy");
    if (!inner.empty()) all.push_back(inner);
    return all;
  }

  Writer& writer_;
  std::vector<std::string> const& axes_;
  std::vector<Figure<double>> numbers_;
  std::vector<Figure<std::uint64_t>> counts_;
};

/// What became of every point.
class Outcomes {
 public:
  Outcomes(Writer& writer, std::vector<std::string> const& axes)
      : status_(writer.series<std::string>(
            {"status", "1", "what became of the point: done, failed or missing"}, axes)),
        failure_(writer.series<std::string>({"failure", "1", "why the point failed"}, axes)),
        elapsed_s_(writer.series<double>({"timing_point_s", "s", "wall time of the point"}, axes)) {}

  void append(std::optional<PointRecord> const& record) {
    status_.append(!record ? "missing" : record->failed() ? "failed" : "done");
    failure_.append(record ? record->failure : "");
    elapsed_s_.append(record ? record->elapsed_s : absent);
  }

 private:
  hdf5::Series<std::string> status_;
  hdf5::Series<std::string> failure_;
  hdf5::Series<double> elapsed_s_;
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

  /// The file, for as long as this object lives.
  std::span<std::byte const> image(RunProvenance const& provenance) {
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
    write_points();
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

  void write_points() {
    Outcomes outcomes(writer_, axes_);
    Figures figures(writer_, axes_, extent_);
    for (std::uint64_t point = 0; point < points_; ++point) {
      auto const record = read_(point);
      outcomes.append(record);
      for (Strategy const strategy : extent_.strategies) figures.append(find(record, strategy));
      if (extent_.strategies.empty()) figures.append(nullptr);
    }
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
  try {
    Composer composer(description, read);
    write_output(file, composer.image(provenance));
  } catch (hdf5::Error const& error) {
    throw OutputError("cannot compose " + file.string() + ": " + error.what());
  }
}

}  // namespace spacemoe
