#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/errors.hpp"

namespace spacemoe {

/// What identifies a sweep: all that its points' results depend on.
struct SweepManifest {
  std::string base;                       ///< resolved base scenario, TOML
  std::vector<std::string> axes;          ///< a line of text per axis: name, keys, values
  std::vector<std::string> settings;      ///< further lines: whatever else results depend on
  std::vector<std::string> point_digest;  ///< [point] short_digest of its resolved scenario
  std::string numerics;                   ///< numerics_digest of the machine

  bool operator==(SweepManifest const&) const = default;
};

/// How complaints call a point, by its number.
using PointName = std::function<std::string(std::uint64_t point)>;

/// "point 17", for sweeps whose points have no better name.
std::string numbered_point(std::uint64_t point);

/// First 16 hexadecimal digits of a text's SHA-256.
std::string short_digest(std::string_view text);

/// SHA-256 over what this machine's math library gives, in hexadecimal digits. Results are the same to the
/// bit only between machines where it is the same.
std::string numerics_digest();

/// The manifest as JSON text; the same manifest gives the same text.
std::string manifest_text(SweepManifest const& manifest);

/// Reads it back. Throws ScenarioError, which calls the text `where`, for what is no manifest.
SweepManifest parse_manifest(std::string_view text, std::string const& where);

/// In what the sweep found at `where` differs from the one that is wanted, for people: keys of the base
/// scenario, axes and settings; where those agree, the first points that differ, called by `name`; the
/// numerics. Empty where they are the same.
std::vector<Complaint> manifest_differences(SweepManifest const& found, SweepManifest const& wanted,
                                            std::string const& where, PointName const& name = numbered_point);

}  // namespace spacemoe
