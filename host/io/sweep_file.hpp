#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/evaluation/scenario.hpp"
#include "host/io/derived_keys.hpp"
#include "host/io/key_path.hpp"
#include "host/io/scenario_file.hpp"
#include "host/sweep/axes.hpp"

namespace spacemoe {

/// A key that an axis varies.
struct SweptKey {
  KeyPath key;
  std::vector<TomlValue> values;  ///< [position]
};

/// A sweep as its file declares it. Scenarios of points are made when they are asked for, so that memory does
/// not grow with their number.
struct SweepPlan {
  std::string title;
  std::vector<SweepAxis> axes;
  std::vector<std::vector<SweptKey>> keys;  ///< [axis]
  TomlValue base;                           ///< scenario of all points before axes and formulas
  DerivedKeys derived;
  ScenarioOverrides overrides;
  std::vector<std::string> settings;  ///< what [set], unset and [derived] say, a line each
  std::string base_resolved;          ///< base, with every default spelt out
  std::string given_text;             ///< the sweep file as it was read
};

/// Reads a sweep. Throws ScenarioError with every complaint at once about the file and about the scenario
/// that all points begin from.
SweepPlan load_sweep(std::filesystem::path const& file, ScenarioOverrides const& overrides = {});

/// The scenario of a point, and complaints where it is wrong or infeasible; nothing where it is wrong.
std::optional<Scenario> scenario_at(SweepPlan const& plan, std::uint64_t point,
                                    std::vector<Complaint>& complaints);

/// Brings points with the same network together, in case they share what is computed of it.
void sort_by_network(SweepPlan const& plan, std::vector<std::uint64_t>& points);

/// A line of text per axis: its name, keys and values.
std::vector<std::string> axis_texts(SweepPlan const& plan);

/// What is known of a point before it runs.
struct PointCheck {
  std::string failure;  ///< why it cannot run, where its values are sound but nothing can be placed
  std::string digest;   ///< of its scenario, 16 hexadecimal digits
  double bytes = 0;     ///< memory that it takes
};

/// Makes the scenario of every point, once. Throws ScenarioError with all that is wrong with any of them.
std::vector<PointCheck> check_points(SweepPlan const& plan);

}  // namespace spacemoe
