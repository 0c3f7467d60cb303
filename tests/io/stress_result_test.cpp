#include "host/io/stress_result.hpp"

#include <cmath>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "host/errors.hpp"
#include "host/io/hdf5_reader.hpp"
#include "host/io/result_file.hpp"
#include "tests/io/output_support.hpp"
#include "tests/support/stressed.hpp"

namespace spacemoe::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::NanSensitiveDoubleEq;

constexpr double none = std::numeric_limits<double>::quiet_NaN();

class StressResult : public test::OutputFolder {};

Scenario scenario() {
  Scenario result;
  result.title = "A small one";
  result.seed = {7};
  result.weights = uniform_weights(2, 3);
  return result;
}

void write(fs::path const& file, Stress const& stress, StressOptions const& options = repair_options(),
           Scenario const& from = scenario(), std::string const& backend = "cpu") {
  write_stress(file, from, "seed = 7\n", options, stress, {"spacemoe stress small.toml", backend});
}

std::vector<double> numbers(fs::path const& file, char const* name) {
  hdf5::File const opened = hdf5::open(file);
  hdf5::Dataset const dataset(H5Dopen2(opened, name, H5P_DEFAULT));
  hdf5::Source const source = hdf5::source(dataset);
  std::vector<double> values(hdf5::count(source));
  source.read(H5T_NATIVE_DOUBLE, values.data());
  return values;
}

bool has(fs::path const& file, char const* name) {
  return H5Lexists(hdf5::open(file), name, H5P_DEFAULT) > 0;
}

TEST_F(StressResult, RepairsStandBesideThePlacementsThatHaveThem) {
  write(file("a.h5"), repaired_stress());
  auto const expect = [&](char const* name, double first, double second) {
    EXPECT_THAT(numbers(file("a.h5"), name),
                ElementsAre(NanSensitiveDoubleEq(none), first, NanSensitiveDoubleEq(none), second))
        << name;
  };
  expect("repair_moved_experts", 0, 1.5);
  expect("repair_moved_gateways", 0, 0.5);
  expect("repair_migrated_bytes", 0, 66e6);
  expect("repair_migration_s", 0, 0.25);
  expect("repair_during_mean_ms", 12.5, 20);
  expect("repair_during_mean_low_ms", 11, 18);
  expect("repair_during_mean_high_ms", 14, 22);
  expect("repair_during_undeliverable", 0, 0.75);
  expect("repair_during_undeliverable_low", 0, 0.5);
  expect("repair_during_undeliverable_high", 0, 1);
}

TEST_F(StressResult, WithoutRepairsThereIsNothingOfThem) {
  Stress stress = repaired_stress();
  for (auto& point : stress.point) point.repair.reset();
  write(file("a.h5"), stress, {});
  for (char const* name : {"repair_moved_experts", "repair_during_mean_ms"}) {
    EXPECT_FALSE(has(file("a.h5"), name)) << name;
  }
  EXPECT_TRUE(has(file("a.h5"), "weakest_host"));
}

TEST_F(StressResult, WhereNothingIsLostNothingIsWeakest) {
  write(file("a.h5"), repaired_stress());
  for (auto const& [name, weakest] : {std::pair{"weakest_layer", 1.0}, {"weakest_host", 17.0}}) {
    EXPECT_THAT(numbers(file("a.h5"), name),
                ElementsAre(NanSensitiveDoubleEq(none), NanSensitiveDoubleEq(none), weakest, weakest));
  }
}

TEST_F(StressResult, QuantilesOfNoTokensAreUnknown) {
  write(file("a.h5"), repaired_stress());
  auto const values = numbers(file("a.h5"), "quantile_lower_ms");
  ASSERT_EQ(values.size(), 4u * loss_policies * quantile_levels.size());
  std::size_t const third_point = 2 * loss_policies * quantile_levels.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    bool const dropped = i / quantile_levels.size() == third_point / quantile_levels.size();
    EXPECT_EQ(std::isnan(values[i]), dropped) << i;
  }
}

