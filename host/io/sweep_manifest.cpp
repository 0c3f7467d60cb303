#include "host/io/sweep_manifest.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <nlohmann/json.hpp>

#include "host/io/number_text.hpp"
#include "host/io/scenario_differences.hpp"
#include "host/io/sha256.hpp"

namespace spacemoe {
namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::string>;

constexpr char const* format = "spacemoe sweep 1";
constexpr std::size_t keys_shown = 8;
constexpr std::size_t points_shown = 3;

/// What is shown of two texts that differ: all, or where they are long the part around their first
/// difference.
std::pair<std::string, std::string> excerpts(std::string_view a, std::string_view b) {
  constexpr std::size_t most = 120;
  constexpr std::size_t before = 40;
  std::size_t begin = 0;
  if (std::max(a.size(), b.size()) > most) {
    auto const same = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
    begin = same > before ? same - before : 0;
    while (begin > 0 && (a[begin] & 0xc0) == 0x80) --begin;  // not within a character of UTF-8
  }
  std::string const cut = begin > 0 ? "..." : "";
  return {cut + excerpt(a.substr(begin), most), cut + excerpt(b.substr(begin), most)};
}

/// Gathers complaints that a sweep is another one.
class Differences {
 public:
  explicit Differences(std::string const& where) : where_(where) {}

  void add(std::string const& what) { found_.push_back({where_, "belongs to another sweep: " + what, ""}); }

  void changed(std::string const& what, std::string_view was, std::string_view is) {
    auto const [old_text, new_text] = excerpts(was, is);
    add(what + " was " + old_text + ", is " + new_text);
  }

  bool none() const { return found_.empty(); }
  std::vector<Complaint> take() { return std::move(found_); }

 private:
  std::string const& where_;
  std::vector<Complaint> found_;
};

void compare_base(std::string const& was, std::string const& is, Differences& differences) {
  if (was == is) return;
  auto const keys = scenario_differences(was, is, KeysCompared::all);
  for (std::size_t i = 0; i < std::min(keys.size(), keys_shown); ++i) {
    differences.changed(keys[i].key, keys[i].a, keys[i].b);
  }
  if (keys.size() > keys_shown) {
    differences.add(std::to_string(keys.size() - keys_shown) + " more keys of the base scenario");
  }
}

/// The lines of `lines` that `others` lacks.
Lines lines_missing(Lines const& lines, Lines const& others) {
  Lines missing;
  std::ranges::copy_if(lines, std::back_inserter(missing), [&](std::string const& line) {
    return std::ranges::find(others, line) == others.end();
  });
  return missing;
}

std::string joined(Lines const& lines) {
  std::string all;
  for (std::string const& line : lines) all += (all.empty() ? "" : "; ") + line;
  return all;
}

/// Pairs what has gone with what has come, in order.
void compare_lines(std::string const& kind, Lines const& was, Lines const& is, Differences& differences) {
  Lines const gone = lines_missing(was, is);
  Lines const come = lines_missing(is, was);
  for (std::size_t i = 0; i < std::max(gone.size(), come.size()); ++i) {
    if (i < gone.size() && i < come.size()) {
      differences.changed(kind, gone[i], come[i]);
    } else if (i < gone.size()) {
      differences.add(kind + " is gone: " + excerpts(gone[i], "").first);
    } else {
      differences.add(kind + " is new: " + excerpts(come[i], "").first);
    }
  }
  if (gone.empty() && come.empty() && was != is) {
    differences.changed("order of " + kind + " lines", joined(was), joined(is));
  }
}

void compare_points(Lines const& was, Lines const& is, PointName const& name, Differences& differences) {
  if (was.size() != is.size()) {
    differences.add("it had " + std::to_string(was.size()) + " points, has " + std::to_string(is.size()));
    return;
  }
  std::size_t count = 0;
  for (std::size_t i = 0; i < was.size(); ++i) {
    if (was[i] != is[i] && ++count <= points_shown) {
      differences.add(name(i) +
                      " was another scenario; a file that it names has changed, or the program has");
    }
  }
  if (count > points_shown) differences.add(std::to_string(count - points_shown) + " more points likewise");
}

}  // namespace

std::string numbered_point(std::uint64_t point) {
  return "point " + std::to_string(point);
}

std::string short_digest(std::string_view text) {
  return hexadecimal(sha256(text)).substr(0, 16);
}

std::string manifest_text(SweepManifest const& manifest) {
  return Json{{"format", format},
              {"base", manifest.base},
              {"axes", manifest.axes},
              {"settings", manifest.settings},
              {"point_digest", manifest.point_digest},
              {"numerics", manifest.numerics}}
      .dump();
}

SweepManifest parse_manifest(std::string_view text, std::string const& where) {
  try {
    Json const json = Json::parse(text);
    if (json.at("format") != format) {
      throw ScenarioError({where, "belongs to a sweep of another version of the program",
                           "finish it with that version, or delete it to begin afresh"});
    }
    return {json.at("base"), json.at("axes"), json.at("settings"), json.at("point_digest"),
            json.at("numerics")};
  } catch (Json::exception const&) {
    throw ScenarioError({where, "holds no description of a sweep", "delete it to begin afresh"});
  }
}

std::vector<Complaint> manifest_differences(SweepManifest const& found, SweepManifest const& wanted,
                                            std::string const& where, PointName const& name) {
  Differences differences(where);
  compare_base(found.base, wanted.base, differences);
  compare_lines("axis", found.axes, wanted.axes, differences);
  compare_lines("setting", found.settings, wanted.settings, differences);
  if (differences.none()) compare_points(found.point_digest, wanted.point_digest, name, differences);
  if (found.numerics != wanted.numerics) {
    differences.add("the math library of this machine gives other results than that of the one it began on");
  }
  return differences.take();
}

}  // namespace spacemoe
