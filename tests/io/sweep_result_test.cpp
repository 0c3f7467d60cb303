#include "host/io/sweep_result.hpp"

#include <array>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include <gmock/gmock.h>

#include "host/errors.hpp"
#include "host/io/hdf5_reader.hpp"
#include "host/io/result_file.hpp"
#include "kernels/bins.hpp"
#include "tests/io/output_support.hpp"

namespace spacemoe {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using Records = std::map<std::uint64_t, PointRecord>;

class SweepResult : public test::OutputFolder {};

SweepAxis numbers_axis(std::string const& name, std::vector<double> const& numbers,
                       std::string const& units = "1") {
  return {{name, units, numbers, {}}, {}};
}

SweepAxis labels_axis(std::string const& name, std::vector<std::string> const& labels) {
  return {{name, "1", {}, labels}, {}};
}

/// 2 x 3 x 2 points.
std::vector<SweepAxis> three_axes() {
  std::vector<SweepAxis> axes{numbers_axis("altitude_km", {550, 1200}, "km"),
                              labels_axis("model", {"small", "l\u00e4rge", ""}),
                              numbers_axis("survival", {0.9, 1})};
  axes[1].along = {{"layers", "1", {2, 3, 5}, {}}, {"maker", "1", {}, {"a", "b", "c"}}};
  return axes;
}

/// A record whose figures all differ from one another and from those of other points and strategies.
StrategyRecord strategy_record(std::uint64_t point, Strategy strategy, std::size_t layers = 2) {
  double const base = 1000.0 * static_cast<double>(point + 1) + 100.0 * static_cast<double>(strategy);
  StrategyRecord record;
  record.strategy = strategy;
  record.delivered = static_cast<std::uint64_t>(base) + 1;
  record.tokens = static_cast<std::uint64_t>(base) + 2;
  record.mean_ms = base + 0.125;
  record.standard_deviation_ms = base + 0.25;
  record.standard_error_ms = base + 0.375;
  record.placement_spread_ms = base + 0.5;
  record.undeliverable = base + 0.625;
  record.ratio_to_best = base + 0.75;
  for (std::size_t q = 0; q < record.quantiles.size(); ++q) {
    double const level = base + 4.0 * static_cast<double>(q);
    record.quantiles[q] = {level + 0.0625, level + 1.0625, level + 2.0625, level + 3.0625};
  }
  for (std::size_t layer = 0; layer < layers; ++layer)
    record.layer_mean_ms.push_back(base + 50.03125 + static_cast<double>(layer));
  record.first_bin = 3000 + static_cast<std::uint32_t>(point % 5);
  record.histogram = {record.delivered - 1, 0, 1};
  return record;
}

PointRecord point_record(std::uint64_t point, std::vector<Strategy> const& strategies) {
  PointRecord record{point, "", {}, 0.5 + static_cast<double>(point)};
  for (Strategy const strategy : strategies) record.strategies.push_back(strategy_record(point, strategy));
  return record;
}

std::vector<Strategy> const two_strategies{Strategy::spacemoe, Strategy::greedy};

Records all_done(std::vector<SweepAxis> const& axes,
                 std::vector<Strategy> const& strategies = two_strategies) {
  Records records;
  for (std::uint64_t point = 0; point < points(axes); ++point)
    records.emplace(point, point_record(point, strategies));
  return records;
}

void write(fs::path const& file, std::vector<SweepAxis> const& axes, Records const& records,
           RunProvenance const& provenance = {"spacemoe sweep s.toml", "cpu"}) {
  auto const read = [&](std::uint64_t point) -> std::optional<PointRecord> {
    auto const found = records.find(point);
    if (found == records.end()) return std::nullopt;
    return found->second;
  };
  write_sweep(file, {"A title", axes, "seed = 7\n", "# as given\n"}, read, provenance);
}

/// A written file, read without the code that wrote it.
class Reader {
 public:
  explicit Reader(fs::path const& file) : file_(hdf5::open(file)) {}

