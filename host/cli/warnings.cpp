#include "host/cli/warnings.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace spacemoe {
namespace {

class Warnings {
 public:
  /// Keeps the sentence when `unusual`.
  template <class... Values>
  void when(bool unusual, char const* pattern, Values... values) {
    if (!unusual) return;
    char text[512];
    std::snprintf(text, sizeof text, pattern, values...);
    all_.emplace_back(text);
  }

  std::vector<std::string> all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

bool binds(NetworkSurvey const& network, Removal reason) {
  return network.removed_over_slots[static_cast<std::size_t>(reason)] > 0;
}

void warn_of_shell(Warnings& w, Scenario const& scenario, Shell const& shell) {
  char const* const name = shell.name.c_str();
  bool const delta = shell.pattern == Pattern::delta;
  bool const walker = shell.phasing_rule == PhasingRule::walker;
  Seam const seam = scenario.links.seam;
  w.when(shell.altitude_km < 300, "shell %s: at %g km satellites decay within months", name,
         shell.altitude_km);
  w.when(shell.altitude_km > 2000, "shell %s: %g km is above low Earth orbit", name, shell.altitude_km);
  w.when(shell.planes > 1 && walker && shell.phasing == 0,
         "shell %s: phasing F = 0 puts the same slots of all planes at the same phase", name);
  w.when(delta && shell.planes > 2 && seam == Seam::cut,
         "shell %s: seam = cut leaves out links between the last plane and the first, which are neighbours "
         "in a delta",
         name);
  w.when(delta && walker && shell.phasing > 0 && shell.planes > 2 && seam == Seam::wrap,
         "shell %s: seam = wrap joins equal slots across a phase jump of F = %u slots; wrap-phased joins the "
         "nearest",
         name, shell.phasing);
  w.when(!delta && scenario.links.star_seam,
         "shell %s: links across the seam of a star join satellites that pass each other", name);
  double const step_deg = shell.planes > 1 ? std::abs(phase_deg(shell, 1) - phase_deg(shell, 0)) : 0;
  w.when(
      scenario.links.inter_plane_partner == InterPlanePartner::same_slot &&
          step_deg > 0.5 * 360 / shell.satellites_per_plane + 1e-9,
      "shell %s: partner = same-slot, but another slot of the next plane is nearer in phase (%.3f deg apart)",
      name, step_deg);
}

void warn_of_links(Warnings& w, Scenario const& scenario, NetworkSurvey const& network,
                   PathSurvey const& paths) {
  LinkRules const& rules = scenario.links;
  w.when(rules.max_pointing_rate_rad_s && !binds(network, Removal::pointing),
         "max_pointing_rate_rad_s = %g removes no link in any slot",
         rules.max_pointing_rate_rad_s.value_or(0));
  w.when(rules.latitude_limit_deg && !binds(network, Removal::latitude),
         "latitude_limit_deg = %g removes no link in any slot", rules.latitude_limit_deg.value_or(0));
  w.when(rules.max_range_km && !binds(network, Removal::range),
         "max_range_km = %g removes no link in any slot", rules.max_range_km.value_or(0));
  w.when(!rules.grazing_altitude_km && network.grazing_altitude_km < 80,
         "some links pass %.0f km above ground; grazing_altitude_km = 80 would remove those below the "
         "thermosphere",
         network.grazing_altitude_km);
  w.when(rules.survival < 0.9, "survival = %g loses many links", rules.survival);
  w.when(network.components > 1, "the network falls into %u components at slot 0", network.components);
  w.when(paths.unreachable > 0, "%.4f %% of the pairs have no path at slot 0", 100 * paths.unreachable);
  w.when(scenario.constellation.shells.size() > 1 && rules.between_shells == BetweenShells::none,
         "shells have no links between them, so experts on different shells cannot reach each other");
  w.when(!is_whole(scenario.damage),
         "links and paths are shown as they are without [damage], which evaluations meet");
}

void warn_of_model(Warnings& w, Scenario const& scenario) {
  ComputeTimes const compute(scenario.model, scenario.compute);
  double const expert_ms = static_cast<double>(compute.expert_ns(0, 0, satellite(0))) / 1e6;
  w.when(!scenario.compute.gateway_compute && scenario.compute.gateway_ms.empty(),
         "compute.gateway = false: attention, router and shared experts take no time");
  w.when(!scenario.compute.head_compute && !scenario.compute.head_ms,
         "compute.head = false: dense layers and the head take no time");
  w.when(expert_ms > 1000, "an expert takes %.0f ms on satellite 0", expert_ms);
  double const cells = 1.0 * scenario.time.slots * scenario.random_placements;
  w.when(static_cast<double>(scenario.tokens) < 2 * cells,
         "%llu tokens over %.0f cells of random strategies: cells of one token make the standard error "
         "larger than it is",
         static_cast<unsigned long long>(scenario.tokens), cells);
  bool const random = std::ranges::any_of(scenario.strategies, is_random);
  w.when(random && scenario.random_placements == 1,
         "random strategies use a single placement, so their spread is not seen");
}

}  // namespace

std::vector<std::string> warnings(Scenario const& scenario, NetworkSurvey const& network,
                                  PathSurvey const& paths) {
  Warnings w;
  for (auto const& shell : scenario.constellation.shells) warn_of_shell(w, scenario, shell);
  warn_of_links(w, scenario, network, paths);
  warn_of_model(w, scenario);
  return w.all();
}

}  // namespace spacemoe
