#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "host/io/number_text.hpp"
#include "host/io/scenario_names.hpp"
#include "host/io/scenario_sections.hpp"
#include "host/io/text_files.hpp"
#include "kernels/latency.hpp"

namespace spacemoe {
namespace {

constexpr std::uint32_t largest_size = 0xffffffff;
constexpr Range positive{0, 1e30, true};
constexpr Range weight_range{0, 1e100};
constexpr Range ms_range{0, 1e9};
constexpr std::size_t layers_complained_of = 10;

enum class WeightSource { uniform, zipf, log_normal, inline_values, file };
constexpr std::array weight_source_names{Named<WeightSource>{"uniform", WeightSource::uniform},
                                         Named<WeightSource>{"zipf", WeightSource::zipf},
                                         Named<WeightSource>{"log-normal", WeightSource::log_normal},
                                         Named<WeightSource>{"inline", WeightSource::inline_values},
                                         Named<WeightSource>{"file", WeightSource::file}};

/// Fills in the keys of the file that [model] names; keys of the scenario win. False where there is no such
/// file.
bool merge_model_file(TableReader& section, TomlValue& model) {
  auto const included = included_file(section, "file");
  if (!included) return false;
  auto& keys = *model.as<TomlTable>();
  for (TomlEntry const& entry : included->as<TomlTable>()->entries) {
    if (entry.key == "file") {
      section.complaints().push_back(
          {entry.value.position() + " file", "a model file includes no other", "leave it out"});
    } else if (keys.find(entry.key) == nullptr) {
      keys.entries.push_back(entry);
    }
  }
  return true;
}

void require_counts(TableReader& table) {
  for (std::string_view const key : {"moe_layers", "experts", "top_k", "hidden_size", "expert_size"}) {
    table.require(key, "give it in [model] or in the file that model.file names");
  }
}

void read_counts(TableReader& table, MoeModel& model) {
  model.moe_layers = table.count("moe_layers", 1, 65535).value_or(0);
  model.layers = table.count("layers", 1, 65535).value_or(model.moe_layers);
  model.experts = table.count("experts", 1, 65535).value_or(0);
  model.top_k = table.count("top_k", 1, max_top_k).value_or(0);
  model.shared_experts = table.count("shared_experts", 0, 65535).value_or(0);
  model.hidden_size = table.count("hidden_size", 1, largest_size).value_or(0);
  model.expert_size = table.count("expert_size", 1, largest_size).value_or(0);
  model.vocabulary = table.count("vocabulary", 0, largest_size).value_or(0);
  model.context = table.count("context", 0, largest_size).value_or(0);
}

void check_counts(TableReader& table, MoeModel const& model) {
  if (model.layers > 0 && model.layers < model.moe_layers) {
    table.complain("moe_layers",
                   std::to_string(model.moe_layers) + " MoE layers in a model of " +
                       std::to_string(model.layers) + " layers",
                   "give at most " + std::to_string(model.layers));
  }
  if (model.experts > 0 && model.top_k > model.experts) {
    table.complain("top_k",
                   "K = " + std::to_string(model.top_k) +
                       " experts cannot be drawn from E = " + std::to_string(model.experts),
                   "give an integer from 1 to " + std::to_string(std::min(model.experts, max_top_k)));
  }
  if (std::uint64_t{model.moe_layers} * model.experts > largest_count) {
    table.complain("experts", "more than " + std::to_string(largest_count) + " experts in all layers",
                   "use fewer layers or experts");
  }
}

/// One weight per expert, or nothing where the source is wrong; generators draw from `seed`.
class WeightReader {
 public:
  /// Without a sound model values are checked, but not their shape, and none are made.
  WeightReader(TableReader& section, bool model_ready, MoeModel const& model)
      : section_(section), model_ready_(model_ready), model_(model) {}

  std::optional<ActivationWeights> read(WeightSource source) {
    refuse_keys_of_others(source);
    switch (source) {
      case WeightSource::uniform:
        if (!model_ready_) return std::nullopt;
        return uniform_weights(model_.moe_layers, model_.experts);
      case WeightSource::zipf:
        return zipf();
      case WeightSource::log_normal:
        return log_normal();
      case WeightSource::inline_values:
        return inline_values();
      case WeightSource::file:
        return file();
    }
    return std::nullopt;
  }

