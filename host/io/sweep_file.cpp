#include "host/io/sweep_file.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <tbb/parallel_for.h>

#include "host/evaluation/evaluate.hpp"
#include "host/io/number_text.hpp"
#include "host/io/scenario_sections.hpp"
#include "host/io/sweep_axis.hpp"
#include "host/io/sweep_manifest.hpp"
#include "host/io/sweep_result.hpp"
#include "host/io/text_files.hpp"
#include "host/search/memory.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t most_points = 10'000'000;
constexpr std::size_t most_complaints = 50;

/// Ways to give the same thing: setting one of these keys takes the others away.
constexpr std::array<std::array<std::string_view, 3>, 2> alternatives{
    {{"constellation.walker", "constellation.file", "shell"}, {"edges", "edges_ns", ""}}};

void put(TomlValue& root, KeyPath const& key, TomlValue value, std::vector<Complaint>& complaints) {
  std::string const where = value.position() + " " + key.text;
  for (auto const& ways : alternatives) {
    if (std::ranges::find(ways, key.text) == ways.end()) continue;
    for (std::string_view const other : ways) {
      if (!other.empty() && other != key.text) erase_key(root, *parse_key_path(other));
    }
  }
  if (auto const reason = set_key(root, key, std::move(value))) {
    complaints.push_back({where, "cannot be set: " + *reason, ""});
  }
}

/// Reads a sweep file section by section.
class Reader {
 public:
  Reader(std::string text, TomlValue const& document, ScenarioOverrides const& overrides,
         std::vector<Complaint>& complaints)
      : root_(document, "", complaints), complaints_(complaints) {
    plan_.given_text = std::move(text);
    plan_.overrides = overrides;
  }

  std::optional<SweepPlan> read() {
    plan_.title = root_.label("title").value_or("");
    bool const has_base = read_base();
    read_set();
    read_unset();
    read_axes();
    read_derived();
    root_.complain_of_the_rest();
    check_names();
    refuse_overridden_axes();
    if (has_base && complaints_.empty()) finish();
    if (!complaints_.empty()) return std::nullopt;
    return std::move(plan_);
  }

 private:
  bool read_base() {
    if (!root_.require("scenario", "name the scenario that all points begin from")) return false;
    auto document = included_file(root_, "scenario");
    if (document) plan_.base = std::move(*document);
    return document.has_value();
  }

  void read_set() {
    TableReader section = root_.table("set");
    if (!root_.has("set") || section.value().as<TomlTable>() == nullptr) return;
    for (TomlLeaf const& leaf : leaves(*section.value().as<TomlTable>())) {
      if (auto path = path_of(leaf, "set")) {
        plan_.settings.push_back(path->text + " = " + inline_text(*leaf.value));
        set_.push_back({std::move(*path), {*leaf.value}});
      }
    }
  }

  void read_unset() {
    for (std::string const& text : root_.texts("unset").value_or(std::vector<std::string>{})) {
      auto path = parse_key_path(text);
      if (!path || (plan_.base.file && find_key(plan_.base, *path) == nullptr)) {
        root_.complain("unset", quoted_excerpt(text) + " is no key of the scenario", "leave it out");
      } else {
        plan_.settings.push_back("unset " + text);
        unset_.push_back(std::move(*path));
      }
    }
  }

  void read_axes() {
    std::uint64_t points = 1;
    for (TableReader& table : root_.tables("axis")) {
      auto declared = read_axis(table);
      if (!declared) continue;
      points *= declared->axis.size();
      if (points > most_points) {
        table.complaints().push_back(
            {table.where(), "brings the sweep to more than " + std::to_string(most_points) + " points",
             "use fewer positions, or a random design"});
        return;
      }
      plan_.axes.push_back(std::move(declared->axis));
      plan_.keys.push_back(std::move(declared->keys));
    }
  }

  void read_derived() {
    TableReader section = root_.table("derived");
    if (!root_.has("derived") || section.value().as<TomlTable>() == nullptr) return;
    for (TomlLeaf const& leaf : leaves(*section.value().as<TomlTable>())) {
      if (auto path = path_of(leaf, "derived")) plan_.derived.add(std::move(*path), *leaf.value, complaints_);
    }
    for (std::string const& text : plan_.derived.texts()) plan_.settings.push_back(text);
  }