  std::vector<double> numbers(std::string const& name) const { return values<double>(name); }
  std::vector<std::uint64_t> integers(std::string const& name) const { return values<std::uint64_t>(name); }
  std::vector<std::string> texts(std::string const& name) const {
    return hdf5::texts(hdf5::source(dataset(name)));
  }
  std::vector<hsize_t> shape(std::string const& name) const {
    return hdf5::shape(hdf5::source(dataset(name)));
  }
  std::string attribute(std::string const& name, std::string const& of = ".") const {
    hdf5::Attribute const found(H5Aopen_by_name(file_, of.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
    return hdf5::texts(hdf5::source(found)).at(0);
  }
  /// Bytes that the values of a dataset take in the file.
  hsize_t stored(std::string const& name) const { return H5Dget_storage_size(dataset(name)); }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    auto const visit = [](hid_t, char const* name, H5L_info_t const*, void* out) -> herr_t {
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
      return 0;
    };
    hdf5::check(H5Literate(file_, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, visit, &all));
    return all;
  }

 private:
  hdf5::Dataset dataset(std::string const& name) const {
    return hdf5::Dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
  }

  template <class T>
  std::vector<T> values(std::string const& name) const {
    hdf5::Dataset const found = dataset(name);
    hdf5::Source const source = hdf5::source(found);
    std::vector<T> all(hdf5::count(source));
    source.read(hdf5::number_type<T>(), all.data());
    return all;
  }

  hdf5::File file_;
};

/// Values equal bit for bit, all NaN being the same.
testing::Matcher<std::vector<double>> same_as(std::vector<double> const& expected) {
  std::vector<testing::Matcher<double>> each;
  for (double const value : expected)
    each.push_back(std::isnan(value) ? testing::Matcher<double>(testing::IsNan())
                                     : testing::Matcher<double>(value));
  return ElementsAreArray(each);
}

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// What the file must hold of a figure: of every point and, within it, of every strategy, `wanted` of its
/// record, `absent` where there is none.
template <class Number, class Wanted>
std::vector<Number> table(std::uint64_t points, std::vector<Strategy> const& strategies,
                          Records const& records, Wanted wanted, Number absent) {
  std::vector<Number> all;
  for (std::uint64_t point = 0; point < points; ++point) {
    for (Strategy const strategy : strategies) {
      Number value = absent;
      if (auto const found = records.find(point); found != records.end()) {
        for (StrategyRecord const& record : found->second.strategies)
          if (record.strategy == strategy) value = static_cast<Number>(wanted(record));
      }
      all.push_back(value);
    }
  }
  return all;
}

void expect_figures(Reader const& file, std::uint64_t points, std::vector<Strategy> const& strategies,
                    Records const& records) {
  using Figure = double (*)(StrategyRecord const&);
  std::vector<std::pair<std::string, Figure>> const figures{
      {"mean_ms", [](StrategyRecord const& s) { return s.mean_ms; }},
      {"standard_deviation_ms", [](StrategyRecord const& s) { return s.standard_deviation_ms; }},
      {"standard_error_ms", [](StrategyRecord const& s) { return s.standard_error_ms; }},
      {"placement_spread_ms", [](StrategyRecord const& s) { return s.placement_spread_ms.value_or(nan); }},
      {"ratio_to_best", [](StrategyRecord const& s) { return s.ratio_to_best; }},
      {"undeliverable", [](StrategyRecord const& s) { return s.undeliverable; }}};
  for (auto const& [name, figure] : figures) {
    EXPECT_THAT(file.numbers(name), same_as(table<double>(points, strategies, records, figure, nan))) << name;
  }
  EXPECT_EQ(file.integers("tokens"), table<std::uint64_t>(
                                         points, strategies, records, [](auto& s) { return s.tokens; }, 0));
  EXPECT_EQ(file.integers("delivered"),
            table<std::uint64_t>(
                points, strategies, records, [](auto& s) { return s.delivered; }, 0));
}

/// Every `length`-th value from `first` on.
template <class Number>
std::vector<Number> slice(std::vector<Number> const& values, std::size_t first, std::size_t length) {
  std::vector<Number> some;
  for (std::size_t i = first; i < values.size(); i += length) some.push_back(values[i]);
  return some;
}

TEST_F(SweepResult, FiguresStandAtTheirPointAndStrategy) {
  Records const records = all_done(three_axes());
  write(file("s.h5"), three_axes(), records);
  Reader const read(file("s.h5"));
  EXPECT_THAT(read.texts("strategy"), ElementsAre("spacemoe", "greedy"));
  EXPECT_THAT(read.shape("mean_ms"), ElementsAre(2, 3, 2, 2));
  expect_figures(read, 12, two_strategies, records);
  // By hand, once: 1200 km is 1, "l\u00e4rge" 1, survival 0.9 is 0; greedy is 1.
  EXPECT_EQ(read.numbers("mean_ms").at(((1 * 3 + 1) * 2 + 0) * 2 + 1), records.at(8).strategies[1].mean_ms);
}

TEST_F(SweepResult, QuantilesAndLayersHaveAnAxisOfTheirOwn) {
  Records const records = all_done(three_axes());
  write(file("s.h5"), three_axes(), records);
  Reader const read(file("s.h5"));
  EXPECT_THAT(read.numbers("quantile"), ElementsAreArray(quantile_levels));
  EXPECT_THAT(read.shape("quantile_lower_ms"), ElementsAre(2, 3, 2, 2, 4));
  std::array<std::pair<std::string, double Quantile::*>, 4> const bounds{
      {{"quantile_lower_ms", &Quantile::lower_ms},
       {"quantile_upper_ms", &Quantile::upper_ms},
       {"quantile_confidence_low_ms", &Quantile::confidence_low_ms},
       {"quantile_confidence_high_ms", &Quantile::confidence_high_ms}}};
  for (auto const& [name, bound] : bounds) {
    for (std::size_t q = 0; q < quantile_levels.size(); ++q) {
      auto const wanted = [q, bound](StrategyRecord const& s) { return s.quantiles[q].*bound; };
      EXPECT_EQ(slice(read.numbers(name), q, quantile_levels.size()),
                table<double>(12, two_strategies, records, wanted, nan))
          << name << " " << q;
    }
  }
  EXPECT_THAT(read.shape("layer_mean_ms"), ElementsAre(2, 3, 2, 2, 2));
  for (std::size_t layer = 0; layer < 2; ++layer) {
    auto const wanted = [layer](StrategyRecord const& s) { return s.layer_mean_ms[layer]; };
    EXPECT_EQ(slice(read.numbers("layer_mean_ms"), layer, 2),
              table<double>(12, two_strategies, records, wanted, nan));
  }
}

TEST_F(SweepResult, LayersPastTheEndOfAModelAreNan) {
  std::vector<SweepAxis> const axes{labels_axis("model", {"a", "b"})};
  Records records;
  records[0] = {0, "", {strategy_record(0, Strategy::greedy, 1)}, 1};
  records[1] = {1, "", {strategy_record(1, Strategy::greedy, 3)}, 1};
  write(file("s.h5"), axes, records);
  Reader const read(file("s.h5"));
  auto const& deep = records[1].strategies[0].layer_mean_ms;
  EXPECT_THAT(read.integers("layer"), ElementsAre(0, 1, 2));
  EXPECT_THAT(read.numbers("layer_mean_ms"),
              same_as({records[0].strategies[0].layer_mean_ms[0], nan, nan, deep[0], deep[1], deep[2]}));
}

TEST_F(SweepResult, HistogramsShareTheBinsFromTheFirstToTheLastInUse) {
  std::vector<SweepAxis> const axes{numbers_axis("survival", {0.8, 0.9, 1})};
  Records records = all_done(axes);
  records[0].strategies[0].first_bin = 3002;
  records[0].strategies[0].histogram = {5, 0, 7};
  records[0].strategies[1].histogram.clear();  // nothing arrived
  records[0].strategies[1].first_bin = 0;
  records[1].strategies[0].first_bin = 3000;
  records[1].strategies[0].histogram = {1};
  records[1].strategies[1].first_bin = 3005;
  records[1].strategies[1].histogram = {std::uint64_t{1} << 53, (std::uint64_t{1} << 63) + 1};
  records.erase(2);
  write(file("s.h5"), axes, records);
  Reader const read(file("s.h5"));
  EXPECT_THAT(read.integers("bin"), ElementsAre(3000, 3001, 3002, 3003, 3004, 3005, 3006));
  EXPECT_THAT(read.shape("histogram"), ElementsAre(3, 2, 7));
  std::vector<std::uint64_t> const expected{0,
                                            0,
                                            5,
                                            0,
                                            7,
                                            0,
                                            0,  //
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,  //
                                            1,
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,  //
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            std::uint64_t{1} << 53,
                                            (std::uint64_t{1} << 63) + 1,  //
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,  //
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            0};
  EXPECT_EQ(read.integers("histogram"), expected);
  for (std::size_t i = 0; i < 7; ++i) {
    auto const bin = static_cast<std::uint32_t>(3000 + i);
    EXPECT_EQ(bin_of(read.integers("bin_lower_ns").at(i)), bin);
    EXPECT_EQ(bin_of(read.integers("bin_upper_ns").at(i) - 1), bin);
    EXPECT_EQ(bin_of(read.integers("bin_upper_ns").at(i)), bin + 1);
  }
}

TEST_F(SweepResult, PointsThatFailedOrAreMissingSayHowTheyEnded) {
  Records records = all_done(three_axes());
  records[3] = {3, "no room for \u03c9 experts", {}, 0.25};
  records.erase(7);
  write(file("s.h5"), three_axes(), records);
  Reader const read(file("s.h5"));
  EXPECT_THAT(read.shape("status"), ElementsAre(2, 3, 2));
  std::vector<std::string> status(12, "done");
  status[3] = "failed";
  status[7] = "missing";
  EXPECT_EQ(read.texts("status"), status);
  std::vector<std::string> failure(12, "");
  failure[3] = "no room for \u03c9 experts";
  EXPECT_EQ(read.texts("failure"), failure);
  std::vector<double> elapsed_s;
  for (std::uint64_t point = 0; point < 12; ++point)
    elapsed_s.push_back(records.contains(point) ? records.at(point).elapsed_s : nan);
  EXPECT_THAT(read.numbers("timing_point_s"), same_as(elapsed_s));
  expect_figures(read, 12, two_strategies, records);
  EXPECT_TRUE(std::isnan(read.numbers("mean_ms").at(3 * 2)));
  EXPECT_EQ(read.integers("tokens").at(7 * 2 + 1), 0u);
}

TEST_F(SweepResult, StrategiesOfAllPointsComeInTheOrderInWhichPointsHaveThem) {
  std::vector<SweepAxis> const axes{numbers_axis("survival", {0.7, 0.8, 0.9, 1})};
  Records records;
  records[1] = point_record(1, {Strategy::greedy});
  records[2] = point_record(2, {Strategy::staircase, Strategy::greedy});
  records[3] = point_record(3, {Strategy::rand_place, Strategy::staircase});
  records[3].strategies[0].placement_spread_ms.reset();
  write(file("s.h5"), axes, records);
  Reader const read(file("s.h5"));
  EXPECT_THAT(read.texts("strategy"), ElementsAre("greedy", "staircase", "rand-place"));
  expect_figures(read, 4, {Strategy::greedy, Strategy::staircase, Strategy::rand_place}, records);
}

TEST_F(SweepResult, WithoutAxesThereAreStrategiesAlone) {
  Records const records = all_done({});
  write(file("s.h5"), {}, records);
  Reader const read(file("s.h5"));
  EXPECT_THAT(read.shape("mean_ms"), ElementsAre(2));
  EXPECT_THAT(read.shape("status"), ElementsAre());
  EXPECT_THAT(read.texts("status"), ElementsAre("done"));
  EXPECT_THAT(read.shape("histogram"), ElementsAre(2, 3));
  EXPECT_EQ(read.integers("histogram").at(3), records.at(0).strategies[1].histogram[0]);
  expect_figures(read, 1, two_strategies, records);
}

TEST_F(SweepResult, NothingDoneIsAResultToo) {
  Records const failed{{0, {0, "disconnected", {}, 0}}};
  for (Records const& records : {Records{}, failed}) {
    write(file("s.h5"), {numbers_axis("survival", {0.5, 1})}, records);
    Reader const read(file("s.h5"));
    EXPECT_THAT(read.texts("strategy"), ElementsAre("none"));
    EXPECT_THAT(read.texts("status"), ElementsAre(records.empty() ? "missing" : "failed", "missing"));
    EXPECT_THAT(read.numbers("mean_ms"), same_as({nan, nan}));
    EXPECT_THAT(read.integers("histogram"), ElementsAre(0, 0));
    EXPECT_EQ(payload_digest(file("s.h5")).size(), 64u);
  }
}

TEST_F(SweepResult, AxesAreNumbersOrTextWithWhatChangesAlongThem) {
  write(file("s.h5"), three_axes(), all_done(three_axes()));
  Reader const read(file("s.h5"));
  EXPECT_THAT(read.numbers("altitude_km"), ElementsAre(550, 1200));
  EXPECT_EQ(read.attribute("units", "altitude_km"), "km");
  EXPECT_THAT(read.texts("model"), ElementsAre("small", "l\u00e4rge", ""));
  EXPECT_EQ(read.attribute("units", "model"), "1");
  EXPECT_THAT(read.shape("layers"), ElementsAre(3));
  EXPECT_THAT(read.numbers("layers"), ElementsAre(2, 3, 5));
  EXPECT_THAT(read.texts("maker"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(read.attribute("long_name", "maker"), HasSubstr("model"));
}

TEST_F(SweepResult, SaysWhatItIsAndWhereItComesFrom) {
  write(file("s.h5"), three_axes(), all_done(three_axes()));
  Reader const read(file("s.h5"));
  EXPECT_EQ(read.attribute("format"), "spacemoe sweep");
  EXPECT_EQ(read.attribute("title"), "A title");
  EXPECT_THAT(read.texts("scenario_resolved"), ElementsAre("seed = 7\n"));
  EXPECT_THAT(read.texts("provenance_sweep_given"), ElementsAre("# as given\n"));
  EXPECT_EQ(read.attribute("provenance_backend"), "cpu");
  EXPECT_EQ(read.attribute("provenance_command_line"), "spacemoe sweep s.toml");
  EXPECT_FALSE(read.attribute("provenance_git_commit").empty());
}

TEST_F(SweepResult, EveryNameInTheFileIsReservedOrOfAnAxis) {
  write(file("s.h5"), three_axes(), all_done(three_axes()));
  std::set<std::string> const own{"altitude_km", "model", "survival", "layers", "maker"};
  for (std::string const& name : Reader(file("s.h5")).names()) {
    EXPECT_NE(is_reserved_name(name), own.contains(name)) << name;
  }
}

TEST_F(SweepResult, EveryFigureIsPayloadButTimingAndProvenanceAreNot) {
  Records const records = all_done(three_axes());
  write(file("a.h5"), three_axes(), records);
  std::string const original = payload_digest(file("a.h5"));
  Records slower = records;
  for (auto& [point, record] : slower) record.elapsed_s *= 2;
  write(file("b.h5"), three_axes(), slower, {"spacemoe merge s.toml", ""});
  EXPECT_EQ(payload_digest(file("b.h5")), original);

  std::vector<std::function<void(PointRecord&)>> const changes{
      [](auto& p) { p.strategies[1].mean_ms += 1; },
      [](auto& p) { p.strategies[1].histogram[1] += 1; },
      [](auto& p) { p.strategies[1].first_bin += 1; },
      [](auto& p) { p.strategies[1].quantiles[3].confidence_high_ms += 1; },
      [](auto& p) { p.strategies[1].layer_mean_ms[1] += 1; },
      [](auto& p) {
        p = {p.point, "failed", {}, 0};
      },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Records changed = records;
    changes[i](changed.at(11));
    write(file("b.h5"), three_axes(), changed);
    EXPECT_NE(payload_digest(file("b.h5")), original) << "change " << i;
  }
}

/// So many points that arrays have several chunks.
TEST_F(SweepResult, ManyPointsAreCompressedAndComeBackAsTheyWere) {
  std::vector<double> many(60);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<double>(i);
  std::vector<SweepAxis> const axes{numbers_axis("a", many), numbers_axis("b", many),
                                    numbers_axis("c", {1, 2, 3, 4, 5})};
  std::vector<Strategy> const& strategies = all_strategies();
  std::uint64_t const count = 60 * 60 * 5;
  Records records;
  for (std::uint64_t point = 0; point < count; point += 1 + point % 2)
    records.emplace(point, point_record(point, strategies));
  write(file("s.h5"), axes, records);
  Reader const read(file("s.h5"));
  expect_figures(read, count, strategies, records);
  std::vector<std::uint64_t> const histogram = read.integers("histogram");
  ASSERT_EQ(histogram.size(), count * strategies.size() * 7);
  std::size_t wrong = 0;
  for (std::uint64_t point = 0; point < count; ++point) {
    for (std::size_t s = 0; s < strategies.size(); ++s) {
      for (std::uint32_t bin = 0; bin < 7; ++bin) {
        std::uint64_t expected = 0;
        if (auto const found = records.find(point); found != records.end()) {
          StrategyRecord const& kept = found->second.strategies[s];
          std::uint32_t const at = 3000 + bin - kept.first_bin;  // wraps around below the first
          if (at < kept.histogram.size()) expected = kept.histogram[at];
        }
        wrong += histogram[(point * strategies.size() + s) * 7 + bin] != expected ? 1u : 0u;
      }
    }
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_LT(read.stored("tokens"), count * strategies.size() * sizeof(double) / 2);
}

/// What writing complains of; empty when it does not.
std::string output_complaint(fs::path const& target) {
  try {
    write(target, three_axes(), all_done(three_axes()));
  } catch (OutputError const& error) {
    return error.what();
  }
  return "";
}

TEST_F(SweepResult, AFullDiskLeavesNothing) {
  std::string complaint;
  {
    test::FileSizeLimit const limit(8192);
    complaint = output_complaint(file("s.h5"));
  }
  EXPECT_THAT(complaint, AllOf(HasSubstr(file("s.h5").string()), HasSubstr("File too large")));
  EXPECT_THAT(files(), ElementsAre());
  EXPECT_EQ(output_complaint(file("s.h5")), "");
  EXPECT_THAT(files(), ElementsAre("s.h5"));
}

TEST_F(SweepResult, WhatReadingThrowsComesThroughAndLeavesTheOldFile) {
  std::ofstream(file("s.h5")) << "an old result";
  auto const read = [](std::uint64_t point) -> std::optional<PointRecord> {
    if (point == 7) throw ScenarioError({"s.h5.points", "can no longer be read", ""});
    return point_record(point, two_strategies);
  };
  EXPECT_THROW(write_sweep(file("s.h5"), {"", three_axes(), "", ""}, read, {}), ScenarioError);
  EXPECT_EQ(test::content(file("s.h5")), "an old result");
  EXPECT_THAT(files(), ElementsAre("s.h5"));
}

}  // namespace
}  // namespace spacemoe
