#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <stdexcept>
#include <utility>

#include "host/io/number_text.hpp"
#include "host/io/scenario_names.hpp"
#include "host/io/scenario_sections.hpp"
#include "host/io/text_files.hpp"

namespace spacemoe {
namespace {

constexpr Range altitude_range{0, 1e5, true};
constexpr Range any_time{-1e12, 1e12};

enum class NetworkKind { constellation, edges };
constexpr std::array network_names{Named<NetworkKind>{"constellation", NetworkKind::constellation},
                                   Named<NetworkKind>{"edges", NetworkKind::edges}};

/// Complains when the satellites of all shells are too many; counts in 64 bits, which planes and satellites
/// per plane of at most 2^24 cannot overflow in one shell.
bool count_fits(TableReader& reader, std::string_view key, std::vector<Shell> const& shells) {
  std::uint64_t total = 0;
  for (Shell const& shell : shells) {
    total += std::uint64_t{shell.planes} * shell.satellites_per_plane;
    if (total > largest_count) {
      reader.complain(key, "more than " + std::to_string(largest_count) + " satellites in all",
                      "use fewer planes or satellites per plane");
      return false;
    }
  }
  return true;
}

std::uint32_t read_satellites_per_plane(TableReader& table, std::optional<std::uint32_t> planes) {
  auto const per_plane = table.count("satellites_per_plane", 1, largest_count);
  auto const total = table.count("satellites", 1, largest_count);
  if (table.has("satellites_per_plane") && table.has("satellites")) {
    table.complain("satellites", "conflicts with satellites_per_plane", "give one of the two");
    return 0;
  }
  if (!table.has("satellites_per_plane") && !table.has("satellites")) {
    table.complain("satellites_per_plane", "missing",
                   "give satellites_per_plane, or satellites for all planes");
    return 0;
  }
  if (per_plane) return *per_plane;
  if (!total || !planes) return 0;
  if (*total % *planes != 0) {
    std::uint32_t const below = *total - *total % *planes;
    table.complain(
        "satellites",
        "T = " + std::to_string(*total) + " is not a multiple of the " + std::to_string(*planes) + " planes",
        "the nearest multiples are " + (below > 0 ? std::to_string(below) + " and " : "") +
            std::to_string(below + *planes));
    return 0;
  }
  return *total / *planes;
}

void read_phasing(TableReader& table, std::optional<std::uint32_t> planes, Shell& shell) {
  shell.phasing_rule = table.choice("phasing_rule", phasing_rule_names).value_or(PhasingRule::walker);
  if (shell.phasing_rule == PhasingRule::alternating) {
    table.refuse("phasing", "phasing_rule = \"alternating\" shifts odd planes by half a slot",
                 "leave it out, or use phasing_rule = \"walker\"");
  } else {
    shell.phasing = table.count("phasing", 0, planes ? *planes - 1 : largest_count).value_or(0);
  }
}

Shell read_shell(TableReader& table, std::size_t number) {
  Shell shell;
  shell.name = table.label("name").value_or("shell " + std::to_string(number));
  for (std::string_view const key : {"altitude_km", "inclination_deg", "planes"}) {
    table.require(key, "every shell gives it");
  }
  shell.altitude_km = table.real("altitude_km", altitude_range).value_or(0);
  shell.inclination_deg = table.real("inclination_deg", {0, 180}).value_or(0);
  auto const planes = table.count("planes", 1, largest_count);
  shell.planes = planes.value_or(0);
  shell.satellites_per_plane = read_satellites_per_plane(table, planes);
  read_phasing(table, planes, shell);
  shell.pattern = table.choice("pattern", pattern_names).value_or(Pattern::delta);
  shell.raan0_deg = table.real("raan0_deg", {-360, 360}).value_or(0);
  table.complain_of_the_rest();
  return shell;
}

std::vector<Shell> read_walker(TableReader& section) {
  auto const text = section.text("walker");
  auto const rule = section.choice("phasing_rule", phasing_rule_names).value_or(PhasingRule::walker);
  if (!text) return {};
  try {
    std::vector<Shell> shells = parse_walker(*text);
    for (Shell& shell : shells) {
      shell.phasing_rule = rule;
      if (!altitude_range.contains(shell.altitude_km)) {
        section.complain("walker",
                         "an altitude of " + plain_number(shell.altitude_km) + " km is out of range",
                         "give a number " + altitude_range.text());
      }
      if (rule == PhasingRule::alternating && shell.phasing != 0) {
        section.complain(
            "walker",
            "F = " + std::to_string(shell.phasing) + " has no effect with phasing_rule = \"alternating\"",
            "write 0 as the last number, or use phasing_rule = \"walker\"");
      }
    }
    return shells;
  } catch (std::invalid_argument const& error) {
    section.complain("walker", excerpt(error.what(), 1000), "write for example \"D:550:53.0:1584/72/39\"");
    return {};
  }
}

/// The shells, which are given as a string or as tables beside the section.
void read_shells(TableReader& root, TableReader& section, Constellation& constellation) {
  std::size_t const before = root.complaints().size();
  std::vector<TableReader> tables = root.tables("shell");
  if (section.has("walker")) {
    constellation.shells = read_walker(section);
    if (root.has("shell"))
      root.complain("shell", "conflicts with constellation.walker", "give one of the two");
  } else {
    section.find("walker");
    section.refuse("phasing_rule", "it belongs to walker", "set phasing_rule in each [[shell]]");
    for (TableReader& table : tables) {
      constellation.shells.push_back(read_shell(table, constellation.shells.size()));
    }
  }
  if (constellation.shells.empty() && root.complaints().size() == before) {
    section.complain("walker", "no shells are given",
                     "add a [[shell]], or walker or file in [constellation]");
  }
  if (root.complaints().size() == before) {
    if (section.has("walker")) {
      count_fits(section, "walker", constellation.shells);
    } else {
      count_fits(root, "shell", constellation.shells);
    }
  }
}

void read_constellation(TableReader& root, bool may_include, Constellation& constellation) {
  TableReader section = root.table("constellation");
  auto const earth = section.choice("earth", earth_names);
  auto const propagation = section.choice("propagation", propagation_names);
  if (may_include && section.has("file")) {
    for (std::string_view const key : {"walker", "phasing_rule"}) {
      section.refuse(key, "constellation.file gives the shells");
    }
    root.refuse("shell", "constellation.file gives the shells");
    if (auto const document = included_file(section, "file")) {
      TableReader included(*document, "", root.complaints());
      read_constellation(included, false, constellation);
      included.complain_of_the_rest();
    }
  } else {
    if (may_include) {
      section.find("file");
    } else {
      section.refuse("file", "an included file includes no other");
    }
    read_shells(root, section, constellation);
  }
  // Keys of the scenario win over those of the file it includes.
  constellation.earth = earth.value_or(constellation.earth);
  constellation.propagation = propagation.value_or(constellation.propagation);
  section.complain_of_the_rest();
}

/// A place in a list of links, for complaints: row -> "file:line key".
using RowName = std::function<std::string(std::size_t)>;

/// Complains of links that join a node to itself or that repeat.
void check_links(std::vector<ListedLink> const& links, RowName const& where,
                 std::vector<Complaint>& complaints) {
  std::set<std::pair<SatelliteId, SatelliteId>> seen;
  for (std::size_t row = 0; row < links.size(); ++row) {
    auto const [a, b] = std::minmax(links[row].a, links[row].b);
    std::string const name = std::to_string(index(a)) + " - " + std::to_string(index(b));
    if (a == b) complaints.push_back({where(row), "link " + name + " joins a node to itself", "remove it"});
    if (!seen.emplace(a, b).second) {
      complaints.push_back(
          {where(row), "link " + name + " is listed twice; links go both ways", "remove one"});
    }
  }
}

/// Complains where some node below the greatest has no link: ids that do not count from 0, or a stray one,
/// which would make tables of nodes as long as itself.
void check_numbering(std::vector<ListedLink> const& links, RowName const& where,
                     std::vector<Complaint>& complaints) {
  auto const greater = [](ListedLink const& link) { return std::max(link.a, link.b); };
  auto const last = std::ranges::max_element(links, {}, greater);
  if (last == links.end()) return;
  std::vector<bool> linked(index(greater(*last)) + 1);
  for (ListedLink const& link : links) linked[index(link.a)] = linked[index(link.b)] = true;
  auto const gaps = std::ranges::count(linked, false);
  if (gaps == 0) return;
  auto const first = std::ranges::find(linked, false) - linked.begin();
  complaints.push_back({where(static_cast<std::size_t>(last - links.begin())),
                        "the greatest node is " + std::to_string(linked.size() - 1) + ", but node " +
                            std::to_string(first) + " has no link (" + std::to_string(gaps) +
                            (gaps == 1 ? " such node)" : " such nodes)"),
                        "number the nodes from 0 without gaps"});
}

void check_graph(std::vector<ListedLink> const& links, RowName const& where,
                 std::vector<Complaint>& complaints) {
  check_links(links, where, complaints);
  check_numbering(links, where, complaints);
}

void read_edge_file(TableReader& root, Scenario& scenario) {
  auto const file = root.path("edges");
  if (!file) return;
  constexpr Range id_range{0, largest_count - 1};
  constexpr Range latency_range{1e-6, 2147};
  constexpr std::array columns{CsvColumn{"a", id_range, true}, CsvColumn{"b", id_range, true},
                               CsvColumn{"latency_ms", latency_range}};
  auto const table = read_csv(*file, root.where("edges"), columns, root.complaints());
  if (!table) return;
  for (std::size_t row = 0; row < table->rows; ++row) {
    scenario.listed_links.push_back({satellite(static_cast<std::size_t>(table->at(row, 0))),
                                     satellite(static_cast<std::size_t>(table->at(row, 1))),
                                     static_cast<Nanoseconds>(std::llround(table->at(row, 2) * 1e6))});
  }
  check_graph(
      scenario.listed_links, [&](std::size_t row) { return file->string() + ":" + std::to_string(row + 2); },
      root.complaints());
}

void read_inline_edges(TableReader& root, Scenario& scenario) {
  auto const rows = root.integers("edges_ns", unreachable - 1);
  if (!rows) return;
  if (rows->depth != 2 || rows->columns != 3) {
    root.complain("edges_ns", "has " + rows->shape(), "give rows of 3 numbers: [[a, b, latency in ns], ...]");
    return;
  }
  auto const where = [&](std::size_t row) { return root.where("edges_ns", {row}); };
  std::size_t const before = root.complaints().size();
  for (std::size_t row = 0; row < rows->rows; ++row) {
    double const* link = rows->value.data() + 3 * row;
    if (std::max(link[0], link[1]) >= largest_count || link[2] < 1) {
      root.complaints().push_back(
          {where(row), "out of range",
           "ids are below " + std::to_string(largest_count) + ", latencies at least 1 ns"});
      continue;
    }
    scenario.listed_links.push_back({satellite(static_cast<std::size_t>(link[0])),
                                     satellite(static_cast<std::size_t>(link[1])),
                                     static_cast<Nanoseconds>(link[2])});
  }
  if (root.complaints().size() > before) return;
  check_graph(scenario.listed_links, where, root.complaints());
}

void read_edges(TableReader& root, Scenario& scenario) {
  for (std::string_view const key : {"constellation", "shell"}) {
    root.refuse(key, "network = \"edges\" lists its links",
                "leave it out, or use network = \"constellation\"");
  }
  bool const in_file = root.find("edges") != nullptr;
  bool const given = root.find("edges_ns") != nullptr;
  if (in_file == given) {
    root.complain(given ? "edges_ns" : "edges", given ? "conflicts with edges" : "missing",
                  "give edges = \"links.csv\" (a,b,latency_ms) or edges_ns = [[a, b, ns], ...]");
    return;
  }
  if (in_file) {
    read_edge_file(root, scenario);
  } else {
    read_inline_edges(root, scenario);
  }
  for (ListedLink const& link : scenario.listed_links) {
    scenario.listed_nodes = std::max(scenario.listed_nodes,
                                     static_cast<std::uint32_t>(std::max(index(link.a), index(link.b))) + 1);
  }
}

void refuse_geometric_rules(TableReader& section) {
  for (std::string_view const key :
       {"seam", "star_seam", "inter_plane_partner", "between_shells", "between_shells_range_km",
        "latitude_limit_deg", "latitude_rule", "grazing_altitude_km", "max_range_km",
        "max_pointing_rate_rad_s", "rate_bit_s", "message_bytes", "forwarding_us"}) {
    section.refuse(key, "network = \"edges\" lists its links and their whole latency");
  }
}

void check_seam(TableReader& section, Scenario const& scenario) {
  bool const star = std::ranges::any_of(scenario.constellation.shells, [](Shell const& shell) {
    return shell.pattern == Pattern::star && shell.planes > 1;
  });
  bool const seam = scenario.links.seam != Seam::cut;
  if (star && seam && !scenario.links.star_seam) {
    section.complain("seam", "links across the seam of a star join planes that counter-rotate",
                     "use seam = \"cut\", or insist with star_seam = true");
  }
  if (scenario.links.star_seam && !(star && seam)) {
    section.complain("star_seam",
                     star ? "has no effect: seam = \"cut\"" : "has no effect: no shell is a star",
                     "leave it out");
  }
}

void check_grazing_altitude(TableReader& section, Scenario const& scenario) {
  auto const& shells = scenario.constellation.shells;
  if (!scenario.links.grazing_altitude_km || shells.empty()) return;
  double const lowest = std::ranges::min_element(shells, {}, &Shell::altitude_km)->altitude_km;
  if (*scenario.links.grazing_altitude_km < lowest) return;
  section.complain("grazing_altitude_km", "no line of sight passes above the lowest shell itself",
                   "give a number below " + plain_number(lowest));
}

void read_between_shells(TableReader& section, LinkRules& links) {
  auto const rule = section.choice("between_shells", between_shells_names);
  links.between_shells = rule.value_or(BetweenShells::none);
  if (links.between_shells == BetweenShells::nearest) {
    section.require("between_shells_range_km", "the nearest satellite is sought within it");
    links.between_shells_range_km = section.real("between_shells_range_km", {0, 1e6, true}).value_or(0);
  } else if (section.has("between_shells") && !rule) {
    section.find("between_shells_range_km");  // which rule was meant is not known
  } else {
    section.refuse("between_shells_range_km", "only between_shells = \"nearest\" has a range");
  }
}

void check_between_shells(TableReader& section, Scenario const& scenario) {
  if (scenario.links.between_shells == BetweenShells::none || scenario.constellation.shells.size() > 1)
    return;
  section.complain("between_shells", "has no effect: there is a single shell", "leave it out");
}

void read_link_geometry(TableReader& section, LinkRules& links) {
  links.seam = section.choice("seam", seam_names).value_or(Seam::cut);
  links.star_seam = section.boolean("star_seam").value_or(false);
  links.inter_plane_partner =
      section.choice("inter_plane_partner", partner_names).value_or(InterPlanePartner::same_slot);
  read_between_shells(section, links);
  std::size_t const before = section.complaints().size();
  links.latitude_limit_deg = section.limit("latitude_limit_deg", {0, 90});
  bool const off = !links.latitude_limit_deg && section.complaints().size() == before;
  if (off) {
    section.refuse("latitude_rule", "there is no latitude_limit_deg", "leave it out, or give the limit");
  } else {
    links.latitude_rule = section.choice("latitude_rule", latitude_rule_names).value_or(LatitudeRule::either);
  }
  links.grazing_altitude_km = section.limit("grazing_altitude_km", {0, 1e5});
  links.max_range_km = section.limit("max_range_km", {0, 1e6, true});
  links.max_pointing_rate_rad_s = section.limit("max_pointing_rate_rad_s", {0, 1e3, true});
}

void read_link_cost(TableReader& section, LinkRules& links) {
  links.rate_bit_s = section.real("rate_bit_s", {0, 1e18, true}).value_or(links.rate_bit_s);
  if (auto const bytes = section.real("message_bytes", {0, 1e15})) links.message_bit = 8 * *bytes;
  links.forwarding_ns = 1e3 * section.real("forwarding_us", {0, 2e6}).value_or(0);
  double const hop_ns = links.message_bit / links.rate_bit_s * 1e9 + links.forwarding_ns;
  if (hop_ns < unreachable) return;
  std::string_view const key = section.has("message_bytes") ? "message_bytes" : "rate_bit_s";
  section.complain(key,
                   "one hop takes " + plain_number(hop_ns / 1e9) + " s, past the limit of 2.147 s per path",
                   "use a greater rate_bit_s, a smaller message_bytes or less forwarding_us");
}

}  // namespace

void read_network(TableReader& root, Readiness& ready, Scenario& scenario) {
  std::size_t const before = root.complaints().size();
  auto const kind = root.choice("network", network_names);
  if (root.has("network") && !kind) {
    for (std::string_view const key : {"edges", "edges_ns", "constellation", "shell"}) root.find(key);
    return;
  }
  ready.listed = kind == NetworkKind::edges;
  if (ready.listed) {
    read_edges(root, scenario);
  } else {
    for (std::string_view const key : {"edges", "edges_ns"}) {
      root.refuse(key, "the network is a constellation", "set network = \"edges\"");
    }
    read_constellation(root, true, scenario.constellation);
  }
  ready.network = root.complaints().size() == before;
}

void read_links(TableReader& root, Readiness ready, Scenario& scenario) {
  TableReader section = root.table("links");
  LinkRules& links = scenario.links;
  links.message_bit = 8 * scenario.model.hidden_state_bytes;
  links.survival = section.real("survival", {0, 1}).value_or(1);
  if (ready.listed) {
    refuse_geometric_rules(section);
  } else {
    read_link_geometry(section, links);
    if (ready.network) {
      check_seam(section, scenario);
      check_grazing_altitude(section, scenario);
      check_between_shells(section, scenario);
    }
    read_link_cost(section, links);
  }
  section.complain_of_the_rest();
}

void read_time(TableReader& root, Readiness ready, Scenario& scenario) {
  TableReader section = root.table("time");
  section.require("slots", "the number of snapshots that are averaged");
  scenario.time.slots = section.count("slots", 1, largest_count).value_or(1);
  if (ready.listed) {
    for (std::string_view const key : {"start_s", "span_s"}) {
      section.refuse(key, "the links of network = \"edges\" do not move");
    }
  } else {
    scenario.time.start_s = section.real("start_s", any_time).value_or(0);
    TomlValue const* span = section.find("span_s");
    auto const* word = span == nullptr ? nullptr : span->as<std::string>();
    if (word == nullptr) {
      scenario.time.span_s = section.real("span_s", {0, 1e12});
    } else if (*word != "period") {
      section.complain("span_s", "must be a number or \"period\", not " + span->description());
    }
  }
  section.complain_of_the_rest();
}

}  // namespace spacemoe