  std::optional<KeyPath> path_of(TomlLeaf const& leaf, std::string const& section) {
    auto path = parse_key_path(leaf.path);
    if (!path) {
      complaints_.push_back({leaf.value->position() + " " + section + "." + excerpt(leaf.path), "is no key",
                             "write for example \"shell[0].planes\""});
    }
    return path;
  }

  /// Names of axes and coordinates must be all different, and not be names of the result's own.
  void check_names() {
    std::set<std::string> names;
    auto const check = [&](std::string const& name) {
      if (is_reserved_name(name)) {
        complain_of_axes(quoted_excerpt(name) + " is a name that results have themselves");
      } else if (name.empty() || name.find('/') != std::string::npos) {
        complain_of_axes(quoted_excerpt(name) + " is no name for an axis");
      } else if (!names.insert(name).second) {
        complain_of_axes(quoted_excerpt(name) + " is the name of two axes or keys");
      }
    };
    for (SweepAxis const& axis : plan_.axes) {
      check(axis.coordinate.name);
      for (Coordinate const& along : axis.along) check(along.name);
    }
    std::set<std::string> keys;
    for (auto const& axis : plan_.keys) {
      for (SweptKey const& key : axis) {
        if (!keys.insert(key.key.text).second) complain_of_axes(key.key.text + " is varied by two axes");
      }
    }
  }

  void complain_of_axes(std::string what) {
    root_.complain("axis", std::move(what), "give the axis another name");
  }

  void refuse_overridden_axes() {
    auto const refuse = [&](bool given, std::string_view key, std::string const& option) {
      for (auto const& axis : plan_.keys) {
        for (SweptKey const& swept : axis) {
          if (!given || swept.key.text != key) continue;
          complaints_.push_back({option, "conflicts with the axis over " + swept.key.text, "leave it out"});
        }
      }
    };
    refuse(plan_.overrides.tokens.has_value(), "evaluation.tokens", "--tokens");
    refuse(plan_.overrides.seed.has_value(), "seed", "--seed");
    refuse(plan_.overrides.strategies.has_value(), "placement.strategies", "--strategies");
  }

  /// The scenario that all points begin from.
  void finish() {
    for (KeyPath const& key : unset_) erase_key(plan_.base, key);
    for (SweptKey const& key : set_) put(plan_.base, key.key, key.values.front(), complaints_);
    spell_out_shells();
    if (!complaints_.empty()) return;
    std::vector<Complaint> found;
    if (auto const base = read_scenario(plan_.base, plan_.overrides, found)) {
      plan_.base_resolved =
          resolved_text(*base);  // axes and formulas may still make room in one that has none
    } else {
      complaints_ = std::move(found);
    }
  }

  /// Where keys of shells are varied, but a Walker notation or a file gives the shells, they become tables.
  void spell_out_shells() {
    std::vector<KeyPath> varied = plan_.derived.keys();
    for (auto const& axis : plan_.keys) {
      for (SweptKey const& key : axis) varied.push_back(key.key);
    }
    auto const is_of_shell = [](KeyPath const& key) { return key.is_within("shell"); };
    if (std::ranges::none_of(varied, is_of_shell) || plan_.base.as<TomlTable>()->find("shell") != nullptr)
      return;
    std::vector<Complaint> found;
    auto const base = read_scenario(plan_.base, {}, found);
    if (!base) return;  // which is complained of in the end
    auto const resolved = parse_toml(resolved_text(*base), "defaults", complaints_);
    TomlValue const* shells = resolved ? resolved->as<TomlTable>()->find("shell") : nullptr;
    if (shells == nullptr) return;
    for (char const* key : {"constellation.walker", "constellation.file", "constellation.phasing_rule"}) {
      erase_key(plan_.base, *parse_key_path(key));
    }
    put(plan_.base, *parse_key_path("shell"), *shells, complaints_);
  }

  TableReader root_;
  std::vector<Complaint>& complaints_;
  SweepPlan plan_;
  std::vector<SweptKey> set_;
  std::vector<KeyPath> unset_;
};

std::string joined(std::vector<Complaint> const& complaints) {
  std::string all;
  for (Complaint const& complaint : complaints) {
    all += (all.empty() ? "" : "; ") + complaint.what;
    if (!complaint.remedy.empty()) all += " (" + complaint.remedy + ")";
  }
  return all;
}

/// What is wrong with points, each complaint once, however many points have it.
class PointComplaints {
 public:
  explicit PointComplaints(SweepPlan const& plan) : plan_(plan) {}

