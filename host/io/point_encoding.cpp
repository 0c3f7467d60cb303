#include "host/io/point_encoding.hpp"

#include <limits>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "kernels/bins.hpp"

namespace spacemoe {
namespace {

using Json = nlohmann::json;

/// Watches CBOR go by and stops it where it nests deeper than any record, since parsers recurse.
class NestingCheck : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, string_t const&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return descend(); }
  bool key(string_t&) override { return true; }
  bool end_object() override { return ascend(); }
  bool start_array(std::size_t) override { return descend(); }
  bool end_array() override { return ascend(); }
  bool parse_error(std::size_t, std::string const&, nlohmann::detail::exception const&) override {
    return false;
  }

 private:
  static constexpr unsigned deepest = 4;  // record, strategies, strategy, histogram

  bool descend() { return ++depth_ <= deepest; }
  bool ascend() {
    --depth_;
    return true;
  }

  unsigned depth_ = 0;
};

/// A value that is not of the kind that a record has in its place.
class Unexpected : public std::runtime_error {
 public:
  Unexpected() : std::runtime_error("no record of a point") {}
};

// Json converts between kinds of numbers, and a double that is too large for an integer has no meaning.
std::uint64_t unsigned_of(Json const& json) {
  if (!json.is_number_unsigned()) throw Unexpected();
  return json.get<std::uint64_t>();
}

double double_of(Json const& json) {
  if (!json.is_number_float()) throw Unexpected();
  return json.get<double>();
}

Json const& list_of(Json const& json) {
  if (!json.is_array()) throw Unexpected();
  return json;
}

Json json_of(std::array<Quantile, quantile_levels.size()> const& quantiles) {
  Json json = Json::array();
  for (Quantile const& quantile : quantiles) {
    for (double const value :
         {quantile.lower_ms, quantile.upper_ms, quantile.confidence_low_ms, quantile.confidence_high_ms}) {
      json.push_back(value);
    }
  }
  return json;
}

std::array<Quantile, quantile_levels.size()> quantiles_of(Json const& json) {
  std::array<Quantile, quantile_levels.size()> quantiles;
  if (json.size() != 4 * quantiles.size()) throw Unexpected();
  for (std::size_t q = 0; q < quantiles.size(); ++q) {
    quantiles[q] = {double_of(json.at(4 * q)), double_of(json.at(4 * q + 1)), double_of(json.at(4 * q + 2)),
                    double_of(json.at(4 * q + 3))};
  }
  return quantiles;
}

Json json_of(StrategyRecord const& record) {
  return {{"strategy", name(record.strategy)},
          {"tokens", record.tokens},
          {"delivered", record.delivered},
          {"mean_ms", record.mean_ms},
          {"standard_deviation_ms", record.standard_deviation_ms},
          {"standard_error_ms", record.standard_error_ms},
          {"placement_spread_ms", record.placement_spread_ms ? Json(*record.placement_spread_ms) : Json()},
          {"undeliverable", record.undeliverable},
          {"ratio_to_best", record.ratio_to_best},
          {"quantiles_ms", json_of(record.quantiles)},
          {"layer_mean_ms", record.layer_mean_ms},
          {"first_bin", record.first_bin},
          {"histogram", record.histogram}};
}

Strategy strategy_of(Json const& json) {
  auto const strategy = strategy_named(json.get<std::string>());
  if (!strategy) throw Unexpected();
  return *strategy;
}

StrategyRecord strategy_record_of(Json const& json) {
  StrategyRecord record;
  record.strategy = strategy_of(json.at("strategy"));
  record.tokens = unsigned_of(json.at("tokens"));
  record.delivered = unsigned_of(json.at("delivered"));
  record.mean_ms = double_of(json.at("mean_ms"));
  record.standard_deviation_ms = double_of(json.at("standard_deviation_ms"));
  record.standard_error_ms = double_of(json.at("standard_error_ms"));
  Json const& spread = json.at("placement_spread_ms");
  if (!spread.is_null()) record.placement_spread_ms = double_of(spread);
  record.undeliverable = double_of(json.at("undeliverable"));
  record.ratio_to_best = double_of(json.at("ratio_to_best"));
  record.quantiles = quantiles_of(json.at("quantiles_ms"));
  for (Json const& mean : list_of(json.at("layer_mean_ms"))) record.layer_mean_ms.push_back(double_of(mean));
  for (Json const& count : list_of(json.at("histogram"))) record.histogram.push_back(unsigned_of(count));
  std::uint64_t const first_bin = unsigned_of(json.at("first_bin"));
  if (first_bin > bin_count || record.histogram.size() > bin_count - first_bin) throw Unexpected();
  record.first_bin = static_cast<std::uint32_t>(first_bin);
  return record;
}

PointRecord record_of(Json const& json) {
  PointRecord record{unsigned_of(json.at("point")), json.at("failure"), {}, double_of(json.at("elapsed_s"))};
  for (Json const& strategy : list_of(json.at("strategies"))) {
    record.strategies.push_back(strategy_record_of(strategy));
  }
  return record;
}

}  // namespace

std::string encoded(PointRecord const& record) {
  Json strategies = Json::array();
  for (StrategyRecord const& strategy : record.strategies) strategies.push_back(json_of(strategy));
  std::string bytes;
  Json::to_cbor({{"point", record.point},
                 {"failure", record.failure},
                 {"strategies", std::move(strategies)},
                 {"elapsed_s", record.elapsed_s}},
                bytes);
  return bytes;
}

std::optional<PointRecord> decoded_point(std::string_view bytes) {
  NestingCheck check;
  if (!Json::sax_parse(bytes.begin(), bytes.end(), &check, Json::input_format_t::cbor)) return std::nullopt;
  try {
    return record_of(Json::from_cbor(bytes.begin(), bytes.end()));
  } catch (Json::exception const&) {
    return std::nullopt;
  } catch (Unexpected const&) {
    return std::nullopt;
  }
}

}  // namespace spacemoe
