#include "host/io/point_encoding.hpp"

#include <random>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "kernels/bins.hpp"
#include "tests/io/point_records.hpp"

namespace spacemoe::test {
namespace {

using Json = nlohmann::json;

std::string cbor(Json const& json) {
  std::string bytes;
  Json::to_cbor(json, bytes);
  return bytes;
}

TEST(PointEncoding, ComesBackToTheBit) {
  for (PointRecord const& record : {some_record(0), some_record(~std::uint64_t{0}), failed_record(7)}) {
    auto const back = decoded_point(encoded(record));
    ASSERT_TRUE(back);
    EXPECT_TRUE(same(*back, record)) << record.point;
  }
}

// The sign of a NaN depends on how it came about.
TEST(PointEncoding, KnowsOneNan) {
  PointRecord record = some_record(1);
  std::string const bytes = encoded(record);
  record.strategies[1].mean_ms = -record.strategies[1].mean_ms;
  EXPECT_EQ(encoded(record), bytes);
}

TEST(PointEncoding, RefusesWhatIsCutOffOrGoesOn) {
  std::string const bytes = encoded(some_record(3));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decoded_point(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(decoded_point(bytes + '\0'));
}

TEST(PointEncoding, SurvivesDamage) {
  PointRecord record = some_record(3);  // without NaN, which has many forms
  record.strategies[0].layer_mean_ms.pop_back();
  record.strategies[1].mean_ms = 1;
  std::string const bytes = encoded(record);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      auto const found = decoded_point(damaged);
      EXPECT_FALSE(found && same(*found, record)) << at << ' ' << bit;
    }
  }
  std::mt19937 random(5);
  for (int trial = 0; trial < 20'000; ++trial) {
    std::string noise(random() % 40, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    EXPECT_FALSE(decoded_point(noise));
  }
}

TEST(PointEncoding, RefusesNestingThatWouldOverflowTheStack) {
  EXPECT_FALSE(decoded_point(std::string(10'000'000, '\x81')));
  std::string maps;
  for (int i = 0; i < 1'000'000; ++i) maps += "\xa1\x61x";
  EXPECT_FALSE(decoded_point(maps));
}

TEST(PointEncoding, RefusesValuesOfAnotherKind) {
  Json const whole = Json::from_cbor(encoded(some_record(3)));
  ASSERT_TRUE(decoded_point(cbor(whole)));
  std::vector<Json> const others{
      Json(), true, -1, "x", Json::array(), Json::object(), 1e300, 17u, Json::array({"x"})};
  auto const is_kin = [](Json const& a, Json const& b) {
    return a.type() == b.type() && (!a.is_array() || b.empty());
  };
  for (auto const& [key, value] : whole.items()) {
    Json without = whole;
    without.erase(key);
    EXPECT_FALSE(decoded_point(cbor(without))) << key;
    for (Json const& other : others) {
      Json changed = whole;
      changed[key] = other;
      EXPECT_EQ(decoded_point(cbor(changed)).has_value(), is_kin(value, other)) << key << other;
    }
  }
  for (auto const& [key, value] : whole["strategies"][0].items()) {
    Json without = whole;
    without["strategies"][0].erase(key);
    EXPECT_FALSE(decoded_point(cbor(without))) << key;
    for (Json const& other : others) {
      Json changed = whole;
      changed["strategies"][0][key] = other;
      bool const fits = key == "placement_spread_ms"
                            ? other.is_null() || other.is_number_float()
                            : key != "strategy" && key != "quantiles_ms" && is_kin(value, other);
      EXPECT_EQ(decoded_point(cbor(changed)).has_value(), fits) << key << other;
    }
  }
}

TEST(PointEncoding, RefusesBinsThatDoNotExist) {
  PointRecord record = some_record(3);
  auto const last = static_cast<std::uint32_t>(bin_count - record.strategies[0].histogram.size());
  record.strategies[0].first_bin = last;
  EXPECT_TRUE(decoded_point(encoded(record)));
  record.strategies[0].first_bin = last + 1;
  EXPECT_FALSE(decoded_point(encoded(record)));
  record.strategies[0].first_bin = ~0u;
  EXPECT_FALSE(decoded_point(encoded(record)));
}

}  // namespace
}  // namespace spacemoe::test
