#include "host/io/sweep_axis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "host/io/number_text.hpp"
#include "kernels/draw.hpp"

namespace spacemoe {
namespace {

constexpr std::uint32_t most_positions = 1'000'000;
constexpr Range any_number{-1e300, 1e300};

enum class Spacing { linear, log };
constexpr std::array spacing_names{Named<Spacing>{"linear", Spacing::linear},
                                   Named<Spacing>{"log", Spacing::log}};

enum class Design { latin_hypercube, independent };
constexpr std::array design_names{Named<Design>{"latin-hypercube", Design::latin_hypercube},
                                  Named<Design>{"independent", Design::independent}};

/// Units by the end of a key's name, as UDUNITS writes them where it knows them.
std::string units_of(std::string const& key) {
  constexpr std::array<std::pair<std::string_view, char const*>, 10> endings{{{"_rad_s", "rad s-1"},
                                                                              {"_bit_s", "bit s-1"},
                                                                              {"_flop_s", "flop s-1"},
                                                                              {"_bytes", "byte"},
                                                                              {"_deg", "degree"},
                                                                              {"_km", "km"},
                                                                              {"_ms", "ms"},
                                                                              {"_us", "us"},
                                                                              {"_ns", "ns"},
                                                                              {"_s", "s"}}};
  for (auto const& [ending, units] : endings) {
    if (key.ends_with(ending)) return units;
  }
  return "1";
}

std::optional<double> number_of(TomlValue const& value) {
  if (auto const* integer = value.as<std::int64_t>()) return static_cast<double>(*integer);
  if (auto const* real = value.as<double>()) return *real;
  return std::nullopt;
}

/// Files by their names alone; everything else as TOML writes it.
std::string label_of(TomlValue const& value) {
  auto const* text = value.as<std::string>();
  if (text == nullptr) return inline_text(value);
  std::filesystem::path const path(*text);
  constexpr std::array endings{".toml", ".csv", ".json", ".h5"};
  return std::ranges::find(endings, path.extension()) != endings.end() ? path.stem().string() : *text;
}

Coordinate coordinate_of(std::string name, SweptKey const& key) {
  Coordinate coordinate{std::move(name), units_of(key.key.name()), {}, {}};
  for (TomlValue const& value : key.values) {
    if (auto const number = number_of(value)) coordinate.numbers.push_back(*number);
  }
  if (coordinate.numbers.size() == key.values.size()) return coordinate;
  coordinate.numbers.clear();
  coordinate.units = "1";
  for (TomlValue const& value : key.values) coordinate.labels.push_back(label_of(value));
  return coordinate;
}

std::optional<KeyPath> key_path(TableReader& table, std::string_view key) {
  auto const text = table.text(key);
  if (!text) return std::nullopt;
  auto path = parse_key_path(*text);
  if (!path) {
    table.complain(key, quoted_excerpt(*text) + " is no key", "write for example \"shell[0].planes\"");
  }
  return path;
}

/// Numbers from one to another, each at a share of the way, and whether they are to be whole.
class Interval {
 public:
  /// Nothing where it complains.
  static std::optional<Interval> read(TableReader& table) {
    bool const both = table.require("from", "give from and to") && table.require("to", "give from and to");
    auto const from = table.real("from", any_number);
    auto const to = table.real("to", any_number);
    auto const spacing = table.choice("spacing", spacing_names).value_or(Spacing::linear);
    bool const whole = table.boolean("integer").value_or(false);
    if (!both || !from || !to) return std::nullopt;
    if (spacing == Spacing::log && (*from <= 0 || *to <= 0)) {
      table.complain("spacing", "\"log\" needs numbers above 0", "raise from and to, or use \"linear\"");
      return std::nullopt;
    }
    return Interval(*from, *to, spacing, whole, *table.find("from"));
  }

  double from() const { return from_; }
  double to() const { return to_; }

  /// What lies at a share from 0 to 1, both ends exact.
  TomlValue at(double share) const {
    double number = from_ + share * (to_ - from_);
    if (spacing_ == Spacing::log) number = from_ * std::pow(to_ / from_, share);
    if (share == 0) number = from_;
    if (share == 1) number = to_;
    return value(number);
  }

  /// A number as the key takes it: an integer where all are to be, or where it is whole and so are the ends.
  TomlValue value(double number) const {
    bool const counts = whole_ || (ends_are_integers_ && number == std::floor(number));
    if (counts) return {static_cast<std::int64_t>(std::llround(number)), where_.file, where_.line};
    return {number, where_.file, where_.line};
  }

