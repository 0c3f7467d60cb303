#include "host/cli/stress_report.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/scenarios.hpp"
#include "tests/support/stressed.hpp"

namespace spacemoe::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

template <class Print>
std::string printed(Print print, Scenario const& scenario = small_scenario(),
                    StressOptions const& options = repair_options(),
                    Stress const& stress = repaired_stress()) {
  std::ostringstream out;
  print(out, scenario, options, stress);
  return out.str();
}

/// Words of the lines that begin with these.
std::vector<std::vector<std::string>> rows(std::string const& text, std::string const& beginning) {
  std::vector<std::vector<std::string>> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(beginning)) continue;
    std::istringstream words(line);
    found.emplace_back(std::istream_iterator<std::string>(words), std::istream_iterator<std::string>());
  }
  return found;
}

TEST(StressTable, FiguresOfAPoint) {
  auto const all = rows(printed(print_table), "0.5   greedy ");
  ASSERT_EQ(all.size(), 1u);
  // Nothing is delivered under drop; wait and penalty have means of their own.
  EXPECT_THAT(all[0], ElementsAre("0.5", "greedy", "-", "-", "0", "100.000", "25.000", "-", "13.5", "3000.0",
                                  "0.000", "14.50", "1", "17"));
  auto const whole = rows(printed(print_table), "0     greedy ");
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_THAT(whole[0], ElementsAre("0", "greedy", "12.50", "1.50", "2", "0.000", "25.000", "12.500", "13.5",
                                    "3000.0", "0.000", "14.50", "-", "-"));
}

TEST(StressTable, RepairsStandBelow) {
  std::string const table = printed(print_table);
  EXPECT_THAT(table, HasSubstr("repairs send at most 100 MB of weights\n"));
  std::string const repairs = table.substr(table.find("\nrepair of storm"));
  EXPECT_THAT(rows(repairs, "0 "), ElementsAre());  // nothing is moved there
  auto const all = rows(repairs, "0.5   greedy, repaired");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0], ElementsAre("0.5", "greedy,", "repaired", "1.5", "0.5", "66.0", "0.250", "20.00",
                                  "2.00", "75.000", "25.000"));
}

TEST(StressTable, WithoutRepairsThereIsNoWordOfThem) {
  Stress stress = repaired_stress();
  for (auto& point : stress.point) point.repair.reset();
  EXPECT_THAT(printed(print_table, small_scenario(), {}, stress), Not(HasSubstr("repair ")));
}

TEST(StressTable, BaseDamageIsNamed) {
  Scenario scenario = small_scenario();
  scenario.damage[DamageFamily::eclipse] = 0.25;
  EXPECT_THAT(printed(print_table, scenario), HasSubstr("everywhere eclipse = 0.25, but where it varies\n"));
  EXPECT_THAT(printed(print_table), Not(HasSubstr("everywhere")));
}

TEST(StressTable, ColumnsKeepAGapWhateverTheyHold) {
  Stress stress = repaired_stress();
  for (auto& estimate : stress.point[0].mean_ms) estimate = {1e12, 0, 2e12};
  auto const all = rows(printed(print_table, small_scenario(), {}, stress), "0     greedy ");
  ASSERT_EQ(all.size(), 1u);
  ASSERT_EQ(all[0].size(), 14u);
  EXPECT_EQ(all[0][2], "1000000000000.00");
  EXPECT_EQ(all[0][3], "1000000000000.00");
}

TEST(StressJson, NanAndNoLimitAreNull) {
  StressOptions options = repair_options();
  options.repair_bytes = std::numeric_limits<double>::infinity();
  auto const json = nlohmann::json::parse(printed(print_json, small_scenario(), options));
  EXPECT_TRUE(json.at("repair_bytes").is_null());
  auto const& lost = json.at("points").at(2);
  EXPECT_EQ(lost.at("level"), 0.5);
  EXPECT_TRUE(lost.at("drop").at("mean_ms").at("low").is_null());
  EXPECT_TRUE(lost.at("drop").at("quantiles_ms").at("p99").is_null());
  EXPECT_EQ(lost.at("wait").at("mean_ms"), nlohmann::json({{"mean", 13.5}, {"low", 11}, {"high", 14}}));
  EXPECT_EQ(lost.at("weakest_host"), 17);
  EXPECT_TRUE(json.at("points").at(0).at("weakest_host").is_null());
}

TEST(StressJson, RepairsAreWhereTheyWereDone) {
  auto const json = nlohmann::json::parse(printed(print_json));
  EXPECT_EQ(json.at("repair_bytes"), 100e6);
  EXPECT_FALSE(json.at("points").at(2).contains("repair"));
  auto const& repair = json.at("points").at(3).at("repair");
  EXPECT_EQ(repair.at("moved_experts"), 1.5);
  EXPECT_EQ(repair.at("migrated_bytes"), 66e6);
  EXPECT_EQ(repair.at("migration_s"), 0.25);
  EXPECT_EQ(repair.at("during_mean_ms").at("high"), 22);
  EXPECT_EQ(repair.at("during_undeliverable").at("low"), 0.5);
}

TEST(StressCsv, NamesWithCommasAreQuotedAndMissingCellsEmpty) {
  std::string const csv = printed(print_csv);
  EXPECT_EQ(std::ranges::count(csv, '\n'), 5);
  EXPECT_THAT(csv, HasSubstr("\nstorm,0.5,\"greedy, repaired\",12.5,11,14,2,"));
  EXPECT_THAT(csv, HasSubstr("\nstorm,0.5,greedy,,,,0,,,,,1,0.75,1,8,0,13.5,"));
  EXPECT_THAT(csv, HasSubstr(",1.5,0.5,66000000,0.25,20,18,22,0.75,0.5,1\n"));
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  EXPECT_TRUE(line.ends_with(",repair_during_undeliverable_high")) << line;
  auto const columns = std::ranges::count(line, ',');
  std::getline(lines, line);
  EXPECT_EQ(std::ranges::count(line, ','), columns);
}

}  // namespace
}  // namespace spacemoe::testing