 private:
  void refuse_keys_of_others(WeightSource source) {
    struct Owner {
      std::string_view key;
      WeightSource source;
    };
    constexpr std::array owners{
        Owner{"exponent", WeightSource::zipf}, Owner{"sigma", WeightSource::log_normal},
        Owner{"values", WeightSource::inline_values}, Owner{"file", WeightSource::file}};
    std::string const why = "weights are \"" + std::string(name_of(weight_source_names, source)) + "\"";
    for (Owner const& owner : owners) {
      if (owner.source == source) continue;
      section_.refuse(owner.key, why,
                      "leave it out, or set weights = \"" +
                          std::string(name_of(weight_source_names, owner.source)) + "\"");
    }
    bool const drawn = source == WeightSource::zipf || source == WeightSource::log_normal;
    if (!drawn) section_.refuse("seed", why + ", which draws nothing");
  }

  Seed seed() { return {section_.integer("seed", 0, INT64_MAX).value_or(1)}; }

  std::optional<ActivationWeights> zipf() {
    section_.require("exponent", "weights = \"zipf\" gives rank r the weight r^-exponent");
    auto const exponent = section_.real("exponent", {0, 100});
    Seed const drawn_from = seed();
    if (!exponent || !model_ready_) return std::nullopt;
    return zipf_weights(model_.moe_layers, model_.experts, *exponent, drawn_from);
  }

  std::optional<ActivationWeights> log_normal() {
    section_.require("sigma", "weights = \"log-normal\" draws log w with this standard deviation");
    auto const sigma = section_.real("sigma", {0, 20});
    Seed const drawn_from = seed();
    if (!sigma || !model_ready_) return std::nullopt;
    return log_normal_weights(model_.moe_layers, model_.experts, *sigma, drawn_from);
  }

  std::optional<ActivationWeights> inline_values() {
    section_.require("values", "weights = \"inline\" needs [layer][expert], or one row for all layers");
    auto const values = section_.numbers("values", weight_range);
    if (!values) return std::nullopt;
    return shaped(*values, "values");
  }

  std::optional<ActivationWeights> file() {
    section_.require("file", "weights = \"file\" needs a .csv or .json");
    auto const path = section_.path("file");
    if (!path) return std::nullopt;
    std::string const where = section_.where("file");
    if (path->extension() == ".json") {
      auto const values = read_json_weights(*path, where, weight_range, section_.complaints());
      if (!values) return std::nullopt;
      return shaped(*values, "file");
    }
    if (path->extension() != ".csv") {
      section_.complain("file", "weights are read from .csv and .json, not from " + path->string());
      return std::nullopt;
    }
    auto const table = read_csv(*path, where, weight_range, section_.complaints());
    if (!table) return std::nullopt;
    return shaped({2, table->rows, table->columns, table->value}, "file");
  }

  std::optional<ActivationWeights> shaped(NumberArray const& values, std::string_view key) {
    if (!model_ready_) return std::nullopt;
    bool const one_row = values.rows == 1 && values.depth > 0;
    bool const fits = values.columns == model_.experts && (one_row || values.rows == model_.moe_layers);
    if (!fits || values.depth == 0) {
      section_.complain(key,
                        "has " + values.shape() + " where the model has " +
                            std::to_string(model_.moe_layers) + " MoE layers of " +
                            std::to_string(model_.experts) + " experts",
                        "give " + std::to_string(model_.moe_layers) + " rows of " +
                            std::to_string(model_.experts) + " numbers, or one row for all layers");
      return std::nullopt;
    }
    ActivationWeights weights{model_.moe_layers, model_.experts, values.value};
    for (std::uint32_t l = 1; one_row && l < model_.moe_layers; ++l) {
      weights.weight.insert(weights.weight.end(), values.value.begin(), values.value.end());
    }
    return weights;
  }

