#include "host/cli/stress_report.hpp"

#include <algorithm>
#include <ostream>

#include "host/cli/columns.hpp"

namespace spacemoe {
namespace {

std::string percent(double share) {
  return format("%.3f", 100 * share);
}

std::string plus_minus(Estimate const& estimate, double scale) {
  return format("%.3f", scale * (estimate.high - estimate.low) / 2);
}

void print_point(std::ostream& out, std::string label, StressPoint const& point, std::size_t width) {
  constexpr auto drop = static_cast<std::size_t>(LossPolicy::drop);
  constexpr auto wait = static_cast<std::size_t>(LossPolicy::wait);
  constexpr auto penalty = static_cast<std::size_t>(LossPolicy::penalty);
  label.resize(width, ' ');
  bool const lost = point.undeliverable[drop].mean > 0;
  out << "       " << label << padded(milliseconds(point.mean_ms[drop].mean), 10)
      << padded(plus_minus(point.mean_ms[drop], 1), 9) << padded(percent(point.undeliverable[drop].mean), 9)
      << padded(plus_minus(point.undeliverable[drop], 100), 8) << padded(percent(point.detours), 10)
      << padded(milliseconds(point.mean_ms[wait].mean), 12) << padded(milliseconds(point.waited_ms), 12)
      << padded(percent(point.undeliverable[wait].mean), 9)
      << padded(milliseconds(point.mean_ms[penalty].mean), 12)
      << padded(lost ? std::to_string(point.weakest_layer) : "-", 7)
      << padded(lost ? std::to_string(index(point.weakest_host)) : "-", 7) << '\n';
}

}  // namespace

void print_table(std::ostream& out, Scenario const& scenario, Stress const& stress) {
  std::size_t width = 10;
  for (auto const& placement : stress.placements) width = std::max(width, placement.size() + 1);
  out << scenario.title << (scenario.title.empty() ? "" : ": ") << stress.draws << " draws of "
      << stress.tokens << " tokens per placement, seed " << scenario.seed.value
      << ", +- half of a 95 % interval over draws\n";
  for (std::size_t f = 0; f < stress.families.size(); ++f) {
    std::string head = std::string(name(stress.families[f]));
    head.resize(width + 7, ' ');
    out << '\n'
        << head << "   mean ms       +-   lost %      +-  detours %     wait: ms   waited ms   lost %"
        << " penalty: ms  weakest: layer, host\n";
    for (std::size_t level = 0; level < stress.levels.size(); ++level) {
      out << format("%g", stress.levels[level]) << '\n';
      for (std::size_t p = 0; p < stress.placements.size(); ++p) {
        print_point(out, stress.placements[p], stress.at(f, level, p), width);
      }
    }
  }
}

}  // namespace spacemoe
