#include "host/io/search_checkpoint.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "host/errors.hpp"
#include "host/io/output_file.hpp"

namespace spacemoe {
namespace {

using Json = nlohmann::json;

constexpr char const* format = "spacemoe search 2";
constexpr char const* remedy = "delete it to begin afresh, or write the result elsewhere";

Json json_of(Placement const& placement) {
  std::vector<std::uint32_t> gateway;
  std::vector<std::uint32_t> host;
  for (SatelliteId const id : placement.gateway) gateway.push_back(static_cast<std::uint32_t>(id));
  for (SatelliteId const id : placement.host) host.push_back(static_cast<std::uint32_t>(id));
  return {{"layers", placement.layers}, {"experts", placement.experts}, {"gateway", gateway}, {"host", host}};
}

Placement placement_of(Json const& json) {
  Placement placement{json.at("layers"), json.at("experts"), {}, {}};
  for (std::uint32_t const id : json.at("gateway")) placement.gateway.push_back(satellite(id));
  for (std::uint32_t const id : json.at("host")) placement.host.push_back(satellite(id));
  return placement;
}

/// JSON has no infinity: the objective where nothing is delivered is written as null.
double objective_of(Json const& json) {
  return json.is_null() ? std::numeric_limits<double>::infinity() : json.get<double>();
}

Json json_of(SearchState const& state) {
  Json chains = Json::array();
  for (auto const& chain : state.chains) {
    chains.push_back({{"current", json_of(chain.current)}, {"best", json_of(chain.best)}});
  }
  Json trace = Json::array();
  for (TracePoint const& point : state.trace) {
    trace.push_back({static_cast<int>(point.stage), point.counts.tried, point.counts.accepted,
                     point.elapsed_s, point.value_ms});
  }
  return {{"stage", static_cast<int>(state.stage)},
          {"rounds", state.rounds},
          {"chains", chains},
          {"descended", state.descended},
          {"descending", json_of(state.descending)},
          {"descent_moves", state.descent_moves},
          {"best", json_of(state.best)},
          {"best_ns", state.best_ns},
          {"local_optimum", state.local_optimum},
          {"tried", state.counts.tried},
          {"accepted", state.counts.accepted},
          {"trace", trace},
          {"elapsed_s", state.elapsed_s}};
}

SearchState state_of(Json const& json) {
  SearchState state;
  state.stage = static_cast<SearchStage>(json.at("stage").get<int>());
  state.rounds = json.at("rounds");
  for (Json const& chain : json.at("chains")) {
    state.chains.push_back({placement_of(chain.at("current")), placement_of(chain.at("best"))});
  }
  state.descended = json.at("descended");
  state.descending = placement_of(json.at("descending"));
  state.descent_moves = json.at("descent_moves");
  state.best = placement_of(json.at("best"));
  state.best_ns = objective_of(json.at("best_ns"));
  state.local_optimum = json.at("local_optimum");
  state.counts.tried = json.at("tried");
  state.counts.accepted = json.at("accepted");
  for (Json const& point : json.at("trace")) {
    state.trace.push_back({static_cast<SearchStage>(point.at(0).get<int>()),
                           {point.at(1), point.at(2)},
                           point.at(3),
                           objective_of(point.at(4))});
  }
  state.elapsed_s = json.at("elapsed_s");
  return state;
}

/// The first line in which two texts differ, as "a here, b there".
std::string first_difference(std::string const& there, std::string const& here) {
  std::istringstream a(there);
  std::istringstream b(here);
  std::string line_a;
  std::string line_b;
  for (bool more = true; more && line_a == line_b;) {
    bool const more_a = static_cast<bool>(std::getline(a, line_a));
    bool const more_b = static_cast<bool>(std::getline(b, line_b));
    more = more_a || more_b;
  }
  return "'" + line_a + "' there, '" + line_b + "' here";
}

}  // namespace

void write_checkpoint(std::filesystem::path const& file, std::string const& resolved_scenario, bool timed,
                      SearchState const& state) {
  Json const json{
      {"format", format}, {"scenario", resolved_scenario}, {"timed", timed}, {"state", json_of(state)}};
  std::string const text = json.dump();
  write_output(file, std::as_bytes(std::span(text)));
}

std::optional<SearchState> read_checkpoint(std::filesystem::path const& file,
                                           std::string const& resolved_scenario, bool timed) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  std::string const text(std::istreambuf_iterator<char>(stream), {});
  try {
    Json const json = Json::parse(text);
    if (json.at("format") != format)
      throw ScenarioError({file.string(), "is no checkpoint of a search", remedy});
    if (json.at("timed") != timed) {
      throw ScenarioError({file.string(),
                           std::string("belongs to a search that ends ") + (timed ? "by moves" : "by time"),
                           remedy});
    }
    std::string const scenario = json.at("scenario");
    if (scenario != resolved_scenario) {
      throw ScenarioError({file.string(),
                           "belongs to another search: " + first_difference(scenario, resolved_scenario),
                           remedy});
    }
    return state_of(json.at("state"));
  } catch (Json::exception const&) {
    throw ScenarioError({file.string(), "is damaged: it cannot be read as a checkpoint", remedy});
  }
}

}  // namespace spacemoe