  TableReader& section_;
  bool model_ready_;
  MoeModel const& model_;
};

/// Every layer must have K experts that can be drawn.
void check_positive_weights(TableReader& section, std::string_view key, ActivationWeights const& weights,
                            std::uint32_t top_k) {
  std::size_t complained = 0;
  for (std::uint32_t l = 0; l < weights.layers && complained < layers_complained_of; ++l) {
    double const* layer = weights.layer(l);
    auto const positive_weights =
        std::count_if(layer, layer + weights.experts, [](double weight) { return weight > 0; });
    if (positive_weights >= static_cast<std::ptrdiff_t>(top_k)) continue;
    ++complained;
    section.complain(key,
                     "layer " + std::to_string(l) + " has " + std::to_string(positive_weights) +
                         " positive weights, fewer than K = " + std::to_string(top_k),
                     "give at least " + std::to_string(top_k) + " experts of every layer a positive weight");
  }
}

std::string_view weight_key(WeightSource source) {
  switch (source) {
    case WeightSource::zipf:
      return "exponent";
    case WeightSource::log_normal:
      return "sigma";
    case WeightSource::inline_values:
      return "values";
    case WeightSource::file:
      return "file";
    case WeightSource::uniform:
      break;
  }
  return "weights";
}

/// Given times: one for all, [layer], or [layer][expert] when `experts` is not 0.
std::vector<double> read_times(TableReader& section, std::string_view key, MoeModel const& model,
                               std::uint32_t experts) {
  auto const times = section.numbers(key, ms_range);
  if (!times) return {};
  bool const fits =
      times->depth == 0 || (times->depth == 1 && times->columns == model.moe_layers) ||
      (times->depth == 2 && experts > 0 && times->rows == model.moe_layers && times->columns == experts);
  if (fits) return times->value;
  std::string const layers = std::to_string(model.moe_layers);
  section.complain(
      key, "has " + times->shape(),
      "give one number, " + layers + " numbers (one per MoE layer)" +
          (experts > 0 ? " or " + layers + " rows of " + std::to_string(experts) + " numbers" : ""));
  return {};
}

/// Where the rate of a satellite is given, for complaints.
using RateName = std::function<std::string(std::size_t satellite)>;

/// Rates of a CSV file; satellites that it does not list have the common rate.
RateName read_rate_file(TableReader& section, Scenario& scenario) {
  auto const file = section.path("satellite_rates");
  if (!file) return {};
  std::uint32_t const count = satellites(scenario);
  std::array const columns{CsvColumn{"satellite", {0, count - 1.0}, true},
                           CsvColumn{"rate_flop_s", positive}};
  auto const table = read_csv(*file, section.where("satellite_rates"), columns, section.complaints());
  if (!table) return {};
  ComputeSpec& compute = scenario.compute;
  std::vector<double> rates(count, compute.rate_flop_s);
  std::vector<std::size_t> line(count);  // 0: not listed
  for (std::size_t row = 0; row < table->rows; ++row) {
    auto const id = static_cast<std::size_t>(table->at(row, 0));
    std::size_t const before = std::exchange(line[id], row + 2);
    if (before != 0) {
      section.complaints().push_back(
          {file->string() + ":" + std::to_string(row + 2),
           "satellite " + std::to_string(id) + " is listed twice, first in line " + std::to_string(before),
           "remove one"});
    }
    rates[id] = table->at(row, 1);
  }
  auto const missing = std::ranges::find(rates, 0.0);
  if (missing != rates.end()) {
    section.complain(
        "satellite_rates",
        file->string() + " gives no rate for satellite " + std::to_string(missing - rates.begin()),
        "list all " + std::to_string(count) + " satellites, or give rate_flop_s for the rest");
  }
  compute.satellite_rate_flop_s = std::move(rates);
  compute.rate_flop_s = 0;
  return [file = file->string(), line = std::move(line), common = section.where("rate_flop_s")](
             std::size_t id) { return line[id] == 0 ? common : file + ":" + std::to_string(line[id]); };
}

RateName read_inline_rates(TableReader& section, Scenario& scenario) {
  section.refuse("rate_flop_s", "satellite_rate_flop_s gives every satellite's");
  auto const rates = section.numbers("satellite_rate_flop_s", positive);
  if (!rates) return {};
  if (rates->depth != 1 || rates->columns != satellites(scenario)) {
    section.complain("satellite_rate_flop_s", "has " + rates->shape(),
                     "give " + std::to_string(satellites(scenario)) + " numbers, one per satellite");
    return {};
  }
  scenario.compute.satellite_rate_flop_s = rates->value;
  return [&section](std::size_t id) { return section.where("satellite_rate_flop_s", {id}); };
}

/// Where rates are given; nothing where those of satellites are wrong, or cannot be read for want of a
/// network.
RateName read_rates(TableReader& section, Readiness ready, Scenario& scenario) {
  section.find("satellite_rates");
  section.find("satellite_rate_flop_s");
  if (section.has("satellite_rate_flop_s")) {
    section.refuse("satellite_rates", "satellite_rate_flop_s gives every satellite's");
    section.find("rate_flop_s");
    return ready.network ? read_inline_rates(section, scenario) : RateName{};
  }
  scenario.compute.rate_flop_s = section.real("rate_flop_s", positive).value_or(0);
  if (section.has("satellite_rates")) {
    return ready.network ? read_rate_file(section, scenario) : RateName{};
  }
  return [&section](std::size_t) { return section.where("rate_flop_s"); };
}

/// Which parts of computing are counted and not given in ms, so that FLOPs and rates decide.
struct NeedsRate {
  bool expert;
  bool gateway;
  bool head;