TEST_F(StressResult, EveryFigureIsPayload) {
  write(file("original.h5"), repaired_stress());
  std::string const original = payload_digest(file("original.h5"));
  using Change = std::function<void(StressPoint&)>;
  std::vector<Change> const changes{
      [](auto& p) { p.tally.policy[1].moments.tokens += 1; },
      [](auto& p) { p.tally.policy[1].moments.delivered += 1; },
      [](auto& p) { p.tally.policy[1].moments.sum_ns += 1; },
      [](auto& p) { p.tally.policy[1].moments.sum_ns += Uint128{1} << 64; },
      [](auto& p) { p.tally.policy[1].moments.sum_squares_ns2 += 1; },
      [](auto& p) { p.tally.policy[1].moments.sum_squares_ns2 += Uint128{1} << 64; },
      [](auto& p) { p.tally.policy[2].histogram[3001] += 1; },
      [](auto& p) { p.mean_ms[2].mean += 1; },
      [](auto& p) { p.mean_ms[2].low += 1; },
      [](auto& p) { p.mean_ms[2].high += 1; },
      [](auto& p) { p.delivering[2] += 1; },
      [](auto& p) { p.undeliverable[0].mean += 1; },
      [](auto& p) { p.undeliverable[0].low += 1; },
      [](auto& p) { p.undeliverable[0].high += 1; },
      [](auto& p) { p.waited_ms += 1; },
      [](auto& p) { p.waiting += 1; },
      [](auto& p) { p.detours += 1; },
      [](auto& p) { p.layer_lost[1] += 1; },
      [](auto& p) { p.weakest_layer = 0; },
      [](auto& p) { p.weakest_host = satellite(3); },
      [](auto& p) { p.weakest_host_lost += 1; },
      [](auto& p) { p.repair->moved_experts += 1; },
      [](auto& p) { p.repair->moved_gateways += 1; },
      [](auto& p) { p.repair->migrated_bytes += 1; },
      [](auto& p) { p.repair->migration_s += 1; },
      [](auto& p) { p.repair->during_mean_ms.high += 1; },
      [](auto& p) { p.repair->during_undeliverable.low += 1; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Stress changed = repaired_stress();
    changes[i](changed.point[3]);
    write(file("changed.h5"), changed);
    EXPECT_NE(payload_digest(file("changed.h5")), original) << "change " << i;
  }
}

TEST_F(StressResult, OptionsAndBaseDamageArePayloadAndTheBackendIsNot) {
  write(file("original.h5"), repaired_stress());
  std::string const original = payload_digest(file("original.h5"));
  write(file("a.h5"), repaired_stress(), repair_options(), scenario(), "cuda");
  EXPECT_EQ(payload_digest(file("a.h5")), original);

  StressOptions more = repair_options();
  more.repair_bytes = std::numeric_limits<double>::infinity();
  write(file("a.h5"), repaired_stress(), more);
  EXPECT_NE(payload_digest(file("a.h5")), original);

  Scenario damaged = scenario();
  damaged.damage[DamageFamily::eclipse] = 0.5;
  write(file("a.h5"), repaired_stress(), repair_options(), damaged);
  EXPECT_NE(payload_digest(file("a.h5")), original);

  Stress cheaper = repaired_stress();
  cheaper.penalty_ms = 1;
  write(file("a.h5"), cheaper);
  EXPECT_NE(payload_digest(file("a.h5")), original);
}

TEST_F(StressResult, AFullDiskLeavesWhatWasThere) {
  std::ofstream(file("a.h5")) << "an old result";
  {
    test::FileSizeLimit const limit(1000);
    EXPECT_THROW(write(file("a.h5"), repaired_stress()), OutputError);
  }
  EXPECT_EQ(test::content(file("a.h5")), "an old result");
  EXPECT_THAT(files(), ElementsAre("a.h5"));
}

}  // namespace
}  // namespace spacemoe::testing