 private:
  Interval(double from, double to, Spacing spacing, bool whole, TomlValue where)
      : from_(from), to_(to), spacing_(spacing), whole_(whole), where_(std::move(where)) {
    constexpr double largest = 9e15;
    auto const integer = [](double number) {
      return number == std::floor(number) && std::abs(number) < largest;
    };
    ends_are_integers_ = integer(from) && integer(to) && where_.as<std::int64_t>() != nullptr;
  }

  double from_;
  double to_;
  Spacing spacing_;
  bool whole_;
  bool ends_are_integers_;
  TomlValue where_;
};

std::vector<TomlValue> read_range(TableReader& table) {
  auto const interval = Interval::read(table);
  auto const step = table.real("step", {0, 1e300, true});
  auto const count = table.count("count", 1, most_positions);
  if (table.has("step") == table.has("count")) {
    table.complain(table.has("step") ? "step" : "from",
                   table.has("step") ? "conflicts with count" : "has neither step nor count",
                   "give one of the two");
    return {};
  }
  if (!interval || (!step && !count)) return {};
  std::vector<TomlValue> values;
  if (count) {
    for (std::uint32_t i = 0; i < *count; ++i)
      values.push_back(interval->at(*count == 1 ? 0 : i / (*count - 1.0)));
    return values;
  }
  table.refuse("spacing", "it belongs to count");
  constexpr double rounding = 1e-9;  // of a step, so that 0.1, 0.2, ... reaches its end
  double const steps = std::floor((interval->to() - interval->from()) / *step + rounding);
  if (steps < 0 || steps >= most_positions) {
    table.complain("step", "gives " + std::string(steps < 0 ? "no values" : "more than 1000000 values"),
                   steps < 0 ? "give a to that is not below from" : "give a larger step");
    return {};
  }
  for (double i = 0; i <= steps; ++i) values.push_back(interval->value(interval->from() + i * *step));
  return values;
}

std::vector<TomlValue> read_list(TableReader& table) {
  TomlValue const* given = table.find("values");
  auto const* list = given->as<TomlArray>();
  if (list == nullptr || list->empty()) {
    table.complain("values", list == nullptr ? "must be a list, not " + given->description() : "is empty",
                   "give at least one value in brackets");
    return {};
  }
  for (std::string_view const key : {"from", "to", "step", "count", "spacing", "integer"}) {
    table.refuse(key, "values lists what there is");
  }
  return *list;
}

std::vector<TomlValue> read_values(TableReader& table) {
  return table.find("values") != nullptr ? read_list(table) : read_range(table);
}

std::vector<SweptKey> read_single(TableReader& table) {
  auto const path = key_path(table, "key");
  std::vector<TomlValue> values = read_values(table);
  if (!path || values.empty()) return {};
  return {{*path, std::move(values)}};
}

std::vector<SweptKey> read_zip(TableReader& table) {
  TableReader zip = table.table("zip");
  auto const* given = zip.value().as<TomlTable>();
  if (given == nullptr) return {};
  std::vector<SweptKey> keys;
  for (TomlLeaf const& leaf : leaves(*given)) {
    std::string const where = leaf.value->position() + " zip." + leaf.path;
    auto path = parse_key_path(leaf.path);
    auto const* list = leaf.value->as<TomlArray>();
    if (!path || list == nullptr || list->empty()) {
      table.complaints().push_back({where, path ? "must be a list of values" : "is no key",
                                    "write for example \"shell[0].planes\" = [17, 33]"});
      return {};
    }
    if (!keys.empty() && keys.front().values.size() != list->size()) {
      table.complaints().push_back({where,
                                    "has " + std::to_string(list->size()) + " values where " +
                                        keys.front().key.text + " has " +
                                        std::to_string(keys.front().values.size()),
                                    "give every key of zip the same number of values"});
      return {};
    }
    keys.push_back({std::move(*path), *list});
  }
  if (keys.empty()) table.complain("zip", "names no key", "write for example \"shell[0].planes\" = [17, 33]");
  return keys;
}

/// Numbers in [0, 1) of one key of a random design: independent, or one in each of as many equal parts.
std::vector<double> shares(Seed seed, std::uint32_t dimension, std::uint32_t points, Design design) {
  constexpr double unit = 1.0 / 4294967296.0;
  std::vector<std::uint32_t> part(points);
  std::iota(part.begin(), part.end(), 0u);
  std::vector<double> all;
  for (std::uint32_t i = points; i-- > 0;) {
    Words4 const words = draw(seed, Purpose::sweep_design, i, dimension, 0);
    std::swap(part[i], part[bounded(words.word[0], words.word[1], std::uint64_t{i} + 1)]);
    double const within = (words.word[2] + 0.5) * unit;
    all.push_back(design == Design::independent ? within : (part[i] + within) / points);
  }
  return all;
}

std::vector<SweptKey> read_random(TableReader& table) {
  auto const points = table.count("points", 1, most_positions);
  Seed const seed{table.integer("seed", 0, INT64_MAX).value_or(1)};
  auto const design = table.choice("method", design_names).value_or(Design::latin_hypercube);
  table.require("points", "say how many points to draw");
  std::vector<SweptKey> keys;
  for (TableReader& random : table.tables("random")) {
    auto path = random.require("key", "name what is drawn") ? key_path(random, "key") : std::nullopt;
    bool const listed = random.find("values") != nullptr;
    std::vector<TomlValue> const list = listed ? read_list(random) : std::vector<TomlValue>{};
    auto const interval = listed ? std::nullopt : Interval::read(random);
    random.complain_of_the_rest();
    if (!path || !points || (!interval && list.empty())) continue;
    SweptKey key{std::move(*path), {}};
    for (double const share : shares(seed, static_cast<std::uint32_t>(keys.size()), *points, design)) {
      key.values.push_back(interval
                               ? interval->at(share)
                               : list[static_cast<std::size_t>(share * static_cast<double>(list.size()))]);
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<SweptKey> read_keys(TableReader& table) {
  std::vector<std::string_view> kinds;
  for (std::string_view const kind : {"key", "zip", "random"}) {
    if (table.find(kind) != nullptr) kinds.push_back(kind);
  }
  if (kinds.size() != 1) {
    table.complain(kinds.empty() ? "key" : kinds[1],
                   kinds.empty() ? "missing" : "conflicts with " + std::string(kinds[0]),
                   "give key, zip or [[axis.random]]");
    return {};
  }
  if (kinds[0] == "key") return read_single(table);
  return kinds[0] == "zip" ? read_zip(table) : read_random(table);
}

/// `planes`, or the whole path where another key ends in the same name, or where the name alone says little.
std::string coordinate_name(SweptKey const& key, std::vector<SweptKey> const& keys) {
  auto const same = [&](SweptKey const& other) { return other.key.name() == key.key.name(); };
  if (std::ranges::count_if(keys, same) == 1 && key.key.name() != "file") return key.key.name();
  std::string name;
  for (char const c : key.key.text) {
    if (c != '[' && c != ']') name += c == '.' ? '_' : c;
  }
  return name;
}

Coordinate numbered(std::string name, std::size_t size) {
  Coordinate coordinate{std::move(name), "1", {}, {}};
  for (std::size_t i = 0; i < size; ++i) coordinate.numbers.push_back(static_cast<double>(i));
  return coordinate;
}

void refuse_repeats(TableReader& table, Coordinate const& coordinate) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < coordinate.size(); ++i) {
    if (seen.insert(coordinate.text(i)).second) continue;
    table.complaints().push_back({table.where(),
                                  "two of its positions are called " + quoted_excerpt(coordinate.text(i)),
                                  "drop one, or tell them apart with labels"});
    return;
  }
}

}  // namespace

std::optional<DeclaredAxis> read_axis(TableReader& table) {
  std::size_t const before = table.complaints().size();
  std::vector<SweptKey> keys = read_keys(table);
  auto const name = table.label("name");
  std::vector<std::string> const labels = table.texts("labels").value_or(std::vector<std::string>{});
  table.complain_of_the_rest();
  if (table.complaints().size() > before || keys.empty()) return std::nullopt;
  std::size_t const size = keys.front().values.size();
  if (!labels.empty() && labels.size() != size) {
    table.complain("labels",
                   "has " + std::to_string(labels.size()) + " for " + std::to_string(size) + " positions",
                   "give one for each");
    return std::nullopt;
  }
  std::string const called =
      name.value_or(table.has("random") ? "design" : coordinate_name(keys.front(), keys));
  // The first key gives the axis its coordinate, unless it has labels or was drawn at random.
  SweptKey const* leading = labels.empty() && !table.has("random") ? &keys.front() : nullptr;
  DeclaredAxis declared;
  declared.axis.coordinate = leading != nullptr ? coordinate_of(called, *leading) : numbered(called, size);
  if (!labels.empty()) declared.axis.coordinate = {called, "1", {}, labels};
  for (SweptKey const& key : keys) {
    if (&key == leading) continue;
    std::string along = coordinate_name(key, keys);
    if (along == called) along += "_value";
    declared.axis.along.push_back(coordinate_of(std::move(along), key));
  }
  refuse_repeats(table, declared.axis.coordinate);
  if (table.complaints().size() > before) return std::nullopt;
  declared.keys = std::move(keys);
  return declared;
}

}  // namespace spacemoe