  bool any() const { return expert || gateway || head; }
};

void check_rates(TableReader& section, NeedsRate needs) {
  bool const has_rate =
      section.has("rate_flop_s") || section.has("satellite_rates") || section.has("satellite_rate_flop_s");
  if (needs.any() && !has_rate) {
    std::string what = needs.expert ? "the experts'" : needs.gateway ? "the gateways'" : "the head's";
    std::string const remedy = needs.expert    ? "give rate_flop_s, or expert_ms"
                               : needs.gateway ? "give rate_flop_s or gateway_ms, or set gateway = false"
                                               : "give rate_flop_s or head_ms, or set head = false";
    section.complain("rate_flop_s", "missing: " + what + " compute time needs a rate or a time", remedy);
  }
  if (!needs.any()) {
    for (std::string_view const key : {"rate_flop_s", "satellite_rates", "satellite_rate_flop_s"}) {
      section.refuse(key, "every time is given in ms or not counted");
    }
  }
}

void read_bandwidth(TableReader& section, bool used, Readiness ready, Scenario& scenario) {
  if (!used) {
    TomlValue const* value = section.find("memory_bandwidth_byte_s");
    auto const* word = value == nullptr ? nullptr : value->as<std::string>();
    if (word == nullptr || *word != "off")
      section.refuse("memory_bandwidth_byte_s", "expert_ms gives the times");
    return;
  }
  scenario.compute.memory_bandwidth_byte_s = section.limit("memory_bandwidth_byte_s", positive);
  if (ready.model && scenario.compute.memory_bandwidth_byte_s && scenario.model.expert_bytes == 0) {
    section.complain("memory_bandwidth_byte_s", "needs the size of an expert",
                     "give expert_bytes in [model]");
  }
}

/// The longest that something computes, on whatever satellite, and where that is decided.
struct Longest {
  double ns;
  std::string where;
  std::string on;  ///< names the satellite where they differ
};

/// The time of so many FLOPs at the slowest rate.
Longest longest_by_rate(double flop, RateName const& rate_name, ComputeSpec const& compute) {
  auto const& rates = compute.satellite_rate_flop_s;
  if (rates.empty()) return {1e9 * flop / compute.rate_flop_s, rate_name(0), ""};
  auto const slowest = std::ranges::min_element(rates);
  auto const id = static_cast<std::size_t>(slowest - rates.begin());
  return {1e9 * flop / *slowest, rate_name(id), " on satellite " + std::to_string(id)};
}

Longest longest_expert(TableReader const& section, RateName const& rate_name, Scenario const& scenario) {
  ComputeSpec const& compute = scenario.compute;
  if (!compute.expert_ms.empty()) {
    return {1e6 * *std::ranges::max_element(compute.expert_ms), section.where("expert_ms"), ""};
  }
  Longest const longest = longest_by_rate(expert_flop(scenario.model), rate_name, compute);
  double const read_ns = compute.memory_bandwidth_byte_s
                             ? 1e9 * scenario.model.expert_bytes / *compute.memory_bandwidth_byte_s
                             : 0;
  if (read_ns > longest.ns) return {read_ns, section.where("memory_bandwidth_byte_s"), ""};
  return longest;
}

Longest longest_gateway(TableReader const& section, RateName const& rate_name, Scenario const& scenario) {
  ComputeSpec const& compute = scenario.compute;
  if (!compute.gateway_ms.empty()) {
    return {1e6 * *std::ranges::max_element(compute.gateway_ms), section.where("gateway_ms"), ""};
  }
  if (!compute.gateway_compute) return {};
  return longest_by_rate(gateway_flop(scenario.model), rate_name, compute);
}

/// A layer's latency is below 2^31 ns, whatever is drawn.
void check_fits(TableReader& section, RateName const& rate_name, Scenario const& scenario) {
  Longest const expert = longest_expert(section, rate_name, scenario);
  Longest const gateway = longest_gateway(section, rate_name, scenario);
  // Experts on one satellite run one after another; all that a token draws may meet there.
  double const in_series = scenario.capacity > 1 ? scenario.model.top_k : 1;
  double const layer_ns = gateway.ns + in_series * expert.ns;
  if (layer_ns < unreachable) return;
  Longest const& culprit = gateway.ns > in_series * expert.ns ? gateway : expert;
  section.complaints().push_back(
      {culprit.where,
       "one layer" + culprit.on + " computes for up to " + plain_number(layer_ns / 1e9) + " s (gateway " +
           plain_number(gateway.ns / 1e9) + " s, " + plain_number(in_series) + " x expert " +
           plain_number(expert.ns / 1e9) + " s), past the limit of 2.147 s per layer",
       "use a greater rate or shorter times"});
}

}  // namespace

void read_model(TableReader& root, Readiness& ready, Scenario& scenario) {
  std::size_t const before = root.complaints().size();
  if (!root.require("model", "add [model] with file = \"...\" or the model's own keys")) return;
  TableReader section = root.table("model");
  TomlValue merged = section.value();
  if (merged.as<TomlTable>() == nullptr) return;
  bool const whole = !section.has("file") || merge_model_file(section, merged);
  TableReader table(merged, "model", root.complaints());
  table.find("file");
  if (whole) require_counts(table);
  MoeModel& model = scenario.model;
  model.name = table.label("name").value_or("unnamed");
  read_counts(table, model);
  check_counts(table, model);
  model.expert_bytes = table.real("expert_bytes", {0, 1e18}).value_or(0);
  model.hidden_state_bytes = table.real("hidden_state_bytes", {0, 1e15}).value_or(2.0 * model.hidden_size);
  model.gateway_flop_per_layer = table.real("gateway_flop_per_layer", {0, 1e30});
  table.complain_of_the_rest();
  ready.model = root.complaints().size() == before;
}

std::optional<ActivationWeights> read_weights(TableReader& section, Readiness ready, MoeModel const& model) {
  std::size_t const before = section.complaints().size();
  auto const source = section.choice("weights", weight_source_names).value_or(WeightSource::uniform);
  bool const known = section.complaints().size() == before;
  for (std::string_view const key : {"exponent", "sigma", "values", "file", "seed"}) section.find(key);
  section.complain_of_the_rest();
  if (!known) return std::nullopt;
  auto weights = WeightReader(section, ready.model, model).read(source);
  if (weights) check_positive_weights(section, weight_key(source), *weights, model.top_k);
  return weights;
}

void read_activation(TableReader& root, Readiness ready, Scenario& scenario) {
  TableReader section = root.table("activation");
  scenario.law = section.choice("law", law_names).value_or(RoutingLaw::plackett_luce);
  if (auto weights = read_weights(section, ready, scenario.model)) scenario.weights = std::move(*weights);
}

void read_compute(TableReader& root, Readiness ready, Scenario& scenario) {
  std::size_t const before = root.complaints().size();
  TableReader section = root.table("compute");
  ComputeSpec& compute = scenario.compute;
  compute.gateway_compute = section.boolean("gateway").value_or(true);
  compute.head_compute = section.boolean("head").value_or(true);
  for (std::string_view const key : {"expert_ms", "gateway_ms"}) section.find(key);
  if (ready.model) {
    compute.expert_ms = read_times(section, "expert_ms", scenario.model, scenario.model.experts);
    if (compute.gateway_compute) compute.gateway_ms = read_times(section, "gateway_ms", scenario.model, 0);
  }
  if (!compute.gateway_compute) section.refuse("gateway_ms", "gateway = false counts no time there");
  if (compute.head_compute) {
    compute.head_ms = section.real("head_ms", ms_range);
  } else {
    section.refuse("head_ms", "head = false counts no time there");
  }
  RateName const rate_name = read_rates(section, ready, scenario);
  check_rates(section, {!section.has("expert_ms"), compute.gateway_compute && !section.has("gateway_ms"),
                        compute.head_compute && !section.has("head_ms")});
  read_bandwidth(section, !section.has("expert_ms"), ready, scenario);
  section.complain_of_the_rest();
  if (ready.model && rate_name && root.complaints().size() == before) {
    check_fits(section, rate_name, scenario);
  }
}

}  // namespace spacemoe
