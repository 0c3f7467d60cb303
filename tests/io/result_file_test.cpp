#include "host/io/result_file.hpp"

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <hdf5_hl.h>

#include "host/errors.hpp"
#include "tests/io/output_support.hpp"

namespace spacemoe {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using test::content;
using test::FileSizeLimit;

class ResultFile : public test::OutputFolder {};

Placement placement(std::uint32_t offset) {
  Placement result{2, 3, {}, {}};
  for (std::uint32_t layer = 0; layer < 2; ++layer) result.gateway.push_back(SatelliteId{offset + layer});
  for (std::uint32_t expert = 0; expert < 6; ++expert)
    result.host.push_back(SatelliteId{offset + 10 + expert});
  return result;
}

/// Two slots, two layers of three experts; sums above 64 bits.
StrategyResult strategy_result(Strategy strategy, std::uint32_t placements) {
  StrategyResult result;
  result.strategy = strategy;
  for (std::uint32_t p = 0; p < placements; ++p) result.placements.push_back(placement(100 * p));
  for (std::uint32_t cell = 0; cell < 2 * placements; ++cell) {
    result.tally.cell.push_back({5, 4, cell + 1, (Uint128{7} << 64) + cell});
  }
  result.tally.histogram.assign(bin_count, 0);
  result.tally.histogram[3000 + placements] = 8 * placements;
  result.tally.layer_sum_ns = {20, 30};
  result.tokens = 10 * placements;
  result.delivered = 8 * placements;
  result.mean_ms = 12.5;
  result.standard_deviation_ms = 2;
  result.standard_error_ms = 0.5;
  if (placements > 1) result.placement_spread_ms = 0.25;
  for (auto& quantile : result.quantiles) quantile = {10, 11, 9, 12};
  result.layer_mean_ms = {5, 7.5};
  result.undeliverable = 0.2;
  result.ratio_to_best = 1;
  return result;
}

Evaluation evaluation() {
  Evaluation result;
  result.slots = 2;
  result.layers = 2;
  result.experts = 3;
  result.strategies = {strategy_result(Strategy::rand_place, 3), strategy_result(Strategy::spacemoe, 1)};
  result.strategies[1].exact = ExactResult{12.4, 2.1, 0.19, {10, 11, 12, 13}, 0.1, {5, 7.4}};
  result.backend = "cpu";
  return result;
}

Scenario scenario() {
  Scenario result;
  result.title = "A small one";
  result.seed = {7};
  result.time = {2, 0, 600};
  result.given_text = "title = \"A small one\"  # as given, \u03c9\n";
  return result;
}

void write(fs::path const& file, Evaluation const& results, Scenario const& from = scenario(),
           std::string const& resolved = "seed = 7\n") {
  write_result(file, from, resolved, results, {"spacemoe evaluate small.toml"});
}

TEST_F(ResultFile, EqualResultsHaveEqualDigests) {
  write(file("a.h5"), evaluation());
  write(file("b.h5"), evaluation());
  EXPECT_EQ(payload_digest(file("a.h5")), payload_digest(file("b.h5")));
  EXPECT_EQ(payload_digest(file("a.h5")).size(), 64u);
}

TEST_F(ResultFile, ProvenanceAndTimingAreNoPayload) {
  Evaluation elsewhere = evaluation();
  elsewhere.backend = "cuda";
  elsewhere.timing = {1, 2, 3, 4, 5, 6, 7};
  Scenario commented = scenario();
  commented.given_text += "# a comment\n";
  write(file("a.h5"), evaluation());
  write_result(file("b.h5"), commented, "seed = 7\n", elsewhere,
               {"spacemoe evaluate --threads 8 small.toml"});
  EXPECT_NE(content(file("a.h5")), content(file("b.h5")));
  EXPECT_EQ(payload_digest(file("a.h5")), payload_digest(file("b.h5")));
}

TEST_F(ResultFile, EveryFigureIsPayload) {
  write(file("original.h5"), evaluation());
  std::string const original = payload_digest(file("original.h5"));
  double const next = 1 + std::numeric_limits<double>::epsilon();
  std::vector<std::function<void(StrategyResult&)>> const changes{
      [](auto& s) { s.strategy = Strategy::greedy; },
      [](auto& s) { s.placements[0].gateway[1] = SatelliteId{999}; },
      [](auto& s) { s.placements[0].host[5] = SatelliteId{999}; },
      [](auto& s) { s.tally.cell[1].tokens += 1; },
      [](auto& s) { s.tally.cell[1].delivered += 1; },
      [](auto& s) { s.tally.cell[1].sum_ns += 1; },
      [](auto& s) { s.tally.cell[1].sum_ns += Uint128{1} << 64; },
      [](auto& s) { s.tally.cell[1].sum_squares_ns2 += 1; },
      [](auto& s) { s.tally.cell[1].sum_squares_ns2 += Uint128{1} << 64; },
      [](auto& s) { s.tally.histogram[3001] += 1; },
      [](auto& s) { s.tally.histogram[bin_count - 2] += 1; },
      [](auto& s) { s.tally.layer_sum_ns[1] += 1; },
      [](auto& s) { s.tokens += 1; },
      [](auto& s) { s.delivered += 1; },
      [next](auto& s) { s.mean_ms *= next; },
      [next](auto& s) { s.standard_deviation_ms *= next; },
      [next](auto& s) { s.standard_error_ms *= next; },
      [](auto& s) { s.placement_spread_ms = 0.75; },
      [next](auto& s) { s.quantiles[3].lower_ms *= next; },
      [next](auto& s) { s.quantiles[3].upper_ms *= next; },
      [next](auto& s) { s.quantiles[3].confidence_low_ms *= next; },
      [next](auto& s) { s.quantiles[3].confidence_high_ms *= next; },
      [next](auto& s) { s.layer_mean_ms[1] *= next; },
      [next](auto& s) { s.undeliverable *= next; },
      [next](auto& s) { s.ratio_to_best *= next; },
      [](auto& s) { s.exact.reset(); },
      [next](auto& s) { s.exact->mean_ms *= next; },
      [next](auto& s) { s.exact->standard_deviation_ms *= next; },
      [next](auto& s) { s.exact->undeliverable *= next; },
      [next](auto& s) { s.exact->quantile_ms[2] *= next; },
      [next](auto& s) { s.exact->grid_ms *= next; },
      [next](auto& s) { s.exact->layer_mean_ms[0] *= next; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Evaluation changed = evaluation();
    changes[i](changed.strategies[1]);
    write(file("changed.h5"), changed);
    EXPECT_NE(payload_digest(file("changed.h5")), original) << "change " << i;
  }
}

TEST_F(ResultFile, TheScenarioIsPayload) {
  write(file("original.h5"), evaluation());
  std::string const original = payload_digest(file("original.h5"));

  write(file("resolved.h5"), evaluation(), scenario(), "seed = 8\n");
  EXPECT_NE(payload_digest(file("resolved.h5")), original);

  Scenario reseeded = scenario();
  reseeded.seed.value = 8;
  write(file("seed.h5"), evaluation(), reseeded);
  EXPECT_NE(payload_digest(file("seed.h5")), original);

  Scenario later = scenario();
  later.time.start_s = 1;
  write(file("later.h5"), evaluation(), later);
  EXPECT_NE(payload_digest(file("later.h5")), original);
}

TEST_F(ResultFile, NothingDeliveredIsAResultToo) {
  Evaluation lost = evaluation();
  for (auto& strategy : lost.strategies) strategy.tally.histogram.assign(bin_count, 0);
  write(file("lost.h5"), lost);
  EXPECT_EQ(read_placements(file("lost.h5"), "spacemoe").size(), 1u);
}

TEST_F(ResultFile, ReplacesWhatWasThere) {
  std::ofstream(file("a.h5")) << "an old result";
  write(file("a.h5"), evaluation());
  EXPECT_THAT(content(file("a.h5")), HasSubstr("HDF"));
  EXPECT_THAT(files(), ElementsAre("a.h5"));
}

TEST_F(ResultFile, KeepsALinkToTheFile) {
  std::ofstream(file("target.h5")) << "an old result";
  fs::create_symlink("target.h5", file("link.h5"));
  write(file("link.h5"), evaluation());
  EXPECT_TRUE(fs::is_symlink(file("link.h5")));
  EXPECT_THAT(content(file("target.h5")), HasSubstr("HDF"));
}

/// What writing to `target` complains of; empty when it does not.
std::string output_complaint(fs::path const& target) {
  try {
    write(target, evaluation());
  } catch (OutputError const& error) {
    return error.what();
  }
  return "";
}

TEST_F(ResultFile, NamesTheFileAndTheReasonWhenTheFolderIsMissing) {
  EXPECT_THAT(output_complaint(file("missing/a.h5")),
              AllOf(HasSubstr(file("missing/a.h5").string()), HasSubstr("No such file or directory")));
}

TEST_F(ResultFile, ReplacesNothingButRegularFiles) {
  fs::create_directory(file("folder.h5"));
  EXPECT_THAT(output_complaint(file("folder.h5")), HasSubstr("not a regular file"));
  EXPECT_THAT(output_complaint("/dev/null"), HasSubstr("not a regular file"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(ResultFile, AFullDiskLeavesTheOldResultAndNothingElse) {
  std::ofstream(file("a.h5")) << "an old result";
  std::string complaint;
  {
    FileSizeLimit const limit(4096);
    complaint = output_complaint(file("a.h5"));
  }
  EXPECT_THAT(complaint, AllOf(HasSubstr(file("a.h5").string()), HasSubstr("File too large")));
  EXPECT_EQ(content(file("a.h5")), "an old result");
  EXPECT_THAT(files(), ElementsAre("a.h5"));
}

TEST_F(ResultFile, PlacementsComeBackAsTheyWere) {
  Evaluation const written = evaluation();
  write(file("a.h5"), written);
  EXPECT_EQ(read_placements(file("a.h5"), "rand-place"), written.strategies[0].placements);
  EXPECT_EQ(read_placements(file("a.h5"), "spacemoe"), written.strategies[1].placements);
}

/// With replicas in one placement of the first strategy, and spare gateways in both strategies.
Evaluation redundant() {
  Evaluation result = evaluation();
  Placement& middle = result.strategies[0].placements[1];
  middle.replica = {{0, 2, SatelliteId{30}}, {1, 0, SatelliteId{32}}, {1, 0, SatelliteId{31}}};
  middle.spare = {{1, SatelliteId{41}}, {1, SatelliteId{40}}};
  result.strategies[1].placements[0].spare = {{0, SatelliteId{42}}};
  return result;
}

TEST_F(ResultFile, ReplicasAndSparesComeBackAsTheyWere) {
  Evaluation const written = redundant();
  write(file("a.h5"), written);
  EXPECT_EQ(read_placements(file("a.h5"), "rand-place"), written.strategies[0].placements);
  EXPECT_EQ(read_placements(file("a.h5"), "spacemoe"), written.strategies[1].placements);
}

TEST_F(ResultFile, EveryReplicaAndSpareIsPayload) {
  write(file("original.h5"), redundant());
  std::string const original = payload_digest(file("original.h5"));
  std::vector<std::function<void(Placement&)>> const changes{
      [](auto& p) { p.replica[1].layer = 0; },
      [](auto& p) { p.replica[1].expert = 1; },
      [](auto& p) { p.replica[1].host = SatelliteId{33}; },
      [](auto& p) { std::swap(p.replica[1], p.replica[2]); },
      [](auto& p) { p.replica.clear(); },
      [](auto& p) { p.spare[0].layer = 0; },
      [](auto& p) { std::swap(p.spare[0], p.spare[1]); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Evaluation changed = redundant();
    changes[i](changed.strategies[0].placements[1]);
    write(file("changed.h5"), changed);
    EXPECT_NE(payload_digest(file("changed.h5")), original) << "change " << i;
  }
  Evaluation changed = redundant();
  std::swap(changed.strategies[0].placements[0].replica, changed.strategies[0].placements[1].replica);
  write(file("changed.h5"), changed);
  EXPECT_NE(payload_digest(file("changed.h5")), original);
}

/// What reading the placements of a strategy complains of; no complaint at all fails the test.
Complaint read_complaint(fs::path const& file, std::string const& strategy) {
  try {
    read_placements(file, strategy);
  } catch (ScenarioError const& error) {
    return error.complaints().at(0);
  }
  ADD_FAILURE() << "nothing was wrong with " << file;
  return {};
}

/// Puts other values in place of a dataset of one axis; none where there are no values.
void rewrite(fs::path const& file, char const* dataset, std::vector<std::uint32_t> const& values) {
  hid_t const opened = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  ASSERT_GE(H5Ldelete(opened, dataset, H5P_DEFAULT), 0);
  hsize_t const length = values.size();
  if (length > 0) {
    ASSERT_GE(H5LTmake_dataset(opened, dataset, 1, &length, H5T_NATIVE_UINT32, values.data()), 0);
  }
  ASSERT_GE(H5Fclose(opened), 0);
}

TEST_F(ResultFile, AMissingStrategyIsAnsweredWithThoseThatAreThere) {
  write(file("a.h5"), evaluation());
  Complaint const complaint = read_complaint(file("a.h5"), "greedy");
  EXPECT_EQ(complaint.where, file("a.h5").string());
  EXPECT_THAT(complaint.what, HasSubstr("greedy"));
  EXPECT_EQ(complaint.remedy, "it has rand-place, spacemoe");
}

TEST_F(ResultFile, TheStrategyMeantIsTheOneNamedOrTheOnlyOne) {
  Evaluation both = evaluation();
  write(file("two.h5"), both);
  both.strategies.resize(1);
  write(file("one.h5"), both);
  EXPECT_EQ(placed_strategy(file("two.h5"), "spacemoe"), "spacemoe");
  EXPECT_EQ(placed_strategy(file("one.h5"), std::nullopt), "rand-place");
  try {
    placed_strategy(file("two.h5"), std::nullopt);
    FAIL();
  } catch (ScenarioError const& error) {
    EXPECT_EQ(error.complaints().at(0).remedy, "name one of rand-place, spacemoe");
  }
}

TEST_F(ResultFile, ReplicasOfNoPlacementAreRefused) {
  struct Change {
    char const* dataset;
    std::vector<std::uint32_t> values;
    char const* complaint;
  };
  for (Change const& change :
       {Change{"replica_placement", {1, 4, 1}, "replica_placement has placement 4 of 4"},
        Change{"spare_placement", {9, 1, 3}, "spare_placement has placement 9 of 4"},
        Change{"replica_host", {}, "no dataset replica_host"},
        Change{"spare_layer", {1, 1}, "the shape of spare_layer does not fit"}}) {
    write(file("a.h5"), redundant());
    rewrite(file("a.h5"), change.dataset, change.values);
    EXPECT_THAT(read_complaint(file("a.h5"), "spacemoe").what, HasSubstr(change.complaint));
  }
}

TEST_F(ResultFile, WhatIsNoResultIsRefused) {
  std::ofstream(file("text.h5")) << "no HDF5 at all";
  write(file("whole.h5"), evaluation());
  std::string const whole = content(file("whole.h5"));
  std::ofstream(file("half.h5"), std::ios::binary) << whole.substr(0, whole.size() / 2);

  EXPECT_THAT(read_complaint(file("missing.h5"), "spacemoe").what, HasSubstr("No such file"));
  EXPECT_THAT(read_complaint(file("text.h5"), "spacemoe").what, HasSubstr("not an HDF5 file"));
  EXPECT_THAT(read_complaint(file("half.h5"), "spacemoe").what, HasSubstr("truncated"));
  EXPECT_THROW(payload_digest(file("missing.h5")), ScenarioError);
  EXPECT_THROW(payload_digest(file("text.h5")), ScenarioError);
  EXPECT_THROW(payload_digest(file("half.h5")), ScenarioError);
}

}  // namespace
}  // namespace spacemoe