  void add(std::uint64_t point, std::vector<Complaint> const& complaints) {
    for (Complaint const& complaint : complaints) {
      if (complaint.infeasible || !seen_.insert(complaint.where + complaint.what).second) continue;
      all_.push_back(complaint);
      all_.back().what += ", at " + point_text(plan_.axes, point);
    }
  }

  void check() {
    if (all_.empty()) return;
    if (all_.size() > most_complaints) {
      std::size_t const more = all_.size() - most_complaints;
      all_.resize(most_complaints);
      all_.push_back({"sweep", std::to_string(more) + " more problems like these", ""});
    }
    throw ScenarioError(std::move(all_));
  }

 private:
  SweepPlan const& plan_;
  std::set<std::string> seen_;
  std::vector<Complaint> all_;
};

/// Whether snapshots before damage depend on a key, by the table that it stands in.
bool is_of_network(KeyPath const& key) {
  constexpr std::array others{"title",   "damage",    "model",  "activation",
                              "compute", "placement", "search", "evaluation"};
  return std::ranges::find(others, key.steps.front().key) == others.end();
}

double bytes_of(Scenario const& scenario) {
  bool const searches =
      std::ranges::find(scenario.strategies, Strategy::refined) != scenario.strategies.end();
  return std::max(evaluation_bytes(scenario, {}), searches ? search_bytes(scenario) : 0);
}

}  // namespace

SweepPlan load_sweep(std::filesystem::path const& file, ScenarioOverrides const& overrides) {
  std::vector<Complaint> complaints;
  auto text = read_text(file, file.string(), complaints);
  auto const document = text ? parse_toml(*text, file, complaints) : std::nullopt;
  auto plan = document ? Reader(std::move(*text), *document, overrides, complaints).read() : std::nullopt;
  if (!plan) throw ScenarioError(std::move(complaints));
  return std::move(*plan);
}

std::optional<Scenario> scenario_at(SweepPlan const& plan, std::uint64_t point,
                                    std::vector<Complaint>& complaints) {
  std::size_t const before = complaints.size();
  std::vector<std::size_t> const at = position(plan.axes, point);
  TomlValue root = plan.base;
  for (std::size_t a = 0; a < at.size(); ++a) {
    for (SweptKey const& key : plan.keys[a]) put(root, key.key, key.values[at[a]], complaints);
  }
  plan.derived.apply(root, complaints);
  if (complaints.size() > before) return std::nullopt;
  return read_scenario(root, plan.overrides, complaints);
}

void sort_by_network(SweepPlan const& plan, std::vector<std::uint64_t>& points) {
  std::vector<std::size_t> axes;
  for (std::size_t a = 0; a < plan.axes.size(); ++a) {
    if (std::ranges::any_of(plan.keys[a], is_of_network, &SweptKey::key)) axes.push_back(a);
  }
  std::ranges::stable_sort(points, {}, [&](std::uint64_t point) {
    std::vector<std::size_t> const at = position(plan.axes, point);
    std::vector<std::size_t> network;
    for (std::size_t const a : axes) network.push_back(at[a]);
    return network;
  });
}

std::vector<std::string> axis_texts(SweepPlan const& plan) {
  std::vector<std::string> all;
  for (std::size_t a = 0; a < plan.axes.size(); ++a) {
    std::string text = plan.axes[a].coordinate.name + ":";
    for (SweptKey const& key : plan.keys[a]) {
      text += " " + key.key.text + " = ";
      text += inline_text({key.values, key.values.front().file, 0});
    }
    all.push_back(std::move(text));
  }
  return all;
}

std::vector<PointCheck> check_points(SweepPlan const& plan) {
  std::vector<PointCheck> checks(points(plan.axes));
  std::vector<std::vector<Complaint>> complaints(checks.size());
  tbb::parallel_for(std::size_t{0}, checks.size(), [&](std::size_t point) {
    auto const scenario = scenario_at(plan, point, complaints[point]);
    if (complaints[point].empty()) {
      checks[point] = {"", short_digest(resolved_text(scenario.value())), bytes_of(*scenario)};
    } else if (std::ranges::all_of(complaints[point], &Complaint::infeasible)) {
      checks[point].failure = joined(complaints[point]);
      checks[point].digest = short_digest(checks[point].failure);
      complaints[point].clear();
    }
  });
  PointComplaints all(plan);
  for (std::size_t point = 0; point < checks.size(); ++point) all.add(point, complaints[point]);
  all.check();
  return checks;
}

}  // namespace spacemoe
